//! Reads a request once: what it asks for, whether its reply may be kept, and under which key.

pub mod canonical;
pub mod head;
pub mod json;
pub mod scope;
mod surface;
pub mod volatile;

use std::collections::HashMap;

use crate::endpoint::Endpoint;
use canonical::{Canonical, Rules};
use head::Head;
use json::{JsonError, Kind, Node};
use scope::{Asked, Refused};

/// 256 bits that stand for a request: BLAKE3 over tenant, namespace, endpoint, scope and canonical body.
pub type Key = [u8; 32];

/// Why a body was refused, with the member at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRequest {
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
    /// The member at fault: `messages[0].role`; empty for the body as a whole.
    pub path: String,
}

/// What the reply must carry or be for this client.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // five independent answers, not a state
pub struct Wants {
    /// It is to be a stream.
    pub stream: bool,
    /// A stream is to be server-sent events; otherwise Gemini's JSON array.
    pub sse: bool,
    /// A stream is to carry token usage (`stream_options.include_usage`).
    pub include_usage: bool,
    /// The client cannot do without usage: a JSON reply always has it where the surface does.
    pub needs_usage: bool,
    /// The client expects the provider to have kept the reply (Responses with `store`).
    pub needs_stored: bool,
}

/// The view of a request that every layer reads.
#[derive(Debug, Clone)]
pub struct Request {
    /// The operation.
    pub endpoint: Endpoint,
    /// The model after aliases; empty if the client named none.
    pub model: String,
    /// Where the model's literal stands in the body, if an alias changes it.
    pub splice: Option<(usize, usize)>,
    /// The form of the reply.
    pub wants: Wants,
    /// The exact key.
    pub key: Key,
    /// Why nothing of this exchange may be kept, if so.
    pub uncacheable: Option<&'static str>,
    /// Texts masked in the key; a reply that contains one is not kept.
    pub masked: Vec<String>,
    /// The question, if the reply to another wording of it may answer; else a token that says why not.
    pub asked: Result<Asked, Refused>,
}

/// The part of the configuration that decides how bodies are read.
#[derive(Debug, Default, Clone)]
pub struct Reading {
    /// Names that clients use, and the models they stand for.
    pub aliases: HashMap<String, String>,
    /// What a client's time stamps are rounded down to, in seconds.
    pub bucket_secs: u64,
    /// Whether questions and their scopes are read.
    pub semantic: bool,
}

impl Reading {
    /// The model that a name stands for.
    #[must_use]
    pub fn resolve<'a>(&'a self, model: &'a str) -> &'a str {
        self.aliases.get(model).map_or(model, String::as_str)
    }

    /// Reads one body.
    ///
    /// # Errors
    /// Not JSON, not what the surface takes: with the member at fault.
    pub fn read(&self, head: &Head, body: &[u8]) -> Result<Request, BadRequest> {
        let root = json::parse(body).map_err(|error| bad_json(&error))?;
        if !matches!(root.kind, Kind::Object(_)) {
            return Err(BadRequest::new("", format!("the body must be an object, not {}", root.kind_name())));
        }
        let facts = surface::check(head.endpoint, &root)?;
        let named = root.get("model").and_then(Node::text).map(|text| text.to_str().into_owned());
        let model = named.as_deref().map(|name| self.resolve(name));
        let splice = match (&named, model, root.get("model")) {
            (Some(named), Some(model), Some(node)) if named != model => Some((node.start, node.end)),
            _ => None,
        };
        let alias = splice.and_then(|(start, _)| Some((start, model?)));
        let question = match facts.uncacheable {
            _ if !self.semantic => Err("off"),
            Some(why) => Err(why),
            None => scope::question(head.endpoint, &root),
        };
        let rules = Rules {
            client: head.client,
            bucket_secs: self.bucket_secs,
            alias,
            question: question.as_ref().ok().map(|question| question.start),
        };
        let canonical = Canonical::of(&root, &rules, body.len());
        Ok(Request {
            endpoint: head.endpoint,
            model: model.or(head.path_model.as_deref()).unwrap_or_default().to_owned(),
            splice,
            wants: Wants { stream: facts.stream || head.path_stream, sse: head.sse, ..facts.wants },
            key: key_of(head, &canonical.out),
            uncacheable: facts.uncacheable,
            asked: question.and_then(|question| question.asked(head, &canonical)),
            masked: canonical.masked,
        })
    }
}

impl BadRequest {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

fn bad_json(error: &JsonError) -> BadRequest {
    BadRequest::new(error.path.clone(), format!("not valid JSON: {} at byte {}", error.what, error.offset))
}

/// The key of a canonical body in its scope.
#[must_use]
pub fn key_of(head: &Head, canonical: &[u8]) -> Key {
    *hasher(head, b"canonical").update(canonical).finalize().as_bytes()
}

/// The digest of a body as it was sent, in its scope: an alias for a key already computed.
#[must_use]
pub fn alias_of(head: &Head, body: &[u8]) -> Key {
    // What the path decides about the form is not in the body.
    let form = [u8::from(head.path_stream), u8::from(head.sse), head.client as u8];
    *hasher(head, b"raw").update(&form).update(body).finalize().as_bytes()
}

fn hasher(head: &Head, domain: &[u8]) -> blake3::Hasher {
    let mut prefix = Vec::with_capacity(96 + head.scope.len());
    for part in [
        domain,
        head.tenant.as_slice(),
        head.namespace.as_bytes(),
        head.endpoint.name().as_bytes(),
        &head.scope,
    ] {
        prefix.extend_from_slice(&(part.len() as u64).to_le_bytes());
        prefix.extend_from_slice(part);
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&prefix);
    hasher
}

/// The body with the model's literal replaced.
#[must_use]
pub fn spliced(body: &[u8], span: (usize, usize), model: &str) -> Vec<u8> {
    let literal = serde_json::Value::from(model).to_string();
    [&body[..span.0], literal.as_bytes(), &body[span.1..]].concat()
}

/// Whether `text` is anywhere in a body, at the speed of memory.
#[must_use]
pub fn holds(body: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(body, text).is_some()
}

#[cfg(test)]
mod tests;
