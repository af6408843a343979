//! What the assemblers of all surfaces do with a stream: go through its events, refuse errors and whatever
//! follows the end.

use serde_json::Value;

use super::{Event, Events, Object, Unstorable};

/// Gives each event's data to `take`, but for `[DONE]`; `take` answers whether the reply is complete with it.
/// Returns whether `[DONE]` was seen.
///
/// A bare `[DONE]` may follow any surface's own end: some servers add it to every stream, and it says
/// nothing.
///
/// # Errors
///
/// What `take` finds; an `error` event; an unfinished last event; anything but comments after the end.
pub(super) fn events(
    stream: &[u8],
    mut take: impl FnMut(&Event<'_>) -> Result<bool, Unstorable>,
) -> Result<bool, Unstorable> {
    let (mut ended, mut done) = (false, false);
    let mut events = Events::new(stream);
    for event in events.by_ref() {
        if event.event == Some(b"error") {
            return Err(Unstorable::ErrorInside);
        }
        let data = event.data.trim_ascii();
        if data.is_empty() {
            continue;
        }
        if done {
            return Err(Unstorable::Malformed("an event after [DONE]"));
        }
        if data == b"[DONE]" {
            done = true;
        } else if ended {
            object(&event)?;
            return Err(Unstorable::Malformed("an event after the end"));
        } else {
            ended = take(&event)?;
        }
    }
    let mut lines = events.rest().split(|&byte| byte == b'\n' || byte == b'\r');
    if lines.any(|line| !line.is_empty() && !line.starts_with(b":")) {
        return Err(Unstorable::Cut);
    }
    Ok(done)
}

/// The data of an event as the object that every surface sends.
///
/// # Errors
///
/// Not an object, or one that is an error.
pub(super) fn object(event: &Event<'_>) -> Result<Object, Unstorable> {
    match serde_json::from_slice(&event.data) {
        Ok(Value::Object(object)) => {
            let error = object.get("error").is_some_and(|error| !error.is_null());
            let typed = object.get("type").is_some_and(|kind| kind == "error");
            if error || typed { Err(Unstorable::ErrorInside) } else { Ok(object) }
        }
        Err(error) if error.is_eof() && !event.complete => Err(Unstorable::Cut),
        _ => Err(Unstorable::Malformed("an event's data")),
    }
}

/// Whether the last event has got its blank line.
pub(super) fn ends_in_blank_line(stream: &[u8]) -> bool {
    [&b"\n\n"[..], b"\r\n\r\n", b"\r\r"].iter().any(|end| stream.ends_with(end))
}
