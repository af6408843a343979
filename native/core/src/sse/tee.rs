//! The copy that is kept of a reply while its bytes pass to the client, and what becomes of it at the end.

use serde_json::Value;

use super::{Facts, Form, Object, Reply, Unstorable, Usage, gemini, surface, walk, write};
use crate::endpoint::Endpoint;

/// Collects the bytes of one upstream reply, up to a limit.
///
/// [`feed`](Self::feed) is a bounded append: nothing is parsed before [`finish`](Self::finish). Past the
/// limit the copy is given up and its memory freed; the client's stream goes on.
#[derive(Debug)]
pub struct Tee {
    endpoint: Endpoint,
    form: Form,
    limit_bytes: usize,
    bytes: Vec<u8>,
    overflowed: bool,
}

impl Tee {
    /// A tee for one reply that comes in `form` and is kept only if it has at most `limit_bytes` bytes.
    #[must_use]
    pub const fn new(endpoint: Endpoint, form: Form, limit_bytes: usize) -> Self {
        Self { endpoint, form, limit_bytes, bytes: Vec::new(), overflowed: false }
    }

    /// Takes the next bytes of the body, cut wherever the network cut them.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.overflowed {
            return;
        }
        if bytes.len() > self.limit_bytes - self.bytes.len() {
            self.overflowed = true;
            self.bytes = Vec::new();
            return;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// How many bytes are held; 0 once the limit was passed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Makes an entry of what was fed. To be called only after a 2xx reply whose body ended in good order.
    ///
    /// # Errors
    ///
    /// [`Unstorable`] says why the reply must not be stored.
    pub fn finish(self) -> Result<Reply, Unstorable> {
        if self.overflowed {
            return Err(Unstorable::TooLarge { limit_bytes: self.limit_bytes });
        }
        match self.form {
            Form::Json => whole(self.endpoint, self.bytes),
            Form::Sse => streamed(self.endpoint, self.bytes),
            Form::JsonArray if self.endpoint == Endpoint::Generate => {
                streamed(self.endpoint, gemini::events(&self.bytes)?)
            }
            Form::JsonArray => Err(Unstorable::Malformed("an array where the endpoint has none")),
        }
    }
}

/// An entry of a reply that came as one JSON object, whose bytes stay as they are.
fn whole(endpoint: Endpoint, mut json: Vec<u8>) -> Result<Reply, Unstorable> {
    let parsed = serde_json::from_slice(&json)
        .map_err(|error| if error.is_eof() { Unstorable::Cut } else { Unstorable::Malformed("not JSON") })?;
    let Value::Object(reply) = parsed else { return Err(Unstorable::Malformed("not a JSON object")) };
    let (facts, usage) = judge(endpoint, &reply)?;
    json.shrink_to_fit();
    Ok(Reply { json, stream: None, facts, usage })
}

/// An entry of a reply that came as a stream.
fn streamed(endpoint: Endpoint, mut stream: Vec<u8>) -> Result<Reply, Unstorable> {
    let assemble =
        surface(endpoint).assemble.ok_or(Unstorable::Malformed("a stream where the endpoint has none"))?;
    let reply = assemble(&stream)?;
    if !reply.values().all(write::is_exact) {
        return Err(Unstorable::Unknown("a number beyond 64 bits".to_owned()));
    }
    let (facts, usage) = judge(endpoint, &reply)?;
    // Some servers leave out the last blank line; without it a client would drop the last event of a replay.
    if !walk::ends_in_blank_line(&stream) {
        stream.extend_from_slice(b"\n\n");
    }
    stream.shrink_to_fit();
    let mut json = Vec::with_capacity(stream.len() / 4);
    write::object(&mut json, &reply);
    json.shrink_to_fit();
    Ok(Reply { json, stream: Some(stream), facts, usage })
}

/// The checks that all surfaces share, then the surface's own.
fn judge(endpoint: Endpoint, reply: &Object) -> Result<(Facts, Usage), Unstorable> {
    if reply.get("error").is_some_and(|error| !error.is_null()) {
        return Err(Unstorable::ErrorInside);
    }
    let surface = surface(endpoint);
    (surface.judge)(reply)?;
    let usage = (surface.usage)(reply);
    let stored = endpoint == Endpoint::Responses && reply.get("store") == Some(&Value::Bool(true));
    Ok((Facts { usage: usage.is_some(), stored }, usage.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NATIVE: &[u8] = br#"{"layer":3,"message":"Hello","model":"m"}"#;

    #[test]
    fn what_fits_is_kept_and_one_byte_more_is_not() {
        for (limit, fits) in [(NATIVE.len(), true), (NATIVE.len() - 1, false)] {
            let mut tee = Tee::new(Endpoint::Native, Form::Json, limit);
            NATIVE.chunks(5).for_each(|chunk| tee.feed(chunk));
            tee.feed(b"");
            assert_eq!(tee.is_empty(), !fits);
            assert_eq!(tee.len(), if fits { NATIVE.len() } else { 0 });
            match tee.finish() {
                Ok(reply) => assert!(fits && reply.json == NATIVE && reply.stream.is_none()),
                Err(error) => assert!(!fits && error == Unstorable::TooLarge { limit_bytes: limit }),
            }
        }
    }

    #[test]
    fn json_that_ends_early_is_cut_and_other_garbage_malformed() {
        for (body, token) in
            [(&b"{\"message\": \"a"[..], "cut"), (b"", "cut"), (b"<html>", "malformed"), (b"[]", "malformed")]
        {
            let mut tee = Tee::new(Endpoint::Native, Form::Json, 100);
            tee.feed(body);
            assert_eq!(tee.finish().unwrap_err().token(), token);
        }
    }
}
