//! What each surface's body must look like to be read, and what it says about the reply.
//!
//! Only what Isartor itself relies on is checked, and the types of the best-known parameters: everything else is the
//! provider's to judge, in its own words.

use super::json::{Kind, Node};
use super::{BadRequest, Wants};
use crate::endpoint::Endpoint;

/// What a body says besides its key.
#[derive(Debug, Default)]
pub struct Facts {
    /// A stream is asked for.
    pub stream: bool,
    /// What the reply must carry.
    pub wants: Wants,
    /// Why nothing of this exchange may be kept.
    pub uncacheable: Option<&'static str>,
}

/// The type of a member.
#[derive(Clone, Copy)]
enum Is {
    Bool,
    String,
    Number,
    Whole,
    Array,
    Object,
}

/// The best-known parameters and their types; `null` is always taken as "not set".
const TYPES: &[(&str, Is)] = &[
    ("model", Is::String),
    ("stream", Is::Bool),
    ("stream_options", Is::Object),
    ("temperature", Is::Number),
    ("top_p", Is::Number),
    ("max_tokens", Is::Whole),
    ("max_completion_tokens", Is::Whole),
    ("max_output_tokens", Is::Whole),
    ("n", Is::Whole),
    ("tools", Is::Array),
    ("metadata", Is::Object),
    ("store", Is::Bool),
    ("generationConfig", Is::Object),
];

/// Checks a body and says what it asks for.
///
/// # Errors
/// A member that is missing or of the wrong type.
pub fn check(endpoint: Endpoint, root: &Node<'_>) -> Result<Facts, BadRequest> {
    for (name, expected) in TYPES {
        if let Some(value) = root.get(name).filter(|value| !value.is_null()) {
            expected.check(value, name)?;
        }
    }
    let mut facts = Facts { stream: is_true(root.get("stream")), ..Facts::default() };
    match endpoint {
        Endpoint::Chat => {
            turns(root, "messages", "content", true)?;
            require(root, "model")?;
            usage(root, &mut facts);
        }
        Endpoint::Completions => {
            require(root, "prompt")?;
            require(root, "model")?;
            usage(root, &mut facts);
        }
        Endpoint::Embeddings => {
            require(root, "input")?;
            require(root, "model")?;
            facts.stream = false;
        }
        Endpoint::Responses => responses(root, &mut facts)?,
        Endpoint::Messages | Endpoint::CountTokens => {
            turns(root, "messages", "content", true)?;
            require(root, "model")?;
            if let Some(system) = root.get("system").filter(|system| !system.is_null()) {
                text_or_parts(system, "system")?;
            }
            facts.stream &= endpoint == Endpoint::Messages;
        }
        Endpoint::Generate => {
            turns(root, "contents", "parts", false)?;
            facts.stream = false;
        }
        Endpoint::GeminiCount => {
            if root.get("generateContentRequest").is_none() {
                turns(root, "contents", "parts", false)?;
            }
            facts.stream = false;
        }
        Endpoint::Native => {
            Is::String.check(require(root, "prompt")?, "prompt")?;
            if root
                .get("prompt")
                .and_then(Node::text)
                .is_some_and(|prompt| prompt.bytes().trim_ascii().is_empty())
            {
                return Err(BadRequest::new("prompt", "must not be empty"));
            }
        }
    }
    Ok(facts)
}

/// Chat and completions: JSON always carries usage, a stream only if asked.
fn usage(root: &Node<'_>, facts: &mut Facts) {
    let asked = root.get("stream_options").and_then(|options| options.get("include_usage"));
    facts.wants.include_usage = is_true(asked);
    facts.wants.needs_usage = !facts.stream || facts.wants.include_usage;
}

fn responses(root: &Node<'_>, facts: &mut Facts) -> Result<(), BadRequest> {
    match root.get("input") {
        Some(input) if matches!(input.kind, Kind::Array(_)) => {
            for (index, item) in elements(input).iter().enumerate() {
                Is::Object.check(item, &format!("input[{index}]"))?;
            }
            if elements(input).is_empty()
                && root.get("previous_response_id").is_none()
                && root.get("prompt").is_none()
            {
                return Err(BadRequest::new("input", "must not be empty"));
            }
        }
        Some(input) if !input.is_null() => Is::String.check(input, "input")?,
        _ => {}
    }
    let set =
        |name: &str| root.get(name).is_some_and(|value| !value.is_null() && value.kind != Kind::Bool(false));
    facts.uncacheable = ["conversation", "background"].into_iter().find(|name| set(name));
    // The provider keeps a response unless told not to; only a kept one can be continued by its id.
    facts.wants.needs_stored = root.get("store").is_none_or(|store| store.kind != Kind::Bool(false));
    Ok(())
}

/// A list of turns, each an object with its content; `roles`: each must name its role.
fn turns(root: &Node<'_>, name: &str, content: &str, roles: bool) -> Result<(), BadRequest> {
    let list = require(root, name)?;
    Is::Array.check(list, name)?;
    if elements(list).is_empty() {
        return Err(BadRequest::new(name, "must not be empty"));
    }
    for (index, turn) in elements(list).iter().enumerate() {
        let path = format!("{name}[{index}]");
        Is::Object.check(turn, &path)?;
        match turn.get("role").filter(|role| !role.is_null()) {
            Some(role) => Is::String.check(role, &format!("{path}.role"))?,
            None if roles => return Err(BadRequest::new(format!("{path}.role"), "is required")),
            None => {}
        }
        if let Some(value) = turn.get(content).filter(|value| !value.is_null()) {
            text_or_parts(value, &format!("{path}.{content}"))?;
        }
    }
    Ok(())
}

/// A string, or a list of strings and objects.
fn text_or_parts(value: &Node<'_>, path: &str) -> Result<(), BadRequest> {
    match &value.kind {
        Kind::String(_) => Ok(()),
        Kind::Array(parts) => {
            match parts.iter().position(|part| !matches!(part.kind, Kind::Object(_) | Kind::String(_))) {
                Some(index) => Err(wrong(&format!("{path}[{index}]"), "an object", &parts[index])),
                None => Ok(()),
            }
        }
        _ => Err(wrong(path, "a string or an array", value)),
    }
}

fn require<'n, 'a>(root: &'n Node<'a>, name: &str) -> Result<&'n Node<'a>, BadRequest> {
    root.get(name).filter(|value| !value.is_null()).ok_or_else(|| BadRequest::new(name, "is required"))
}

fn elements<'n, 'a>(node: &'n Node<'a>) -> &'n [Node<'a>] {
    match &node.kind {
        Kind::Array(elements) => elements,
        _ => &[],
    }
}

fn is_true(node: Option<&Node<'_>>) -> bool {
    node.is_some_and(|node| node.kind == Kind::Bool(true))
}

fn wrong(path: &str, expected: &str, got: &Node<'_>) -> BadRequest {
    BadRequest::new(path, format!("must be {expected}, not {}", got.kind_name()))
}

impl Is {
    fn check(self, node: &Node<'_>, path: &str) -> Result<(), BadRequest> {
        let (fits, expected) = match self {
            Self::Bool => (matches!(node.kind, Kind::Bool(_)), "a boolean"),
            Self::String => (matches!(node.kind, Kind::String(_)), "a string"),
            Self::Number => (matches!(node.kind, Kind::Number(_)), "a number"),
            Self::Whole => (is_whole(node), "an integer"),
            Self::Array => (matches!(node.kind, Kind::Array(_)), "an array"),
            Self::Object => (matches!(node.kind, Kind::Object(_)), "an object"),
        };
        if fits { Ok(()) } else { Err(wrong(path, expected, node)) }
    }
}

fn is_whole(node: &Node<'_>) -> bool {
    matches!(node.kind, Kind::Number(raw) if raw.strip_prefix('-').unwrap_or(raw).bytes().all(|byte| byte.is_ascii_digit()))
}
