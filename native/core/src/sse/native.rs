//! Replies of `POST /api/chat`: `{layer, message, model}`. As a stream it is that object in one event, then
//! `[DONE]`.

use serde_json::Value;

use super::merge::{says, text};
use super::{Event, Object, Surface, Unstorable, Usage, walk, write};

pub(super) const SURFACE: Surface =
    Surface { judge, usage, assemble: Some(assemble), synthesise: Some(|reply, _| synthesise(reply)) };

// --- judge ---

fn judge(reply: &Object) -> Result<(), Unstorable> {
    if says(reply, "error") {
        return Err(Unstorable::ErrorInside);
    }
    text(reply, "message").map(|_| ()).ok_or(Unstorable::Malformed("message"))
}

// --- usage ---

fn usage(_: &Object) -> Option<Usage> {
    None
}

// --- assemble ---

fn assemble(stream: &[u8]) -> Result<Object, Unstorable> {
    let mut reply = None;
    let done = walk::events(stream, |event: &Event<'_>| {
        reply = Some(walk::object(event)?);
        Ok(true)
    })?;
    if done { reply.ok_or(Unstorable::Malformed("message")) } else { Err(Unstorable::Unfinished("[DONE]")) }
}

// --- synthesise ---

fn synthesise(reply: &Object) -> Vec<u8> {
    let mut out = Vec::new();
    write::data(&mut out, &Value::Object(reply.clone()));
    out.extend_from_slice(b"data: [DONE]\n\n");
    out
}
