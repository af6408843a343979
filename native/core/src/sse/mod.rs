//! Streams: parse, tee, assemble, synthesise, replay; and the one place that says whether a reply may be
//! stored.
//!
//! * [`Tee`] takes the bytes of an upstream reply as they pass and, at their end, makes a [`Reply`] of them
//!   or says why not ([`Unstorable`]).
//! * [`replay`] gives a stored reply as JSON or as a stream, whichever the next client asks for.
//! * [`Events`] reads server-sent events.
//!
//! Each surface is one file with the same four parts in the same order, put together as a `Surface`:
//! `judge` (may this reply be stored?), `usage`, `assemble` (stream to JSON), `synthesise` (JSON to stream).
//!
//! Policy: an entry must be the whole reply and hold for whoever asks again. What is not understood is not
//! stored; what is only unknown (a new field) is kept as it is.
//!
//! Cost: feeding is one bounded append per chunk. Finishing parses the reply once. Replaying a stored stream
//! copies nothing, but for the usage chunk of chat and completions where the client has not asked for it.

mod answer;
mod chat;
mod completions;
mod events;
mod gemini;
mod merge;
mod messages;
mod native;
mod openai;
mod outcome;
mod plain;
mod responses;
mod tee;
mod walk;
mod write;

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::endpoint::Endpoint;

pub use answer::{answer_holds, answer_text};
pub use events::{Event, Events};
pub use outcome::{Facts, Reply, Unreplayable, Unstorable, Usage};
pub use tee::Tee;

/// The form in which a reply is on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Form {
    /// One JSON object.
    Json,
    /// Server-sent events.
    Sse,
    /// Gemini's `streamGenerateContent` without `alt=sse`: a JSON array that is sent piece by piece.
    JsonArray,
}

/// How a stored reply is to be given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplayOptions {
    /// The client asked for the usage chunk (`stream_options.include_usage`). Counts for chat and completions
    /// only.
    pub include_usage: bool,
    /// The form that the client asked for.
    pub form: Form,
}

type Object = Map<String, Value>;
type Assemble = fn(&[u8]) -> Result<Object, Unstorable>;
type Synthesise = fn(&Object, bool) -> Vec<u8>;

/// What there is to know about the replies of one surface.
struct Surface {
    /// Says whether a reply, parsed and without a top-level error, may be stored.
    judge: fn(&Object) -> Result<(), Unstorable>,
    /// The tokens that the reply says it cost, if it does.
    usage: fn(&Object) -> Option<Usage>,
    /// Makes of a stream what the provider would have sent without `stream`.
    assemble: Option<Assemble>,
    /// Makes of a reply the stream that the provider would have sent, the flag being `include_usage`.
    synthesise: Option<Synthesise>,
}

const fn surface(endpoint: Endpoint) -> &'static Surface {
    match endpoint {
        Endpoint::Chat => &chat::SURFACE,
        Endpoint::Completions => &completions::SURFACE,
        Endpoint::Embeddings => &plain::EMBEDDINGS,
        Endpoint::Responses => &responses::SURFACE,
        Endpoint::Messages => &messages::SURFACE,
        Endpoint::CountTokens => &plain::COUNT_TOKENS,
        Endpoint::Generate => &gemini::SURFACE,
        Endpoint::GeminiCount => &plain::GEMINI_COUNT,
        Endpoint::Native => &native::SURFACE,
    }
}

/// A stored reply in the form that the client asks for.
///
/// `json` and `stream` are those of the [`Reply`]. A stream that the provider sent is given as it was; where
/// there is none, one is made of the JSON, in the surface's own event order.
///
/// # Errors
///
/// [`Unreplayable::NoSuchForm`] where the endpoint has no such form, [`Unreplayable::Damaged`] where the
/// bytes are not a reply of the endpoint. Either is a miss to the caller.
pub fn replay<'a>(
    endpoint: Endpoint,
    json: &'a [u8],
    stream: Option<&'a [u8]>,
    options: &ReplayOptions,
) -> Result<Cow<'a, [u8]>, Unreplayable> {
    let streamed = match (options.form, endpoint) {
        (Form::Json, _) => return Ok(Cow::Borrowed(json)),
        (Form::JsonArray, Endpoint::Generate) | (Form::Sse, _) => match stream {
            Some(stream) => Cow::Borrowed(stream),
            None => Cow::Owned(synthesise(endpoint, json, options.include_usage)?),
        },
        (Form::JsonArray, _) => return Err(Unreplayable::NoSuchForm),
    };
    if options.form == Form::JsonArray {
        return Ok(Cow::Owned(gemini::array(&streamed)));
    }
    match (endpoint, streamed) {
        (Endpoint::Chat | Endpoint::Completions, Cow::Borrowed(stream)) if !options.include_usage => {
            Ok(openai::without_usage(stream))
        }
        (_, streamed) => Ok(streamed),
    }
}

fn synthesise(endpoint: Endpoint, json: &[u8], include_usage: bool) -> Result<Vec<u8>, Unreplayable> {
    let synthesise = surface(endpoint).synthesise.ok_or(Unreplayable::NoSuchForm)?;
    match serde_json::from_slice(json) {
        Ok(Value::Object(reply)) if reply.values().all(write::is_exact) => {
            Ok(synthesise(&reply, include_usage))
        }
        _ => Err(Unreplayable::Damaged),
    }
}
