//! What the synthesisers of all surfaces write with.

use std::iter;

use serde_json::Value;

use super::Object;

/// A text of any length becomes at most about this many pieces.
const MOST_PIECES: usize = 50;
/// A piece has at least this many bytes, the last one excepted.
const LEAST_BYTES: usize = 40;

/// Writes one event: `event: <name>`, then the data.
pub(super) fn event(out: &mut Vec<u8>, name: &str, payload: &Value) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.push(b'\n');
    data(out, payload);
}

/// Writes one event without a name.
pub(super) fn data(out: &mut Vec<u8>, payload: &Value) {
    out.extend_from_slice(b"data: ");
    value(out, payload);
    out.extend_from_slice(b"\n\n");
}

/// Writes compact JSON.
pub(super) fn value(out: &mut Vec<u8>, value: &Value) {
    // Neither a `Value` nor a `Vec` can fail here.
    serde_json::to_writer(out, value).ok();
}

/// Writes an object as compact JSON.
pub(super) fn object(out: &mut Vec<u8>, object: &Object) {
    serde_json::to_writer(out, object).ok();
}

/// Whether every number can be written again as it was read. An integer beyond 64 bits cannot: it was
/// rounded.
pub(super) fn is_exact(value: &Value) -> bool {
    // Below this, an integer would have been read as one.
    const WHOLE: f64 = 9.2e18;
    match value {
        Value::Number(number) => {
            !number.is_f64() || number.as_f64().is_some_and(|number| number.abs() < WHOLE)
        }
        Value::Array(items) => items.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        _ => true,
    }
}

/// Cuts a text into pieces between characters, as a stream would bring it.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let size = text.len().div_ceil(MOST_PIECES).max(LEAST_BYTES);
    let mut rest = text;
    iter::from_fn(move || {
        let mut cut = size.min(rest.len());
        while !rest.is_char_boundary(cut) {
            cut += 1;
        }
        let (piece, after) = rest.split_at(cut);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_bounded_in_number_and_make_up_the_text() {
        for text in ["", "a", "Grüße 👩‍👩‍👧 ", "🦀"] {
            for times in [1, 10, 100, 1000] {
                let text = text.repeat(times);
                let pieces: Vec<&str> = pieces(&text).collect();
                assert_eq!(pieces.concat(), text);
                assert!(pieces.len() <= MOST_PIECES && pieces.iter().all(|piece| !piece.is_empty()));
            }
        }
    }
}
