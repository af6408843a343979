//! Replies of Anthropic's `POST /v1/messages`.
//! Source: <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use serde_json::{Value, json};

use super::merge::{count, counts, items, join_member, replace_member, says, text, update, usage_object};
use super::{Event, Object, Surface, Unstorable, Usage, walk, write};

pub(super) const SURFACE: Surface =
    Surface { judge, usage, assemble: Some(assemble), synthesise: Some(|reply, _| synthesise(reply)) };

/// The stop reasons of a complete reply.
const STOPPED: [&str; 4] = ["end_turn", "max_tokens", "stop_sequence", "tool_use"];
/// The blocks that a model makes without acting.
const BLOCKS: [&str; 4] = ["text", "thinking", "redacted_thinking", "tool_use"];

// --- judge ---

fn judge(reply: &Object) -> Result<(), Unstorable> {
    let Some(Value::Array(blocks)) = reply.get("content") else {
        return Err(Unstorable::Malformed("content"));
    };
    if says(reply, "container") {
        return Err(Unstorable::ActedOutside("container".to_owned()));
    }
    if usage_object(reply, "usage").is_some_and(|usage| counts(usage, "server_tool_use")) {
        return Err(Unstorable::ActedOutside("server_tool_use".to_owned()));
    }
    for block in blocks {
        let Value::Object(block) = block else { return Err(Unstorable::Malformed("content")) };
        judge_block(block)?;
    }
    match text(reply, "stop_reason") {
        Some(reason) if STOPPED.contains(&reason) => Ok(()),
        Some("refusal") => Err(Unstorable::Refused),
        // A turn that the server paused amid its own tools.
        Some("pause_turn") => Err(Unstorable::ActedOutside("pause_turn".to_owned())),
        Some(reason) => Err(Unstorable::FinishReason(reason.to_owned())),
        None => Err(Unstorable::Unfinished("stop_reason")),
    }
}

fn judge_block(block: &Object) -> Result<(), Unstorable> {
    let kind = text(block, "type").ok_or(Unstorable::Malformed("content.type"))?;
    if !BLOCKS.contains(&kind) {
        return Err(Unstorable::ActedOutside(kind.to_owned()));
    }
    let searched =
        |citation: &Value| citation.get("type").is_none_or(|kind| kind == "web_search_result_location");
    if items(block, "citations").iter().any(searched) {
        return Err(Unstorable::ActedOutside("citations".to_owned()));
    }
    // A tool that was called by code which the provider ran.
    match block.get("caller").and_then(|caller| caller.get("type")) {
        Some(caller) if caller != "direct" => Err(Unstorable::ActedOutside("caller".to_owned())),
        _ => Ok(()),
    }
}

// --- usage ---

fn usage(reply: &Object) -> Option<Usage> {
    let usage = usage_object(reply, "usage")?;
    let cached = count(usage, "cache_read_input_tokens");
    let cache_write = count(usage, "cache_creation_input_tokens");
    let beside = cached.saturating_add(cache_write);
    let reasoning = ["output_tokens_details", "thinking_tokens"];
    let read = Usage::read(usage, ["input_tokens", "output_tokens"], [["", ""], reasoning]);
    Some(Usage { input: read.input.saturating_add(beside), cached, cache_write, ..read })
}

// --- assemble ---

fn assemble(stream: &[u8]) -> Result<Object, Unstorable> {
    let mut assembly = Assembly::default();
    walk::events(stream, |event: &Event<'_>| {
        assembly.take(walk::object(event)?)?;
        Ok(assembly.stopped)
    })?;
    assembly.put_together()
}

/// A message as far as it has come.
#[derive(Default)]
struct Assembly {
    message: Option<Object>,
    blocks: Vec<Block>,
    ending: bool,
    stopped: bool,
}

/// A content block as far as it has come: what it started as, filled by its deltas.
struct Block {
    index: u64,
    start: Object,
    partial_json: String,
    open: bool,
}

impl Assembly {
    fn take(&mut self, mut event: Object) -> Result<(), Unstorable> {
        let kind = event.get("type").and_then(Value::as_str).ok_or(Unstorable::Malformed("type"))?;
        match kind {
            "message_start" => {
                let Some(Value::Object(message)) = event.remove("message") else {
                    return Err(Unstorable::Malformed("message_start"));
                };
                if self.message.replace(message).is_some() {
                    return Err(Unstorable::Malformed("a second message_start"));
                }
            }
            "content_block_start" => {
                let index = count(&event, "index");
                let Some(Value::Object(block)) = event.remove("content_block") else {
                    return Err(Unstorable::Malformed("content_block_start"));
                };
                if self.blocks.iter().any(|block| block.index == index) {
                    return Err(Unstorable::Malformed("a second content_block_start"));
                }
                self.blocks.push(Block { index, start: block, partial_json: String::new(), open: true });
            }
            "content_block_delta" => {
                let Some(Value::Object(delta)) = event.remove("delta") else {
                    return Err(Unstorable::Malformed("content_block_delta"));
                };
                self.open_block(&event)?.take(delta)?;
            }
            "content_block_stop" => self.open_block(&event)?.open = false,
            "message_delta" => self.take_ending(event)?,
            "message_stop" => self.stopped = true,
            // `ping`, and what the API's versioning rules tell every client to ignore.
            _ => {}
        }
        Ok(())
    }

    fn open_block(&mut self, event: &Object) -> Result<&mut Block, Unstorable> {
        let index = count(event, "index");
        let block = self.blocks.iter_mut().rev().find(|block| block.open && block.index == index);
        block.ok_or(Unstorable::Malformed("an event of no open block"))
    }

    fn take_ending(&mut self, event: Object) -> Result<(), Unstorable> {
        let message =
            self.message.as_mut().ok_or(Unstorable::Malformed("message_delta before message_start"))?;
        for (name, value) in event {
            match (name.as_str(), value) {
                ("type", _) => {}
                ("delta", Value::Object(delta)) => {
                    for (name, value) in delta {
                        replace_member(message, name, value);
                    }
                }
                ("delta", _) => return Err(Unstorable::Malformed("message_delta")),
                ("usage", usage) => update(message.entry(name).or_insert(Value::Null), usage),
                (_, value) => replace_member(message, name, value),
            }
        }
        self.ending = true;
        Ok(())
    }

    fn put_together(mut self) -> Result<Object, Unstorable> {
        let mut message = self.message.ok_or(Unstorable::Unfinished("message_start"))?;
        if !self.stopped {
            return Err(Unstorable::Unfinished("message_stop"));
        }
        if !self.ending {
            return Err(Unstorable::Unfinished("message_delta"));
        }
        if self.blocks.iter().any(|block| block.open) {
            return Err(Unstorable::Unfinished("content_block_stop"));
        }
        self.blocks.sort_by_key(|block| block.index);
        let blocks: Result<Vec<Value>, Unstorable> =
            self.blocks.into_iter().map(Block::put_together).collect();
        message.insert("content".to_owned(), Value::Array(blocks?));
        Ok(message)
    }
}

impl Block {
    fn take(&mut self, mut delta: Object) -> Result<(), Unstorable> {
        let kind = text(&delta, "type").unwrap_or_default().to_owned();
        let (name, into) = match kind.as_str() {
            "text_delta" => ("text", "text"),
            "thinking_delta" => ("thinking", "thinking"),
            "signature_delta" => ("signature", "signature"),
            "citations_delta" => ("citation", "citations"),
            "input_json_delta" => ("partial_json", "input"),
            _ => return Err(Unstorable::Unknown(kind)),
        };
        let part = delta.remove(name).ok_or(Unstorable::Malformed("content_block_delta"))?;
        match (name, part) {
            ("partial_json", Value::String(part)) => self.partial_json.push_str(&part),
            ("citation", part) => join_member(&mut self.start, into.to_owned(), Value::Array(vec![part])),
            ("text" | "thinking" | "signature", part @ Value::String(_)) => {
                join_member(&mut self.start, into.to_owned(), part);
            }
            _ => return Err(Unstorable::Malformed("content_block_delta")),
        }
        Ok(())
    }

    fn put_together(mut self) -> Result<Value, Unstorable> {
        if !self.partial_json.trim_ascii().is_empty() {
            let input: Value = serde_json::from_str(&self.partial_json)
                .ok()
                .filter(Value::is_object)
                .ok_or(Unstorable::Malformed("partial_json"))?;
            self.start.insert("input".to_owned(), input);
        }
        Ok(Value::Object(self.start))
    }
}

// --- synthesise ---

fn synthesise(reply: &Object) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 * 1024);
    let mut send = |name: &str, event: Value| write::event(&mut out, name, &event);
    send("message_start", json!({"type": "message_start", "message": opening(reply)}));
    let blocks = items(reply, "content");
    for (index, block) in blocks.iter().enumerate() {
        let (start, deltas) = block_events(block);
        send(
            "content_block_start",
            json!({"type": "content_block_start", "index": index, "content_block": start}),
        );
        if index == 0 {
            send("ping", json!({"type": "ping"}));
        }
        for delta in deltas {
            send(
                "content_block_delta",
                json!({"type": "content_block_delta", "index": index, "delta": delta}),
            );
        }
        send("content_block_stop", json!({"type": "content_block_stop", "index": index}));
    }
    if blocks.is_empty() {
        send("ping", json!({"type": "ping"}));
    }
    send("message_delta", closing(reply));
    send("message_stop", json!({"type": "message_stop"}));
    out
}

/// The message before it has content: no stop reason, and of the usage only what is known by then.
fn opening(reply: &Object) -> Object {
    let mut message = reply.clone();
    message.shift_remove("context_management");
    message.insert("content".to_owned(), json!([]));
    message.insert("stop_reason".to_owned(), Value::Null);
    message.insert("stop_sequence".to_owned(), Value::Null);
    let usage = message.entry("usage").or_insert_with(|| json!({"input_tokens": 0}));
    if let Value::Object(usage) = usage {
        usage.insert("output_tokens".to_owned(), 1.into());
    }
    message
}

/// A block as it starts, and the deltas that fill it.
fn block_events(block: &Value) -> (Value, Vec<Value>) {
    let mut start = block.clone();
    let mut deltas = Vec::new();
    let Value::Object(members) = &mut start else { return (start, deltas) };
    let kind = text(members, "type").unwrap_or_default().to_owned();
    let mut pieces = |name: &str, kind: &str, whole: &str| {
        deltas.extend(write::pieces(whole).map(|piece| json!({"type": kind, name: piece})));
    };
    let mut empty =
        |name: &str, value: Value| members.get_mut(name).map(|slot| std::mem::replace(slot, value));
    match kind.as_str() {
        "text" => {
            if let Some(Value::String(text)) = empty("text", "".into()) {
                pieces("text", "text_delta", &text);
            }
            if let Some(Value::Array(citations)) = empty("citations", json!([])) {
                let citation = |citation| json!({"type": "citations_delta", "citation": citation});
                deltas.extend(citations.into_iter().map(citation));
            } else {
                empty("citations", Value::Null);
            }
        }
        "thinking" => {
            if let Some(Value::String(text)) = empty("thinking", "".into()) {
                pieces("thinking", "thinking_delta", &text);
            }
            if let Some(signature @ Value::String(_)) = empty("signature", "".into()) {
                deltas.push(json!({"type": "signature_delta", "signature": signature}));
            }
        }
        "tool_use" => {
            let mut input = Vec::new();
            if let Some(value) = empty("input", json!({})) {
                write::value(&mut input, &value);
            }
            pieces("partial_json", "input_json_delta", &String::from_utf8_lossy(&input));
        }
        _ => {}
    }
    (start, deltas)
}

/// How the message ended, and its whole usage.
fn closing(reply: &Object) -> Value {
    let mut event =
        json!({"type": "message_delta", "delta": {"stop_reason": null, "stop_sequence": null}, "usage": {}});
    for name in ["stop_reason", "stop_sequence"] {
        event["delta"][name] = reply.get(name).cloned().unwrap_or_default();
    }
    event["usage"] =
        reply.get("usage").cloned().unwrap_or_else(|| json!({"input_tokens": 0, "output_tokens": 0}));
    if let (Value::Object(event), Some(management)) = (&mut event, reply.get("context_management")) {
        event.insert("context_management".to_owned(), management.clone());
    }
    event
}
