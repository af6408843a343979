//! What the model said, as opposed to what a reply repeats of the request.

use serde_json::Value;

use super::Reply;
use crate::endpoint::Endpoint;

/// Whether `text` stands in the answer. A Responses reply repeats the request's `instructions` and more in its object
/// and in three of its events; of those only `output` is looked at, which holds everything that was streamed.
#[must_use]
pub fn answer_holds(endpoint: Endpoint, reply: &Reply, text: &str) -> bool {
    let found = |body: &[u8]| memchr::memmem::find(body, text.as_bytes()).is_some();
    if endpoint == Endpoint::Responses {
        return match serde_json::from_slice::<Value>(&reply.json) {
            Ok(object) => object.get("output").is_some_and(|output| found(output.to_string().as_bytes())),
            Err(_) => true,
        };
    }
    found(&reply.json) || reply.stream.as_deref().is_some_and(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sse::{Form, Tee};

    fn reply(endpoint: Endpoint, json: &str) -> Reply {
        let mut tee = Tee::new(endpoint, Form::Json, 10_000);
        tee.feed(json.as_bytes());
        tee.finish().unwrap_or_else(|why| unreachable!("{why:?}"))
    }

    #[test]
    fn what_a_responses_reply_repeats_of_the_request_is_no_answer() {
        let with = |text: &str| {
            let output = format!(
                r#"[{{"type":"message","role":"assistant","content":[{{"type":"output_text","text":"{text}","annotations":[]}}]}}]"#
            );
            let json = format!(
                r#"{{"id":"r","object":"response","status":"completed","instructions":"in abc","output":{output}}}"#
            );
            answer_holds(Endpoint::Responses, &reply(Endpoint::Responses, &json), "abc")
        };
        assert!(!with("hello"));
        assert!(with("it is in abc"));
    }
}
