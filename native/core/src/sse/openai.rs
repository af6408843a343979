//! What chat and completions have in common: the chunk's outer members, the usage chunk, the finish reasons.

use std::borrow::Cow;

use memchr::memmem;
use serde_json::{Value, json};

use super::merge::{count, counts, number, replace_member, says, text, usage_object};
use super::{Event, Events, Object, Unstorable, Usage, walk, write};

/// What is sent where the stored reply does not say: SDKs read these of every chunk.
const NO_ID: &str = "reply";

/// Checks what is beside the choices.
pub(super) fn judge(reply: &Object) -> Result<(), Unstorable> {
    for sign in ["citations", "search_results"] {
        if says(reply, sign) {
            return Err(Unstorable::ActedOutside(sign.to_owned()));
        }
    }
    let used = usage_object(reply, "usage");
    for sign in ["server_tool_use", "server_side_tool_usage_details", "num_sources_used"] {
        if used.is_some_and(|usage| counts(usage, sign)) {
            return Err(Unstorable::ActedOutside(sign.to_owned()));
        }
    }
    if reply.get("choices").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return Err(Unstorable::Malformed("choices"));
    }
    Ok(())
}

/// Checks why a choice ended.
pub(super) fn judge_finish(choice: &Object, allowed: &[&str]) -> Result<(), Unstorable> {
    if says(choice, "error") {
        return Err(Unstorable::ErrorInside);
    }
    match text(choice, "finish_reason") {
        Some(reason) if allowed.contains(&reason) => Ok(()),
        Some("content_filter") => Err(Unstorable::ContentFiltered),
        Some("error") => Err(Unstorable::ErrorInside),
        Some(reason) if !reason.is_empty() => Err(Unstorable::FinishReason(reason.to_owned())),
        _ => Err(Unstorable::Unfinished("finish_reason")),
    }
}

/// The usage object that chat, completions and embeddings share.
pub(super) fn usage(reply: &Object) -> Option<Usage> {
    let usage = usage_object(reply, "usage")?;
    let cached = ["prompt_tokens_details", "cached_tokens"];
    let reasoning = ["completion_tokens_details", "reasoning_tokens"];
    let mut read = Usage::read(usage, ["prompt_tokens", "completion_tokens"], [cached, reasoning]);
    if read.cached == 0 {
        // DeepSeek's name for it.
        read.cached = count(usage, "prompt_cache_hit_tokens");
    }
    // OpenRouter's name for it.
    read.cache_write = number(usage, ["prompt_tokens_details", "cache_write_tokens"]);
    Some(read)
}

/// Takes a chunk's members into the reply, all but its choices, which are given back.
pub(super) fn take_chunk(reply: &mut Object, chunk: Object) -> Vec<Value> {
    let mut choices = Vec::new();
    for (name, value) in chunk {
        match (name.as_str(), value) {
            ("choices", Value::Array(array)) => choices = array,
            // Padding against guessing a stream's text from the size of its packets; and the chunk's own
            // type.
            ("obfuscation" | "object" | "choices", _) => {}
            // Some servers make up a new one for each chunk, some send it empty first.
            ("id" | "created" | "model", value) => {
                if !says(reply, &name) {
                    reply.insert(name, value);
                }
            }
            (_, value) => replace_member(reply, name, value),
        }
    }
    choices
}

/// Takes the members of a choice that are not fragments.
pub(super) fn take_choice_member(choice: &mut Object, name: String, value: Value) {
    let blank = name == "finish_reason" && value == "";
    replace_member(choice, name, if blank { Value::Null } else { value });
}

/// Goes through a stream of chunks, which must end with `[DONE]`.
pub(super) fn chunks(
    stream: &[u8],
    mut take: impl FnMut(Object) -> Result<(), Unstorable>,
) -> Result<(), Unstorable> {
    let done = walk::events(stream, |event: &Event<'_>| {
        take(walk::object(event)?)?;
        Ok(false)
    })?;
    if done { Ok(()) } else { Err(Unstorable::Unfinished("[DONE]")) }
}

/// The reply of its outer members and its choices, in the provider's order.
pub(super) fn put_together(kind: &str, mut outer: Object, choices: Vec<Value>) -> Object {
    let mut reply = Object::new();
    if let Some(id) = outer.shift_remove("id") {
        reply.insert("id".to_owned(), id);
    }
    reply.insert("object".to_owned(), kind.into());
    for name in ["created", "model"] {
        if let Some(value) = outer.shift_remove(name) {
            reply.insert(name.to_owned(), value);
        }
    }
    reply.insert("choices".to_owned(), Value::Array(choices));
    let usage = outer.shift_remove("usage").filter(|usage| !usage.is_null());
    if let Some(usage) = usage {
        reply.insert("usage".to_owned(), usage);
    }
    reply.extend(outer);
    reply
}

/// Writes the chunks of a reply: the outer members are serialised once.
pub(super) struct Chunks<'a> {
    out: Vec<u8>,
    /// `data: {` and the outer members, up to the bracket of the choices.
    head: Vec<u8>,
    /// From the end of the choices to the end of the event.
    tail: &'static [u8],
    usage: Option<&'a Value>,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(reply: &'a Object, kind: &str, include_usage: bool) -> Self {
        let mut outer = json!({"id": NO_ID, "object": kind, "created": 0, "model": ""});
        if let Value::Object(outer) = &mut outer {
            let members =
                reply.iter().filter(|(name, _)| !matches!(name.as_str(), "object" | "choices" | "usage"));
            outer.extend(members.map(|(name, value)| (name.clone(), value.clone())));
        }
        let usage = reply.get("usage").filter(|usage| include_usage && !usage.is_null());
        let mut head = b"data: ".to_vec();
        write::value(&mut head, &outer);
        head.pop();
        head.extend_from_slice(b",\"choices\":[");
        let tail: &[u8] = if usage.is_some() { b"],\"usage\":null}\n\n" } else { b"]}\n\n" };
        Self { out: Vec::with_capacity(8 * 1024), head, tail, usage }
    }

    /// Writes a chunk of one choice.
    pub(super) fn choice(&mut self, choice: &Value) {
        self.out.extend_from_slice(&self.head);
        write::value(&mut self.out, choice);
        self.out.extend_from_slice(self.tail);
    }

    /// Writes the usage chunk, if it was asked for and there is usage, and the end.
    pub(super) fn end(mut self) -> Vec<u8> {
        if let Some(usage) = self.usage {
            self.out.extend_from_slice(&self.head);
            self.out.extend_from_slice(b"],\"usage\":");
            write::value(&mut self.out, usage);
            self.out.extend_from_slice(b"}\n\n");
        }
        self.out.extend_from_slice(b"data: [DONE]\n\n");
        self.out
    }
}

/// The stream without the chunk that carries nothing but usage. Chunks in which usage rides along with
/// choices stay.
pub(super) fn without_usage(stream: &[u8]) -> Cow<'_, [u8]> {
    if !may_lack_choices(stream) {
        return Cow::Borrowed(stream);
    }
    let mut events = Events::new(stream);
    let mut out: Option<Vec<u8>> = None;
    let mut at = 0;
    for event in events.by_ref() {
        let start = at;
        at += event.raw.len();
        if may_lack_choices(&event.data) && is_usage_only(&event.data) {
            out.get_or_insert_with(|| stream[..start].to_vec());
        } else if let Some(out) = &mut out {
            out.extend_from_slice(event.raw);
        }
    }
    out.map_or(Cow::Borrowed(stream), |mut out| {
        out.extend_from_slice(events.rest());
        Cow::Owned(out)
    })
}

/// Whether there is a `"choices"` with an empty array: a cheap look that only ever says yes too often. A text
/// cannot hold these bytes, for its quotes are escaped.
fn may_lack_choices(bytes: &[u8]) -> bool {
    const NAME: &[u8] = b"\"choices\"";
    memmem::find_iter(bytes, NAME).any(|at| {
        let mut after = bytes[at + NAME.len()..].iter().copied().filter(|byte| !byte.is_ascii_whitespace());
        after.next() == Some(b':') && after.next() == Some(b'[') && after.next() == Some(b']')
    })
}

fn is_usage_only(data: &[u8]) -> bool {
    match serde_json::from_slice(data) {
        Ok(Value::Object(chunk)) => {
            says(&chunk, "usage") && chunk.get("choices").and_then(Value::as_array).is_some_and(Vec::is_empty)
        }
        _ => false,
    }
}
