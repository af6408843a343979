//! Which requests may be answered with the reply to another wording of their question, and what must be equal for that.
//!
//! **Policy**: an allow list per surface; if in doubt, miss. Known parameters, plain text turns, the user's turn last.
//! Only the *last text of the last user turn*, the question, may differ: the scope is the hash of the whole canonical
//! body with a hole in place of that text, in the same tenant, namespace, endpoint and header scope as the exact key.
//! What stands beside the question (the model, every parameter, instructions, earlier turns, earlier parts of the same
//! turn) is therefore in the scope by construction, not by a list. A member that is looked at here must stand once: of
//! two, the provider may read the other one.
//!
//! `dialects` holds the lists.
//!
//! **Cost**: a look at each turn's members, no text but the question's is read; then one more pass of BLAKE3.

mod dialects;

use dialects::{CHAT, Dialect, GENERATE, MESSAGES, NATIVE, RESPONSES, Table, Takes};

use super::canonical::{Canonical, ROOT_DROPS};
use super::head::Head;
use super::json::{Kind, Node};
use super::{Key, hasher};
use crate::endpoint::Endpoint;

/// Longest question in bytes: nothing longer fits an embedding model's window.
pub const MAX_QUESTION: usize = 16 * 1024;

/// Longest spelling of one byte of text in JSON: `\u0041`.
const ESCAPED: usize = 6;

/// The kind of a value that stands in no body.
const HOLE: &[u8] = b"?";

/// A token that says why a request matches only exactly.
pub type Refused = &'static str;

/// What a request asks, if the reply to another wording may answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Digest of all that must be equal.
    pub scope: Key,
    /// The last text of the last user turn.
    pub text: String,
}

/// A question found in a body, before the canonical form is made.
pub(super) struct Question {
    /// Where its literal starts in the body.
    pub start: usize,
    text: String,
}

/// The question of a body that its surface takes.
pub(super) fn question(endpoint: Endpoint, root: &Node<'_>) -> Result<Question, Refused> {
    let dialect = match endpoint {
        Endpoint::Chat => &CHAT,
        Endpoint::Responses => &RESPONSES,
        Endpoint::Messages => &MESSAGES,
        Endpoint::Generate => &GENERATE,
        Endpoint::Native => &NATIVE,
        Endpoint::Completions | Endpoint::Embeddings | Endpoint::CountTokens | Endpoint::GeminiCount => {
            return Err("endpoint");
        }
    };
    // Of two reasons, tools say more than a parameter that comes with them.
    let declares_tools = || root.get("tools").is_some_and(|tools| !is_unset(tools));
    dialect
        .members(root, dialect.root, ROOT_DROPS, "parameters")
        .map_err(|why| if declares_tools() { "tools" } else { why })?;
    let last = match root.get(dialect.turns) {
        Some(node) if node.text().is_some() => node,
        Some(Node { kind: Kind::Array(turns), .. }) => dialect.last_text(turns)?,
        _ => return Err("no-user-turn"),
    };
    Ok(Question { start: last.start, text: readable(last)? })
}

impl Question {
    /// The question with its scope, if nothing volatile stands in the way.
    pub(super) fn asked(self, head: &Head, canonical: &Canonical<'_>) -> Result<Asked, Refused> {
        // What is masked belongs to one session; a settled question is not what the client wrote.
        let hole = canonical.question.as_ref().filter(|_| canonical.masked.is_empty()).ok_or("volatile")?;
        let mut hasher = hasher(head, b"scope");
        hasher.update(&canonical.out[..hole.start]).update(HOLE).update(&canonical.out[hole.end..]);
        Ok(Asked { scope: *hasher.finalize().as_bytes(), text: self.text })
    }
}

impl Dialect {
    /// The last text of the last turn, if that is the user's and all turns are plain text.
    fn last_text<'n, 'a>(&self, turns: &'n [Node<'a>]) -> Result<&'n Node<'a>, Refused> {
        let mut last = Err("no-user-turn");
        for turn in turns {
            let role = self.role(turn)?;
            self.members(turn, self.turn, &[], "not-text")?;
            let text = self.texts(turn.get(self.content).ok_or("not-text")?)?;
            last = match role {
                "user" => text.ok_or("empty"),
                "assistant" | "model" => Err("prefill"),
                _ => Err("no-user-turn"),
            };
        }
        last
    }

    /// Who speaks in a turn that may be a message.
    fn role(&self, turn: &Node<'_>) -> Result<&'static str, Refused> {
        if let Some(kind) = turn.get("type")
            && !kind.text().is_some_and(|kind| kind.is("message"))
        {
            return Err(other_than_text(kind));
        }
        match turn.get("role").filter(|role| !role.is_null()) {
            None if self.protobuf => Ok("user"),
            None => Err("not-text"),
            Some(role) => {
                let known = self.roles.iter().find(|name| role.text().is_some_and(|role| role.is(name)));
                known.copied().ok_or_else(|| other_than_text(role))
            }
        }
    }

    /// The last text of a string or of parts that are nothing but text.
    fn texts<'n, 'a>(&self, content: &'n Node<'a>) -> Result<Option<&'n Node<'a>>, Refused> {
        let parts = match &content.kind {
            Kind::String(_) if !self.protobuf => return Ok(Some(content)),
            Kind::Array(parts) => parts,
            _ => return Err("not-text"),
        };
        let mut last = None;
        for part in parts {
            if !self.types.is_empty() {
                let kind = part.get("type").ok_or("not-text")?;
                if !self.types.iter().any(|name| kind.text().is_some_and(|kind| kind.is(name))) {
                    return Err(other_than_text(kind));
                }
            }
            self.members(part, self.part, &[], "not-text")?;
            last = Some(part.get("text").filter(|text| text.text().is_some()).ok_or("not-text")?);
        }
        Ok(last)
    }

    /// Whether an object has known members only, each once, each as it may be.
    fn members(
        &self,
        node: &Node<'_>,
        table: Table,
        ignored: &[&str],
        unknown: Refused,
    ) -> Result<(), Refused> {
        let Kind::Object(members) = &node.kind else {
            return Err("not-text");
        };
        let mut seen = 0_u64;
        for (key, value) in members {
            let key = key.bytes();
            if ignored.iter().any(|name| name.as_bytes() == &*key) {
                continue;
            }
            let at = table
                .iter()
                .position(|(name, _)| {
                    name.as_bytes() == &*key || (self.protobuf && is_snake(&key, name.as_bytes()))
                })
                .ok_or(unknown)?;
            if seen & 1 << at != 0 {
                return Err("duplicate");
            }
            seen |= 1 << at;
            self.value(value, table[at].1)?;
        }
        Ok(())
    }

    fn value(&self, value: &Node<'_>, takes: Takes) -> Result<(), Refused> {
        if is_unset(value) {
            return Ok(());
        }
        match takes {
            Takes::Free => Ok(()),
            Takes::Unset(why) => Err(why),
            Takes::Text => value.text().map(|_| ()).ok_or("not-text"),
            Takes::TextOnly => match &value.kind {
                Kind::Array(names)
                    if names.iter().all(|name| {
                        name.text().is_some_and(|name| name.to_str().eq_ignore_ascii_case("text"))
                    }) =>
                {
                    Ok(())
                }
                _ => Err("not-text"),
            },
            Takes::System => self.texts(value).map(|_| ()),
            Takes::Content => {
                self.members(value, self.turn, &[], "not-text")?;
                self.texts(value.get(self.content).ok_or("not-text")?).map(|_| ())
            }
            Takes::Members(table) => self.members(value, table, &[], "parameters"),
        }
    }
}

/// The question's text: not blank, not too long, and such that its letters are all there is of it.
fn readable(node: &Node<'_>) -> Result<String, Refused> {
    // A text that is far too long is not even copied.
    if node.end - node.start > MAX_QUESTION * ESCAPED + 2 {
        return Err("too-long");
    }
    let bytes = node.text().ok_or("not-text")?.bytes();
    if bytes.len() > MAX_QUESTION {
        return Err("too-long");
    }
    // A lone surrogate has no letter: two such texts would read the same.
    let text = String::from_utf8(bytes.into_owned()).map_err(|_| "not-text")?;
    if text.trim().is_empty() { Err("empty") } else { Ok(text) }
}

fn is_unset(value: &Node<'_>) -> bool {
    match &value.kind {
        Kind::Null => true,
        Kind::Array(elements) => elements.is_empty(),
        _ => false,
    }
}

/// What a role or a type that is none of the plain ones stands for.
fn other_than_text(name: &Node<'_>) -> Refused {
    let name = name.text().map(super::json::Text::to_str).unwrap_or_default();
    let is_tools = ["tool", "function", "mcp_", "_call"].iter().any(|part| name.contains(part));
    if is_tools { "tools" } else { "not-text" }
}

/// Whether a name is the snake case of another in camel case.
fn is_snake(name: &[u8], camel: &[u8]) -> bool {
    let mut rest = camel.iter();
    let mut raised = false;
    for byte in name {
        if *byte == b'_' {
            raised = true;
            continue;
        }
        let byte = if raised { byte.to_ascii_uppercase() } else { *byte };
        raised = false;
        if rest.next() != Some(&byte) {
            return false;
        }
    }
    rest.next().is_none()
}

#[cfg(test)]
mod tests;
