//! Replies of `POST /v1/responses`.
//! Source: <https://platform.openai.com/docs/api-reference/responses-streaming>.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::merge::{items, says, text, usage_object};
use super::{Event, Object, Surface, Unstorable, Usage, walk, write};

pub(super) const SURFACE: Surface =
    Surface { judge, usage, assemble: Some(assemble), synthesise: Some(|reply, _| synthesise(reply)) };

/// The output items that a model makes without acting: words, thoughts, and calls that the client is to run.
const ITEMS: [&str; 7] = [
    "message",
    "reasoning",
    "function_call",
    "custom_tool_call",
    "local_shell_call",
    "apply_patch_call",
    "shell_call",
];

// --- judge ---

fn judge(reply: &Object) -> Result<(), Unstorable> {
    let Some(Value::Array(output)) = reply.get("output") else { return Err(Unstorable::Malformed("output")) };
    if says(reply, "background") {
        return Err(Unstorable::Stateful("background"));
    }
    if says(reply, "conversation") {
        return Err(Unstorable::Stateful("conversation"));
    }
    judge_status(reply)?;
    for item in output {
        let Value::Object(item) = item else { return Err(Unstorable::Malformed("output")) };
        let kind = text(item, "type").ok_or(Unstorable::Malformed("output.type"))?;
        if !ITEMS.contains(&kind) {
            return Err(Unstorable::ActedOutside(kind.to_owned()));
        }
        if text(item, "status") == Some("incomplete") {
            return Err(Unstorable::Incomplete);
        }
        let cited = |part: &Value| part.as_object().is_some_and(|part| says(part, "annotations"));
        if items(item, "content").iter().any(cited) {
            return Err(Unstorable::ActedOutside("annotations".to_owned()));
        }
    }
    Ok(())
}

fn judge_status(reply: &Object) -> Result<(), Unstorable> {
    let filtered = || {
        reply.get("incomplete_details").and_then(|details| details.get("reason"))
            == Some(&"content_filter".into())
    };
    match text(reply, "status") {
        Some("completed") => Ok(()),
        Some("failed") => Err(Unstorable::ErrorInside),
        Some("incomplete") if filtered() => Err(Unstorable::ContentFiltered),
        Some("incomplete") => Err(Unstorable::Incomplete),
        _ => Err(Unstorable::Unfinished("status completed")),
    }
}

// --- usage ---

fn usage(reply: &Object) -> Option<Usage> {
    let usage = usage_object(reply, "usage")?;
    let cached = ["input_tokens_details", "cached_tokens"];
    let reasoning = ["output_tokens_details", "reasoning_tokens"];
    Some(Usage::read(usage, ["input_tokens", "output_tokens"], [cached, reasoning]))
}

// --- assemble ---

fn assemble(stream: &[u8]) -> Result<Object, Unstorable> {
    let mut items: BTreeMap<u64, Value> = BTreeMap::new();
    let mut reply: Option<Object> = None;
    walk::events(stream, |event: &Event<'_>| {
        // Deltas only repeat what the last event says in full: that they are JSON is all there is to check.
        if event.event.is_some_and(|name| name.starts_with(b"response.") && !is_read(name)) {
            return serde_json::from_slice::<&RawValue>(&event.data).map(|_| false).map_err(|_| {
                if event.complete { Unstorable::Malformed("an event's data") } else { Unstorable::Cut }
            });
        }
        let mut event = walk::object(event)?;
        match event.get("type").and_then(Value::as_str).unwrap_or_default() {
            "response.output_item.done" => {
                let index = event.get("output_index").and_then(Value::as_u64).unwrap_or(items.len() as u64);
                items.insert(index, event.remove("item").ok_or(Unstorable::Malformed("item"))?);
            }
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                let Some(Value::Object(response)) = event.remove("response") else {
                    return Err(Unstorable::Malformed("response"));
                };
                reply = Some(response);
            }
            _ => {}
        }
        Ok(reply.is_some())
    })?;
    let mut reply = reply.ok_or(Unstorable::Unfinished("response.completed"))?;
    // Some servers leave the output of the last event empty.
    if !items.is_empty() && !says(&reply, "output") {
        reply.insert("output".to_owned(), items.into_values().collect());
    }
    Ok(reply)
}

/// Whether an event's data is needed.
fn is_read(name: &[u8]) -> bool {
    matches!(
        name,
        b"response.output_item.done"
            | b"response.completed"
            | b"response.incomplete"
            | b"response.failed"
            | b"response.cancelled"
    )
}

// --- synthesise ---

fn synthesise(reply: &Object) -> Vec<u8> {
    let mut events = Sequence::default();
    let begun = begun(reply);
    events.send("response.created", json!({"response": begun}));
    events.send("response.in_progress", json!({"response": begun}));
    for (index, item) in items(reply, "output").iter().enumerate() {
        if let Value::Object(item) = item {
            send_item(&mut events, index, item);
        }
    }
    events.send("response.completed", json!({"response": reply}));
    events.out
}

/// Numbers events and writes them.
#[derive(Default)]
struct Sequence {
    out: Vec<u8>,
    number: u64,
}

impl Sequence {
    fn send(&mut self, kind: &str, members: Value) {
        let mut event = json!({"type": kind, "sequence_number": self.number});
        if let (Value::Object(event), Value::Object(members)) = (&mut event, members) {
            event.extend(members);
        }
        self.number += 1;
        write::event(&mut self.out, kind, &event);
    }

    /// Sends a text in pieces, then whole: `<kind>.delta`, `<kind>.done`, each with the members that say
    /// where it is. The SDKs want a list of log probabilities with output texts; those of the reply stand in
    /// its parts.
    fn send_text(&mut self, kind: &str, place: &Value, name: &str, whole: &str, logprobs: bool) {
        let with = |name: &str, value: &str| {
            let mut members = place.clone();
            members[name] = value.into();
            if logprobs {
                members["logprobs"] = json!([]);
            }
            members
        };
        for piece in write::pieces(whole) {
            self.send(&format!("{kind}.delta"), with("delta", piece));
        }
        self.send(&format!("{kind}.done"), with(name, whole));
    }
}

/// The response before it has output.
fn begun(reply: &Object) -> Object {
    let mut begun = reply.clone();
    begun.insert("status".to_owned(), "in_progress".into());
    begun.insert("output".to_owned(), json!([]));
    for name in ["usage", "completed_at"] {
        begun.get_mut(name).map(Value::take);
    }
    begun
}

/// Sends one output item: as it begins, what fills it, as it ends.
fn send_item(events: &mut Sequence, index: usize, item: &Object) {
    let id = text(item, "id").map_or_else(|| format!("item_{index}"), str::to_owned);
    let place = json!({"item_id": id, "output_index": index});
    let mut begun = item.clone();
    if begun.contains_key("status") {
        begun.insert("status".to_owned(), "in_progress".into());
    }
    for (name, value) in &mut begun {
        match (name.as_str(), value) {
            ("content" | "summary", Value::Array(parts)) => parts.clear(),
            ("arguments" | "input", Value::String(text)) => text.clear(),
            _ => {}
        }
    }
    events.send("response.output_item.added", json!({"output_index": index, "item": begun}));
    for (part_index, part) in items(item, "summary").iter().enumerate() {
        send_part(events, &place, "summary_index", part_index, part);
    }
    for (part_index, part) in items(item, "content").iter().enumerate() {
        send_part(events, &place, "content_index", part_index, part);
    }
    let filled = match text(item, "type") {
        Some("function_call") => Some(("response.function_call_arguments", "arguments")),
        Some("custom_tool_call") => Some(("response.custom_tool_call_input", "input")),
        _ => None,
    };
    if let Some((kind, name)) = filled {
        events.send_text(kind, &place, name, text(item, name).unwrap_or_default(), false);
    }
    events.send("response.output_item.done", json!({"output_index": index, "item": item}));
}

/// Sends one part of a message's or a reasoning item's text.
fn send_part(events: &mut Sequence, item: &Value, index_name: &str, index: usize, part: &Value) {
    let Value::Object(part) = part else { return };
    let (frame, kind, name) = match text(part, "type").unwrap_or_default() {
        "summary_text" => ("response.reasoning_summary_part", "response.reasoning_summary_text", "text"),
        "reasoning_text" => ("response.content_part", "response.reasoning_text", "text"),
        "refusal" => ("response.content_part", "response.refusal", "refusal"),
        _ => ("response.content_part", "response.output_text", "text"),
    };
    let mut place = item.clone();
    place[index_name] = index.into();
    let mut begun = part.clone();
    begun.insert(name.to_owned(), "".into());
    if let Some(Value::Array(logprobs)) = begun.get_mut("logprobs") {
        logprobs.clear();
    }
    let with = |part: &Object| {
        let mut members = place.clone();
        members["part"] = part.clone().into();
        members
    };
    events.send(&format!("{frame}.added"), with(&begun));
    let logprobs = kind == "response.output_text";
    events.send_text(kind, &place, name, text(part, name).unwrap_or_default(), logprobs);
    events.send(&format!("{frame}.done"), with(part));
}
