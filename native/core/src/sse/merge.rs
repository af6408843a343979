//! Joins fragments of a stream, and reads members of replies.

use serde_json::Value;

use super::{Object, Usage};

/// Joins a fragment to what is there: strings and arrays grow, objects are joined member by member, anything
/// else replaces. `null` never replaces.
pub(super) fn join(whole: &mut Value, part: Value) {
    match (whole, part) {
        (_, Value::Null) => {}
        (Value::String(whole), Value::String(part)) => whole.push_str(&part),
        (Value::Array(whole), Value::Array(part)) => whole.extend(part),
        (Value::Object(whole), Value::Object(part)) => {
            for (name, part) in part {
                join_member(whole, name, part);
            }
        }
        (whole, part) => *whole = part,
    }
}

/// [`join`]s a fragment to the member of that name.
pub(super) fn join_member(whole: &mut Object, name: String, part: Value) {
    match whole.get_mut(&name) {
        Some(slot) => join(slot, part),
        None => {
            whole.insert(name, part);
        }
    }
}

/// Replaces the member of that name; `null` only fills a gap.
pub(super) fn replace_member(whole: &mut Object, name: String, value: Value) {
    if !value.is_null() || !whole.contains_key(&name) {
        whole.insert(name, value);
    }
}

/// Replaces member by member, in objects within objects too: counts that are sent again are sent in full.
pub(super) fn update(whole: &mut Value, newer: Value) {
    match (whole, newer) {
        (_, Value::Null) => {}
        (Value::Object(whole), Value::Object(newer)) => {
            for (name, value) in newer {
                match whole.get_mut(&name) {
                    Some(slot) => update(slot, value),
                    None => {
                        whole.insert(name, value);
                    }
                }
            }
        }
        (whole, newer) => *whole = newer,
    }
}

/// The member's text, if it is one.
pub(super) fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// The member's items; none if it is no array.
pub(super) fn items<'a>(object: &'a Object, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether the member says anything: not `null`, `false`, zero, nor empty.
pub(super) fn says(object: &Object, name: &str) -> bool {
    object.get(name).is_some_and(|value| match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    })
}

/// Whether the member is a count above zero, or holds one.
pub(super) fn counts(object: &Object, name: &str) -> bool {
    match object.get(name) {
        Some(Value::Object(members)) => members.keys().any(|name| counts(members, name)),
        Some(Value::Number(_)) => says(object, name),
        _ => false,
    }
}

/// The number at the end of a path of members, or 0.
pub(super) fn number(object: &Object, path: [&str; 2]) -> u64 {
    let [outer, inner] = path;
    object.get(outer).and_then(|value| value.get(inner)).and_then(Value::as_u64).unwrap_or(0)
}

/// The number of the member, or 0.
pub(super) fn count(object: &Object, name: &str) -> u64 {
    object.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// The reply's member that tells the usage.
pub(super) fn usage_object<'a>(reply: &'a Object, name: &str) -> Option<&'a Object> {
    reply.get(name).and_then(Value::as_object)
}

impl Usage {
    /// Reads a usage object by the names that its surface has for most counts.
    pub(super) fn read(usage: &Object, names: [&str; 2], details: [[&str; 2]; 2]) -> Self {
        Self {
            input: count(usage, names[0]),
            output: count(usage, names[1]),
            cached: number(usage, details[0]),
            cache_write: 0,
            reasoning: number(usage, details[1]),
        }
    }
}
