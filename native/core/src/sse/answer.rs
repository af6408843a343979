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

/// The text of a reply; `None` if there is more to it than text, or more than one answer.
#[must_use]
pub fn answer_text(endpoint: Endpoint, json: &[u8]) -> Option<String> {
    let root: Value = serde_json::from_slice(json).ok()?;
    let only = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([one]) => Some(one.clone()),
        _ => None,
    };
    let text = match endpoint {
        Endpoint::Chat => {
            let message = only(root.get("choices")?)?.get("message")?.clone();
            let calls = message.get("tool_calls").is_some_and(|calls| {
                !calls.is_null() && calls.as_array().is_none_or(|list| !list.is_empty())
            });
            if calls || message.get("function_call").is_some_and(|call| !call.is_null()) {
                return None;
            }
            message.get("content")?.as_str()?.to_owned()
        }
        Endpoint::Completions => only(root.get("choices")?)?.get("text")?.as_str()?.to_owned(),
        Endpoint::Messages => parts(root.get("content")?, &["text"], &["thinking", "redacted_thinking"])?,
        Endpoint::Responses => {
            let mut text = String::new();
            for item in root.get("output")?.as_array()? {
                match item.get("type")?.as_str()? {
                    "reasoning" => {}
                    "message" => text.push_str(&parts(item.get("content")?, &["output_text"], &[])?),
                    _ => return None,
                }
            }
            text
        }
        Endpoint::Generate => {
            let content = only(root.get("candidates")?)?.get("content")?.clone();
            let mut text = String::new();
            for part in content.get("parts")?.as_array()? {
                let piece = part.get("text")?.as_str()?;
                if part.get("thought") != Some(&Value::Bool(true)) {
                    text.push_str(piece);
                }
            }
            text
        }
        Endpoint::Native => root.get("message")?.as_str()?.to_owned(),
        _ => return None,
    };
    Some(text).filter(|text| !text.trim().is_empty())
}

/// The text of a list of parts of the wanted types; those of the skipped types say nothing.
fn parts(list: &Value, wanted: &[&str], skipped: &[&str]) -> Option<String> {
    let mut text = String::new();
    for part in list.as_array()? {
        let kind = part.get("type")?.as_str()?;
        if wanted.contains(&kind) {
            text.push_str(part.get("text")?.as_str()?);
        } else if !skipped.contains(&kind) {
            return None;
        }
    }
    Some(text)
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
    fn the_text_of_a_reply_is_found_on_every_surface_and_only_where_it_is_all_there_is() {
        let chat = |message: &str| {
            answer_text(Endpoint::Chat, format!(r#"{{"choices":[{{"message":{message}}}]}}"#).as_bytes())
        };
        assert_eq!(chat(r#"{"content":"hi","tool_calls":null}"#).as_deref(), Some("hi"));
        assert_eq!(chat(r#"{"content":"hi"}"#).as_deref(), Some("hi"));
        assert_eq!(chat(r#"{"content":"hi","tool_calls":[{}]}"#), None);
        let text = |endpoint, json: &str| answer_text(endpoint, json.as_bytes());
        assert_eq!(
            text(Endpoint::Messages, r#"{"content":[{"type":"thinking"},{"type":"text","text":"a"}]}"#)
                .as_deref(),
            Some("a")
        );
        assert_eq!(text(Endpoint::Messages, r#"{"content":[{"type":"tool_use"}]}"#), None);
        let output = r#"{"output":[{"type":"reasoning"},{"type":"message","content":[{"type":"output_text","text":"b"}]}]}"#;
        assert_eq!(text(Endpoint::Responses, output).as_deref(), Some("b"));
        let parts = r#"{"candidates":[{"content":{"parts":[{"text":"x","thought":true},{"text":"c"}]}}]}"#;
        assert_eq!(text(Endpoint::Generate, parts).as_deref(), Some("c"));
        assert_eq!(text(Endpoint::Native, r#"{"message":"d"}"#).as_deref(), Some("d"));
        assert_eq!(text(Endpoint::Native, r#"{"message":" "}"#), None);
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
