//! Replies of `POST /v1/chat/completions`.
//! Source: <https://platform.openai.com/docs/api-reference/chat>; and what compatible servers add to it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::merge::{count, items, join, join_member, says, text};
use super::{Object, Surface, Unstorable, openai, write};

pub(super) const SURFACE: Surface =
    Surface { judge, usage: openai::usage, assemble: Some(assemble), synthesise: Some(synthesise) };

/// The finish reasons of a complete reply.
const FINISHED: [&str; 4] = ["stop", "length", "tool_calls", "function_call"];
/// Members of a message that show that the server looked something up or ran something.
const OUTSIDE: [&str; 3] = ["annotations", "citations", "executed_tools"];
/// Names that servers have for a reasoning text.
const REASONING: [&str; 2] = ["reasoning", "reasoning_content"];

// --- judge ---

fn judge(reply: &Object) -> Result<(), Unstorable> {
    openai::judge(reply)?;
    for choice in items(reply, "choices") {
        let Value::Object(choice) = choice else { return Err(Unstorable::Malformed("choices")) };
        openai::judge_finish(choice, &FINISHED)?;
        let Some(Value::Object(message)) = choice.get("message") else {
            return Err(Unstorable::Malformed("choices.message"));
        };
        if says(message, "audio") {
            return Err(Unstorable::Expiring("message.audio"));
        }
        if let Some(sign) = OUTSIDE.into_iter().find(|sign| says(message, sign)) {
            return Err(Unstorable::ActedOutside(sign.to_owned()));
        }
    }
    Ok(())
}

// --- assemble ---

fn assemble(stream: &[u8]) -> Result<Object, Unstorable> {
    let mut outer = Object::new();
    let mut choices: BTreeMap<u64, Choice> = BTreeMap::new();
    openai::chunks(stream, |chunk| {
        for choice in openai::take_chunk(&mut outer, chunk) {
            let Value::Object(choice) = choice else { return Err(Unstorable::Malformed("choices")) };
            choices.entry(count(&choice, "index")).or_default().take(choice)?;
        }
        Ok(())
    })?;
    let choices = choices.into_iter().map(|(index, choice)| choice.put_together(index)).collect();
    Ok(openai::put_together("chat.completion", outer, choices))
}

/// One choice as far as it has come.
#[derive(Default)]
struct Choice {
    content: Option<Value>,
    message: Object,
    calls: Vec<Call>,
    details: Vec<Value>,
    outer: Object,
}

/// One tool call as far as it has come.
struct Call {
    index: Option<u64>,
    call: Object,
}

impl Choice {
    fn take(&mut self, choice: Object) -> Result<(), Unstorable> {
        for (name, value) in choice {
            match (name.as_str(), value) {
                ("index", _) | ("delta", Value::Null) => {}
                ("delta", Value::Object(delta)) => self.take_delta(delta)?,
                ("delta", _) => return Err(Unstorable::Malformed("choices.delta")),
                ("logprobs", value) => join_member(&mut self.outer, name, value),
                (_, value) => openai::take_choice_member(&mut self.outer, name, value),
            }
        }
        Ok(())
    }

    fn take_delta(&mut self, delta: Object) -> Result<(), Unstorable> {
        for (name, value) in delta {
            match (name.as_str(), value) {
                ("role", role) => {
                    if role.as_str().is_some_and(|role| !role.is_empty()) {
                        self.message.insert(name, role);
                    }
                }
                ("content", part) => match &mut self.content {
                    Some(content) => join_content(content, part),
                    None => self.content = Some(part),
                },
                ("tool_calls", Value::Array(fragments)) => {
                    for fragment in fragments {
                        let Value::Object(fragment) = fragment else {
                            return Err(Unstorable::Malformed("delta.tool_calls"));
                        };
                        self.take_call(fragment);
                    }
                }
                ("tool_calls", Value::Null) => {}
                ("reasoning_details", Value::Array(parts)) => {
                    for part in parts {
                        self.take_detail(part);
                    }
                }
                (_, value) => join_member(&mut self.message, name, value),
            }
        }
        Ok(())
    }

    /// Fragments of one call share an index; some servers leave it out, some give 0 to every whole call of
    /// several.
    fn take_call(&mut self, mut fragment: Object) {
        let index = fragment.shift_remove("index").as_ref().and_then(Value::as_u64);
        let id = text(&fragment, "id").unwrap_or_default();
        let named = fragment.values().any(|value| value.get("name").is_some_and(|name| name != ""));
        let begins =
            |call: &Call| named && !id.is_empty() && text(&call.call, "id").is_some_and(|known| known != id);
        let known = match index {
            Some(_) => self.calls.iter_mut().rev().find(|call| call.index == index),
            None => self.calls.last_mut(),
        };
        match known {
            Some(known) if !begins(known) => join_call(&mut known.call, fragment),
            _ => self.calls.push(Call { index, call: fragment }),
        }
    }

    /// `OpenRouter`'s reasoning in parts: the fragments of one part share type and index; an encrypted part
    /// comes whole.
    fn take_detail(&mut self, part: Value) {
        let same = |last: &Value| {
            part.get("index").is_some_and(|index| Some(index) == last.get("index"))
                && part.get("type") == last.get("type")
                && part.get("data").is_none()
        };
        match (self.details.last_mut().filter(|last| same(last)), part) {
            (Some(Value::Object(last)), Value::Object(part)) => {
                for (name, value) in part {
                    match name.as_str() {
                        "text" | "summary" | "signature" => join_member(last, name, value),
                        _ => openai::take_choice_member(last, name, value),
                    }
                }
            }
            (_, part) => self.details.push(part),
        }
    }

    fn put_together(mut self, index: u64) -> Value {
        let mut message = Object::new();
        message.insert(
            "role".to_owned(),
            self.message.shift_remove("role").unwrap_or_else(|| "assistant".into()),
        );
        let other = !self.calls.is_empty()
            || ["refusal", "function_call", "audio"].iter().any(|at| says(&self.message, at));
        let content = match self.content {
            Some(Value::String(text)) if text.is_empty() && other => Value::Null,
            Some(content) => content,
            None if other => Value::Null,
            None => "".into(),
        };
        message.insert("content".to_owned(), content);
        message.extend(self.message);
        if !self.details.is_empty() {
            message.insert("reasoning_details".to_owned(), Value::Array(self.details));
        }
        if !self.calls.is_empty() {
            self.calls.sort_by_key(|call| call.index.unwrap_or(u64::MAX));
            let calls = self.calls.into_iter().map(|call| Value::Object(call.call)).collect();
            message.insert("tool_calls".to_owned(), Value::Array(calls));
        }
        let mut choice = Object::from_iter([("index".to_owned(), index.into())]);
        choice.insert("message".to_owned(), Value::Object(message));
        choice.extend(self.outer);
        Value::Object(choice)
    }
}

/// Joins content, which is a text with most servers and a list of parts with some.
fn join_content(whole: &mut Value, part: Value) {
    match (&mut *whole, part) {
        (Value::String(text), Value::Array(parts)) => {
            let before = (!text.is_empty()).then(|| json!({"type": "text", "text": text}));
            *whole = Value::Array(before.into_iter().collect());
            join_content(whole, Value::Array(parts));
        }
        (Value::Array(_), Value::String(text)) if text.is_empty() => {}
        (Value::Array(_), Value::String(text)) => {
            join_content(whole, json!([{"type": "text", "text": text}]));
        }
        (Value::Array(whole), Value::Array(parts)) => {
            for part in parts {
                join_part(whole, part);
            }
        }
        (whole, part) => join(whole, part),
    }
}

/// Joins a part to the last one if both are texts, or both are thinking that consists of texts.
fn join_part(whole: &mut Vec<Value>, mut part: Value) {
    for kind in ["text", "thinking"] {
        let is = |value: &Value| value.get("type").is_some_and(|found| found == kind);
        if let Some(last) = whole.last_mut().filter(|last| is(last))
            && is(&part)
            && let (Some(slot), Some(more)) = (last.get_mut(kind), part.get_mut(kind))
        {
            join_content(slot, more.take());
            return;
        }
    }
    whole.push(part);
}

/// Joins a fragment of a tool call: id, type and name come once, though some servers send them again each
/// time.
fn join_call(call: &mut Object, fragment: Object) {
    for (name, value) in fragment {
        match (call.get_mut(&name), value) {
            (Some(Value::Object(slot)), Value::Object(part)) => join_call(slot, part),
            (Some(Value::String(slot)), Value::String(part)) => match name.as_str() {
                "id" | "type" if slot.is_empty() => *slot = part,
                "id" | "type" => {}
                "name" if *slot == part => {}
                _ => slot.push_str(&part),
            },
            (_, part) => join_member(call, name, part),
        }
    }
}

// --- synthesise ---

fn synthesise(reply: &Object, include_usage: bool) -> Vec<u8> {
    let mut chunks = openai::Chunks::new(reply, "chat.completion.chunk", include_usage);
    for (position, choice) in items(reply, "choices").iter().enumerate() {
        let index = choice.get("index").cloned().unwrap_or_else(|| position.into());
        let mut logprobs = choice.get("logprobs").cloned().unwrap_or_default();
        let mut send = |delta: Value, logprobs: Value| {
            chunks.choice(
                &json!({"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": null}),
            );
        };
        if let Some(message) = choice.get("message").and_then(Value::as_object) {
            send(Value::Object(opening(message)), Value::Null);
            for name in REASONING {
                for piece in write::pieces(text(message, name).unwrap_or_default()) {
                    send(json!({name: piece}), Value::Null);
                }
            }
            if !items(message, "reasoning_details").is_empty() {
                send(json!({"reasoning_details": message.get("reasoning_details")}), Value::Null);
            }
            for name in ["content", "refusal"] {
                for piece in write::pieces(text(message, name).unwrap_or_default()) {
                    send(json!({name: piece}), logprobs.take());
                }
            }
            for (position, call) in items(message, "tool_calls").iter().enumerate() {
                for fragment in call_fragments(position, call) {
                    send(json!({"tool_calls": [fragment]}), Value::Null);
                }
            }
        }
        chunks.choice(&closing(choice, &index, &logprobs));
    }
    chunks.end()
}

/// The first delta: the role, and whatever of the message is not sent in pieces.
fn opening(message: &Object) -> Object {
    let mut delta = Object::from_iter([("role".to_owned(), "assistant".into())]);
    for (name, value) in message {
        let value = match (name.as_str(), value) {
            ("content" | "reasoning" | "reasoning_content", Value::String(_)) => "".into(),
            ("refusal", Value::String(_)) | ("tool_calls" | "reasoning_details", Value::Array(_)) => continue,
            (_, value) => value.clone(),
        };
        delta.insert(name.clone(), value);
    }
    delta
}

/// A call as a stream brings it: what it is, with no arguments yet, then the arguments (the `input` of a
/// custom tool).
fn call_fragments(index: usize, call: &Value) -> Vec<Value> {
    let (mut head, mut fragments) = (call.clone(), vec![]);
    for (kind, name) in [("function", "arguments"), ("custom", "input")] {
        let Some(Value::String(arguments)) = head.get_mut(kind).and_then(|kind| kind.get_mut(name)) else {
            continue;
        };
        let arguments = std::mem::take(arguments);
        let pieces = write::pieces(&arguments);
        fragments.extend(pieces.map(|piece| json!({"index": index, kind: {name: piece}})));
    }
    if let Value::Object(head) = &mut head {
        head.shift_insert(0, "index".to_owned(), index.into());
    }
    fragments.insert(0, head);
    fragments
}

/// The last chunk of a choice: why it ended, and what else stands beside its message.
fn closing(choice: &Value, index: &Value, logprobs: &Value) -> Value {
    let mut closing = json!({"index": index, "delta": {}, "logprobs": logprobs, "finish_reason": null});
    if let (Value::Object(closing), Some(choice)) = (&mut closing, choice.as_object()) {
        let members =
            choice.iter().filter(|(name, _)| !matches!(name.as_str(), "index" | "message" | "logprobs"));
        closing.extend(members.map(|(name, value)| (name.clone(), value.clone())));
    }
    closing
}
