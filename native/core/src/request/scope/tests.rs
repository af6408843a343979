//! What may match semantically, by surface; and that a scope is all of a request but its question.

use proptest::prelude::*;

use super::super::head::{Gate, PathInfo};
use super::super::{Reading, Request};
use super::*;

fn read(endpoint: Endpoint, body: &str, headers: &[(&str, &str)]) -> Request {
    let reading = Reading { bucket_secs: 300, semantic: true, ..Reading::default() };
    let head = Gate::default().read(endpoint, PathInfo::default(), "", headers.iter().copied());
    reading.read(&head, body.as_bytes()).unwrap()
}

fn outcome(endpoint: Endpoint, body: &str) -> Result<String, Refused> {
    read(endpoint, body, &[]).asked.map(|asked| asked.text)
}

fn table(endpoint: Endpoint, rows: &[(&str, Result<&str, Refused>)]) {
    for (body, expected) in rows {
        assert_eq!(outcome(endpoint, body), expected.map(str::to_owned), "{endpoint:?} {body}");
    }
}

fn chat(turns: &str, extra: &str) -> String {
    format!(r#"{{"model":"m","messages":[{turns}]{extra}}}"#)
}

const HI: &str = r#"{"role":"user","content":"hi"}"#;

#[test]
fn chat_asks_the_last_text_of_a_plain_conversation() {
    for (turns, expected) in [
        (HI, Ok("hi")),
        (r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#, Ok("b")),
        (r#"{"role":"system","content":"s"},{"role":"user","content":"a","name":"n"}"#, Ok("a")),
        (
            r#"{"role":"user","content":"a"},{"role":"assistant","content":"b","refusal":null,"tool_calls":[]},{"role":"user","content":"c"}"#,
            Ok("c"),
        ),
        (r#"{"role":"user","content":"é\n\"\ud83d\ude00\""}"#, Ok("é\n\"\u{1f600}\"")),
        (r#"{"role":"user","content":"\ud83d"}"#, Err("not-text")),
        (r#"{"role":"user","content":" \n\u00a0"}"#, Err("empty")),
        (r#"{"role":"user","content":[]}"#, Err("empty")),
        (r#"{"role":"user","content":null}"#, Err("not-text")),
        (r#"{"role":"user"}"#, Err("not-text")),
        (r#"{"role":"user","content":["hi"]}"#, Err("not-text")),
        (r#"{"role":"user","content":[{"text":"hi"}]}"#, Err("not-text")),
        (r#"{"role":"user","content":[{"type":"text","text":5}]}"#, Err("not-text")),
        (r#"{"role":"user","content":[{"type":"text","text":"a","x":1}]}"#, Err("not-text")),
        (
            r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{}}]}"#,
            Err("not-text"),
        ),
        (r#"{"role":"user","content":[{"type":"input_audio"},{"type":"text","text":"a"}]}"#, Err("not-text")),
        (r#"{"role":"system","content":"s"}"#, Err("no-user-turn")),
        (r#"{"role":"user","content":"a"},{"role":"developer","content":"be brief"}"#, Err("no-user-turn")),
        (r#"{"role":"user","content":"a"},{"role":"assistant","content":"It"}"#, Err("prefill")),
        (r#"{"role":"tool","tool_call_id":"t","content":"r"},{"role":"user","content":"a"}"#, Err("tools")),
        (
            r#"{"role":"assistant","content":"","tool_calls":[{}]},{"role":"user","content":"a"}"#,
            Err("tools"),
        ),
        (r#"{"role":"narrator","content":"a"},{"role":"user","content":"a"}"#, Err("not-text")),
        (
            r#"{"role":"assistant","content":"a","audio":{"id":"x"}},{"role":"user","content":"a"}"#,
            Err("not-text"),
        ),
    ] {
        table(Endpoint::Chat, &[(&chat(turns, ""), expected)]);
    }
}

#[test]
fn only_known_parameters_pass() {
    for (extra, expected) in [
        (
            r#","temperature":0.5,"seed":1,"stop":["x"],"n":2,"logit_bias":{"1":2},"reasoning_effort":"low""#,
            Ok("hi"),
        ),
        (r#","stream":true,"stream_options":{},"user":"u","store":false,"service_tier":"flex""#, Ok("hi")),
        (r#","response_format":{"type":"json_object"},"metadata":{"k":"v"}"#, Ok("hi")),
        (r#","tools":[],"tool_choice":null,"functions":null,"audio":null,"prediction":null"#, Ok("hi")),
        (r#","modalities":["text"]"#, Ok("hi")),
        (r#","modalities":["text","audio"]"#, Err("not-text")),
        (r#","audio":{"voice":"v"}"#, Err("not-text")),
        (r#","tools":[{"type":"function"}]"#, Err("tools")),
        (r#","never_heard_of":1,"tools":[{"type":"function"}]"#, Err("tools")),
        (r#","functions":[{}]"#, Err("tools")),
        (r#","tool_choice":"auto""#, Err("tools")),
        (r#","web_search_options":{}"#, Err("tools")),
        (r#","plugins":[{"id":"web"}]"#, Err("parameters")),
        (r#","never_heard_of":null"#, Err("parameters")),
        (r#","Temperature":1"#, Err("parameters")),
        (r#","thread_id":"t""#, Err("parameters")),
    ] {
        table(Endpoint::Chat, &[(&chat(HI, extra), expected)]);
    }
}

#[test]
fn responses_ask_their_input_or_its_last_message() {
    let with = |input: &str, extra: &str| format!(r#"{{"model":"m","input":{input}{extra}}}"#);
    let user = r#"{"role":"user","content":[{"type":"input_text","text":"hi"}]}"#;
    let said = r#"{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[],"logprobs":[]}]}"#;
    let cited = said.replace(r#""annotations":[]"#, r#""annotations":[{}]"#);
    for (input, extra, expected) in [
        (r#""hi""#, "", Ok("hi")),
        (
            r#""hi""#,
            r#","instructions":"i","text":{"verbosity":"low"},"reasoning":{"effort":"low"}"#,
            Ok("hi"),
        ),
        (r#""hi""#, r#","instructions":[{"role":"developer","content":"i"}]"#, Err("not-text")),
        (r#""hi""#, r#","previous_response_id":"resp_1""#, Err("parameters")),
        (r#""hi""#, r#","previous_response_id":null,"tools":[],"include":[]"#, Ok("hi")),
        (r#""hi""#, r#","include":["reasoning.encrypted_content"]"#, Err("parameters")),
        (r#""hi""#, r#","prompt":{"id":"p"}"#, Err("parameters")),
        (r#""hi""#, r#","conversation":"c""#, Err("conversation")),
        (r#""hi""#, r#","background":true"#, Err("background")),
        (r#""hi""#, r#","parallel_tool_calls":true"#, Err("tools")),
        (r#""  ""#, "", Err("empty")),
        ("null", "", Err("no-user-turn")),
        (&format!("[{user}]"), "", Ok("hi")),
        (&format!("[{user},{said},{user}]"), "", Ok("hi")),
        (&format!("[{user},{said}]"), "", Err("prefill")),
        (&format!("[{cited},{user}]"), "", Err("not-text")),
        (&format!(r#"[{{"type":"reasoning","summary":[]}},{user}]"#), "", Err("not-text")),
        (&format!(r#"[{{"type":"item_reference","id":"x"}},{user}]"#), "", Err("not-text")),
        (
            &format!(r#"[{{"type":"additional_tools","role":"developer","tools":[]}},{user}]"#),
            "",
            Err("tools"),
        ),
        (&format!(r#"[{{"type":"function_call","name":"f"}},{user}]"#), "", Err("tools")),
        (&format!(r#"[{{"type":"computer_call_output"}},{user}]"#), "", Err("tools")),
        (&format!(r#"[{{"content":"x"}},{user}]"#), "", Err("not-text")),
        (r#"[{"role":"user","content":[{"type":"input_image"}]}]"#, "", Err("not-text")),
    ] {
        table(Endpoint::Responses, &[(&with(input, extra), expected)]);
    }
}

#[test]
fn messages_ask_the_last_text_block() {
    let with = |extra: &str| chat(HI, &format!(r#","max_tokens":9{extra}"#));
    for (extra, expected) in [
        ("", Ok("hi")),
        (
            r#","system":"s","thinking":{"type":"adaptive"},"output_config":{"effort":"low"},"top_k":1"#,
            Ok("hi"),
        ),
        (r#","system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]"#, Ok("hi")),
        (r#","system":[{"type":"image"}]"#, Err("not-text")),
        (r#","metadata":{"user_id":"u"},"stop_sequences":["x"],"tools":[]"#, Ok("hi")),
        (r#","tools":[{"name":"f"}]"#, Err("tools")),
        (r#","mcp_servers":[{}]"#, Err("tools")),
        (r#","container":"c""#, Err("tools")),
        (r#","context_management":{"edits":[]}"#, Err("parameters")),
    ] {
        table(Endpoint::Messages, &[(&with(extra), expected)]);
    }
    for (parts, expected) in [
        (r#"{"type":"text","text":"a","cache_control":{"type":"ephemeral"},"citations":null}"#, Ok("a")),
        (r#"{"type":"document","source":{}},{"type":"text","text":"a"}"#, Err("not-text")),
        (r#"{"type":"tool_result","content":"x"},{"type":"text","text":"a"}"#, Err("tools")),
        (r#"{"type":"thinking","thinking":"x"}"#, Err("not-text")),
    ] {
        let turn = format!(r#"{{"role":"user","content":[{parts}]}}"#);
        table(Endpoint::Messages, &[(&chat(&turn, ""), expected)]);
    }
}

#[test]
fn gemini_asks_the_last_text_in_either_spelling_but_never_both() {
    let hi = r#"{"role":"user","parts":[{"text":"hi"}]}"#;
    let with = |turns: &str, extra: &str| format!(r#"{{"contents":[{turns}]{extra}}}"#);
    for (turns, extra, expected) in [
        (hi, "", Ok("hi")),
        (r#"{"parts":[{"text":"a"},{"text":"b"}]}"#, "", Ok("b")),
        (
            hi,
            r#","generationConfig":{"topP":1,"responseModalities":["TEXT"]},"safetySettings":[{}]"#,
            Ok("hi"),
        ),
        (hi, r#","generation_config":{"top_p":1},"system_instruction":{"parts":[{"text":"s"}]}"#, Ok("hi")),
        (hi, r#","generationConfig":{},"generation_config":{}"#, Err("duplicate")),
        (hi, r#","generationConfig":{"topP":1,"top_p":1}"#, Err("duplicate")),
        (hi, r#","generationConfig":{"responseModalities":["TEXT","IMAGE"]}"#, Err("not-text")),
        (hi, r#","generationConfig":{"speechConfig":{}}"#, Err("not-text")),
        (hi, r#","generationConfig":{"neverHeardOf":1}"#, Err("parameters")),
        (hi, r#","systemInstruction":{"role":"user","parts":[{"text":"s"}]}"#, Ok("hi")),
        (hi, r#","systemInstruction":{"parts":[{"inlineData":{}}]}"#, Err("not-text")),
        (hi, r#","cachedContent":"c""#, Err("parameters")),
        (hi, r#","toolConfig":{}"#, Err("tools")),
        (hi, r#","tools":[{"googleSearch":{}}]"#, Err("tools")),
        (r#"{"role":"user","parts":[{"text":"a","thoughtSignature":"x"}]}"#, "", Err("not-text")),
        (r#"{"role":"user","parts":[{"inline_data":{}},{"text":"a"}]}"#, "", Err("not-text")),
        (r#"{"role":"model","parts":[{"function_call":{}}]},{"parts":[{"text":"a"}]}"#, "", Err("tools")),
        (
            r#"{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]}"#,
            "",
            Err("prefill"),
        ),
        (r#"{"role":"user","parts":"hi"}"#, "", Err("not-text")),
        (r#"{"role":"system","parts":[{"text":"a"}]}"#, "", Err("not-text")),
    ] {
        table(Endpoint::Generate, &[(&with(turns, extra), expected)]);
    }
}

#[test]
fn the_native_prompt_is_a_question_and_the_other_endpoints_have_none() {
    table(
        Endpoint::Native,
        &[
            (r#"{"prompt":"hi"}"#, Ok("hi")),
            (r#"{"prompt":"hi","model":"m"}"#, Ok("hi")),
            (r#"{"prompt":"hi","session":"s"}"#, Err("parameters")),
            (r#"{"prompt":"hi","prompt":"ho"}"#, Err("duplicate")),
        ],
    );
    let body = r#"{"model":"m","prompt":"x","input":"x","messages":[{"role":"user","content":"x"}],"contents":[{"parts":[{"text":"x"}]}]}"#;
    for endpoint in
        [Endpoint::Completions, Endpoint::Embeddings, Endpoint::CountTokens, Endpoint::GeminiCount]
    {
        table(endpoint, &[(body, Err("endpoint"))]);
    }
}

#[test]
fn a_member_that_stands_twice_is_refused_wherever_it_was_looked_at() {
    for body in [
        r#"{"model":"m","messages":[{"role":"user","content":"a"}],"messages":[{"role":"user","content":"b"}]}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"a"}],"m\u0065ssages":[{"role":"user","content":"b"}]}"#,
        r#"{"model":"m","model":"m","messages":[{"role":"user","content":"a"}]}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"a","content":"b"}]}"#,
        r#"{"model":"m","messages":[{"role":"assistant","role":"user","content":"b"}]}"#,
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a","text":"b"}]}]}"#,
        r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","type":"text","text":"b"}]}]}"#,
        r#"{"model":"m","messages":[{"role":"user","content":"a"}],"tools":[{}],"tools":[]}"#,
    ] {
        let why = outcome(Endpoint::Chat, body).unwrap_err();
        assert!(why == "duplicate" || (why == "tools" && body.contains("tools")), "{why} {body}");
    }
}

#[test]
fn a_question_is_at_most_sixteen_kibibytes_long() {
    let of =
        |text: &str| outcome(Endpoint::Chat, &chat(&format!(r#"{{"role":"user","content":"{text}"}}"#), ""));
    assert_eq!(of(&"x".repeat(MAX_QUESTION)).unwrap().len(), MAX_QUESTION);
    assert_eq!(of(&"x".repeat(MAX_QUESTION + 1)), Err("too-long"));
    assert_eq!(of(&"\\u0041".repeat(MAX_QUESTION)).unwrap().len(), MAX_QUESTION);
    assert_eq!(of(&"\\u0041".repeat(MAX_QUESTION + 1)), Err("too-long"));
    assert_eq!(of(&"x".repeat(1 << 20)), Err("too-long"));
}

#[test]
fn volatile_texts_are_no_questions() {
    let copilot = [("x-initiator", "user")];
    let turn = |text: &str| format!(r#"{{"role":"user","content":"{text}"}}"#);
    let stamp = "<current_datetime>2026-11-20T13:05:00Z</current_datetime> hi";
    let asked = |body: &str| read(Endpoint::Chat, body, &copilot).asked.map(|asked| asked.text);
    assert_eq!(asked(&chat(&turn(stamp), "")), Err("volatile"));
    assert_eq!(
        asked(&chat(&format!("{},{HI}", turn(stamp)), "")),
        Ok("hi".into()),
        "an earlier stamp is rounded"
    );
    let folder = r#"{"role":"system","content":"/session-state/907e8512-a9f8-4e38-b641-440b78cc3531"}"#;
    assert_eq!(asked(&chat(&format!("{folder},{HI}"), "")), Err("volatile"));
    assert!(outcome(Endpoint::Chat, &chat(&turn(stamp), "")).is_ok(), "others mean what they write");
}

#[test]
fn every_table_names_a_member_once_and_fits_the_set_of_those_seen() {
    for dialect in [CHAT, RESPONSES, MESSAGES, GENERATE, NATIVE] {
        for table in [dialect.root, dialect.turn, dialect.part] {
            assert!(table.len() <= 64);
            let names: std::collections::HashSet<&str> = table.iter().map(|(name, _)| *name).collect();
            assert_eq!(names.len(), table.len());
            assert!(!ROOT_DROPS.iter().any(|name| dialect.root.iter().any(|(known, _)| known == name)));
        }
    }
}

#[test]
fn nothing_is_read_unless_asked_for() {
    let head = Gate::default().read(Endpoint::Chat, PathInfo::default(), "", std::iter::empty());
    let body = chat(HI, "");
    let plain = Reading { bucket_secs: 300, ..Reading::default() }.read(&head, body.as_bytes()).unwrap();
    assert_eq!(plain.asked, Err("off"));
    assert_eq!(plain.key, read(Endpoint::Chat, &body, &[]).key, "the key does not depend on it");
}

fn asked(endpoint: Endpoint, body: &str) -> (Key, Key) {
    let request = read(endpoint, body, &[]);
    (request.asked.unwrap().scope, request.key)
}

#[test]
fn headers_endpoint_and_tenant_part_the_scopes_and_dropped_members_do_not() {
    let body = chat(HI, "");
    let mut scopes = vec![
        asked(Endpoint::Chat, &body).0,
        asked(Endpoint::Messages, &body).0,
        asked(Endpoint::Chat, &body).1,
        read(Endpoint::Chat, &body, &[("x-thread-id", "1")]).asked.unwrap().scope,
        read(Endpoint::Chat, &body, &[("x-ghost-mode", "true")]).asked.unwrap().scope,
        read(Endpoint::Chat, &body, &[("openai-beta", "1")]).asked.unwrap().scope,
    ];
    let mut head = Gate::default().read(Endpoint::Chat, PathInfo::default(), "", std::iter::empty());
    head.tenant = [9; 16];
    let reading = Reading { bucket_secs: 300, semantic: true, ..Reading::default() };
    scopes.push(reading.read(&head, body.as_bytes()).unwrap().asked.unwrap().scope);
    for (index, scope) in scopes.iter().enumerate() {
        assert!(!scopes[..index].contains(scope), "{index}");
    }
    for extra in [r#","stream":true"#, r#","user":"u""#, r#","store":true,"metadata":{"user_id":"x"}"#] {
        let bare = if extra.contains("metadata") { r#","metadata":{}"# } else { "" };
        assert_eq!(
            asked(Endpoint::Chat, &chat(HI, extra)).0,
            asked(Endpoint::Chat, &chat(HI, bare)).0,
            "{extra}"
        );
    }
}

#[test]
fn the_place_of_the_question_is_in_the_scope() {
    let parts = |parts: &str| chat(&format!(r#"{{"role":"user","content":[{parts}]}}"#), "");
    let part = |text: &str| format!(r#"{{"type":"text","text":"{text}"}}"#);
    let bodies = [
        chat(HI, ""),
        parts(&part("hi")),
        parts(&format!("{},{}", part("hi"), part("hi"))),
        parts(&format!("{},{}", part("ho"), part("hi"))),
        chat(&format!("{HI},{HI}"), ""),
        chat(&format!(r#"{{"role":"assistant","content":"hi"}},{HI}"#), ""),
        chat(r#"{"role":"user","content":"hi","name":"hi"}"#, ""),
    ];
    let scopes: Vec<Key> = bodies.iter().map(|body| asked(Endpoint::Chat, body).0).collect();
    for (index, scope) in scopes.iter().enumerate() {
        assert!(!scopes[..index].contains(scope), "{}", bodies[index]);
    }
}

proptest! {
    #[test]
    fn another_question_changes_the_key_and_never_the_scope(one in "\\PC{1,40}", other in "\\PC{1,40}") {
        prop_assume!(one != other && !one.trim().is_empty() && !other.trim().is_empty());
        let literal = |text: &str| serde_json::Value::from(text).to_string();
        for (endpoint, open, close) in [
            (Endpoint::Chat, r#"{"model":"m","messages":[{"role":"system","content":"?"},{"role":"user","content":"#, "}]}"),
            (Endpoint::Responses, r#"{"model":"m","input":"#, r#","temperature":1}"#),
            (Endpoint::Messages, r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"?"},{"type":"text","text":"#, "}]}]}"),
            (Endpoint::Generate, r#"{"contents":[{"parts":[{"text":"#, "}]}]}"),
            (Endpoint::Native, r#"{"prompt":"#, "}"),
        ] {
            let (a, b) = (format!("{open}{}{close}", literal(&one)), format!("{open}{}{close}", literal(&other)));
            let (a, b) = (asked(endpoint, &a), asked(endpoint, &b));
            prop_assert_eq!(a.0, b.0);
            prop_assert_ne!(a.1, b.1);
        }
    }
}
