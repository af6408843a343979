//! Replies of Gemini's `:generateContent` and `:streamGenerateContent`; the latter's two forms, events and a
//! JSON array, hold the same objects.
//! Source: <https://ai.google.dev/api/generate-content>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::merge::{count, items, replace_member, says, text, usage_object};
use super::{Event, Events, Object, Surface, Unstorable, Usage, walk, write};

pub(super) const SURFACE: Surface =
    Surface { judge, usage, assemble: Some(assemble), synthesise: Some(|reply, _| synthesise(reply)) };

/// The members that a part may have; any other is something that the server ran or fetched, or nothing known.
const PART: [&str; 7] =
    ["text", "thought", "thoughtSignature", "functionCall", "inlineData", "partMetadata", "mediaResolution"];
/// Members of a candidate that show that the server looked something up.
const OUTSIDE: [&str; 2] = ["groundingMetadata", "urlContextMetadata"];

// --- judge ---

fn judge(reply: &Object) -> Result<(), Unstorable> {
    let blocked = reply.get("promptFeedback").and_then(Value::as_object);
    if blocked.is_some_and(|feedback| says(feedback, "blockReason")) {
        return Err(Unstorable::ContentFiltered);
    }
    let candidates = items(reply, "candidates");
    if candidates.is_empty() {
        return Err(Unstorable::Malformed("candidates"));
    }
    for candidate in candidates {
        let Value::Object(candidate) = candidate else { return Err(Unstorable::Malformed("candidates")) };
        judge_finish(candidate)?;
        if let Some(sign) = OUTSIDE.into_iter().find(|sign| says(candidate, sign)) {
            return Err(Unstorable::ActedOutside(sign.to_owned()));
        }
        for part in parts(candidate) {
            judge_part(part.as_object().ok_or(Unstorable::Malformed("parts"))?)?;
        }
    }
    Ok(())
}

fn judge_finish(candidate: &Object) -> Result<(), Unstorable> {
    match text(candidate, "finishReason") {
        Some("STOP" | "MAX_TOKENS") => Ok(()),
        Some("SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE") => {
            Err(Unstorable::ContentFiltered)
        }
        Some(reason) if reason.starts_with("IMAGE_") => Err(Unstorable::ContentFiltered),
        Some(reason) => Err(Unstorable::FinishReason(reason.to_owned())),
        None => Err(Unstorable::Unfinished("finishReason")),
    }
}

fn judge_part(part: &Object) -> Result<(), Unstorable> {
    if part.contains_key("fileData") {
        return Err(Unstorable::Expiring("fileData"));
    }
    if let Some(sign) = part.keys().find(|name| !PART.contains(&name.as_str())) {
        return Err(Unstorable::ActedOutside(sign.clone()));
    }
    // Arguments of a call that come in pieces, each with its path.
    let call = part.get("functionCall").and_then(Value::as_object);
    match ["partialArgs", "willContinue"].into_iter().find(|name| call.is_some_and(|call| says(call, name))) {
        Some(name) => Err(Unstorable::Unknown(name.to_owned())),
        None => Ok(()),
    }
}

fn parts(candidate: &Object) -> &[Value] {
    candidate.get("content").and_then(Value::as_object).map_or(&[], |content| items(content, "parts"))
}

// --- usage ---

fn usage(reply: &Object) -> Option<Usage> {
    let usage = usage_object(reply, "usageMetadata")?;
    let reasoning = count(usage, "thoughtsTokenCount");
    Some(Usage {
        input: count(usage, "promptTokenCount").saturating_add(count(usage, "toolUsePromptTokenCount")),
        output: count(usage, "candidatesTokenCount").saturating_add(reasoning),
        cached: count(usage, "cachedContentTokenCount"),
        cache_write: 0,
        reasoning,
    })
}

// --- assemble ---

fn assemble(stream: &[u8]) -> Result<Object, Unstorable> {
    let mut reply = Object::new();
    let mut candidates: BTreeMap<u64, Object> = BTreeMap::new();
    walk::events(stream, |event: &Event<'_>| {
        for (name, value) in walk::object(event)? {
            match (name.as_str(), value) {
                ("candidates", Value::Array(array)) => {
                    // The place is kept even if nothing follows.
                    reply.entry(name).or_insert_with(|| json!([]));
                    for (position, candidate) in array.into_iter().enumerate() {
                        let Value::Object(candidate) = candidate else {
                            return Err(Unstorable::Malformed("candidates"));
                        };
                        let index = candidate.get("index").and_then(Value::as_u64).unwrap_or(position as u64);
                        take_candidate(candidates.entry(index).or_default(), candidate);
                    }
                }
                (_, value) => replace_member(&mut reply, name, value),
            }
        }
        Ok(false)
    })?;
    if let Some(slot) = reply.get_mut("candidates") {
        *slot = candidates.into_values().map(Value::Object).collect();
    }
    Ok(reply)
}

fn take_candidate(whole: &mut Object, candidate: Object) {
    for (name, value) in candidate {
        match (name.as_str(), value) {
            ("content", Value::Object(content)) => {
                let slot = whole.entry(name).or_insert_with(|| json!({}));
                let Value::Object(slot) = slot else { continue };
                for (name, value) in content {
                    match (name.as_str(), value) {
                        ("parts", Value::Array(parts)) => {
                            let slot = slot.entry(name).or_insert_with(|| json!([]));
                            if let Value::Array(slot) = slot {
                                for part in parts {
                                    take_part(slot, part);
                                }
                            }
                        }
                        (_, value) => replace_member(slot, name, value),
                    }
                }
            }
            (_, value) => replace_member(whole, name, value),
        }
    }
}

/// Joins a text to the text before it, if both are thoughts or neither is, and neither is signed: a signature
/// holds for its own part.
fn take_part(whole: &mut Vec<Value>, part: Value) {
    let plain = |part: &Value| {
        let members = part.as_object()?;
        let only = members.keys().all(|name| name == "text" || name == "thought");
        members.get("text").filter(|text| only && text.is_string()).map(|_| says(members, "thought"))
    };
    if let Some(last) = whole.last_mut()
        && plain(last).is_some_and(|thought| plain(&part) == Some(thought))
        && let (Some(Value::String(text)), Some(more)) = (last.get_mut("text"), part["text"].as_str())
    {
        text.push_str(more);
        return;
    }
    whole.push(part);
}

// --- synthesise ---

fn synthesise(reply: &Object) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 * 1024);
    let mut last = reply.clone();
    let outer: Vec<(String, Value)> = reply
        .iter()
        .filter(|(name, _)| matches!(name.as_str(), "modelVersion" | "responseId"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for candidate in last.get_mut("candidates").and_then(Value::as_array_mut).into_iter().flatten() {
        let index = candidate.get("index").cloned();
        let role = candidate.get("content").and_then(|content| content.get("role")).cloned();
        let Some(Value::Array(parts)) =
            candidate.get_mut("content").and_then(|content| content.get_mut("parts"))
        else {
            continue;
        };
        let mut pieces: Vec<Value> = std::mem::take(parts).into_iter().flat_map(split_part).collect();
        // The last event brings the last piece together with the reason to finish.
        parts.extend(pieces.pop());
        for piece in pieces {
            let mut candidate = json!({"content": {"parts": [piece]}});
            if let Some(role) = &role {
                candidate["content"]["role"] = role.clone();
            }
            if let Some(index) = &index {
                candidate["index"] = index.clone();
            }
            let mut chunk = Object::from_iter([("candidates".to_owned(), json!([candidate]))]);
            chunk.extend(outer.iter().cloned());
            send(&mut out, &Value::Object(chunk));
        }
    }
    send(&mut out, &Value::Object(last));
    out
}

/// A part of plain text in pieces; any other part whole.
fn split_part(part: Value) -> Vec<Value> {
    match part.get("text").and_then(Value::as_str) {
        Some(text) if !text.is_empty() && part.get("thoughtSignature").is_none() => {
            let piece = |piece: &str| {
                let mut copy = part.clone();
                copy["text"] = piece.into();
                copy
            };
            write::pieces(text).map(piece).collect()
        }
        _ => vec![part],
    }
}

/// Writes an event with the line ends that this API has.
fn send(out: &mut Vec<u8>, payload: &Value) {
    out.extend_from_slice(b"data: ");
    write::value(out, payload);
    out.extend_from_slice(b"\r\n\r\n");
}

// --- the array form ---

/// The array's objects as events.
///
/// # Errors
///
/// Not a JSON array of objects.
pub(super) fn events(array: &[u8]) -> Result<Vec<u8>, Unstorable> {
    let objects: Vec<Value> = serde_json::from_slice(array).map_err(|error| {
        if error.is_eof() { Unstorable::Cut } else { Unstorable::Malformed("not a JSON array") }
    })?;
    let mut out = Vec::with_capacity(array.len());
    for object in &objects {
        send(&mut out, object);
    }
    Ok(out)
}

/// The objects of a stream's events as the array.
pub(super) fn array(stream: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(stream.len());
    out.push(b'[');
    for event in Events::new(stream).filter(|event| event.data.trim_ascii().starts_with(b"{")) {
        if out.len() > 1 {
            out.extend_from_slice(b",\r\n");
        }
        out.extend_from_slice(&event.data);
    }
    out.extend_from_slice(b"]");
    out
}
