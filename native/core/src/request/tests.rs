//! The view and the key, against what the surfaces promise.

use super::head::{Gate, PathInfo};
use super::*;

fn head(endpoint: Endpoint, headers: &[(&str, &str)]) -> Head {
    Gate::default().read(endpoint, PathInfo::default(), "", headers.iter().copied())
}

fn read(endpoint: Endpoint, body: &str) -> Result<Request, BadRequest> {
    let aliases = HashMap::from([("fast".into(), "gpt-4o-mini".into())]);
    let reading = Reading { aliases, bucket_secs: 300, ..Reading::default() };
    reading.read(&head(endpoint, &[]), body.as_bytes())
}

fn refused(endpoint: Endpoint, body: &str) -> String {
    read(endpoint, body).unwrap_err().path
}

#[test]
fn a_wrong_body_is_refused_by_the_member_at_fault() {
    assert_eq!(refused(Endpoint::Chat, r#"{"model":"m"}"#), "messages");
    assert_eq!(refused(Endpoint::Chat, r#"{"model":"m","messages":[]}"#), "messages");
    assert_eq!(refused(Endpoint::Chat, r#"{"model":"m","messages":"hi"}"#), "messages");
    assert_eq!(refused(Endpoint::Chat, r#"{"model":"m","messages":[{"content":"x"}]}"#), "messages[0].role");
    assert_eq!(refused(Endpoint::Chat, r#"{"model":5,"messages":[{"role":"user"}]}"#), "model");
    assert_eq!(
        refused(Endpoint::Chat, r#"{"model":"m","stream":"yes","messages":[{"role":"user"}]}"#),
        "stream"
    );
    assert_eq!(
        refused(Endpoint::Messages, r#"{"model":"m","messages":[{"role":"user","content":[1]}]}"#),
        "messages[0].content[0]"
    );
    assert_eq!(refused(Endpoint::Generate, r#"{"contents":[]}"#), "contents");
    assert_eq!(refused(Endpoint::Responses, r#"{"model":"m","input":5}"#), "input");
    assert_eq!(refused(Endpoint::Native, r#"{"prompt":" "}"#), "prompt");
    assert_eq!(refused(Endpoint::Chat, "[1]"), "");
}

#[test]
fn an_alias_shares_the_key_of_its_model_and_is_spliced_in_place() {
    let body = r#"{ "model" : "fast", "messages":[{"role":"user","content":"hi"}]}"#;
    let aliased = read(Endpoint::Chat, body).unwrap();
    let direct = read(Endpoint::Chat, &body.replace("fast", "gpt-4o-mini")).unwrap();
    assert_eq!(aliased.key, direct.key);
    assert_eq!(direct.splice, None);
    let spliced = spliced(body.as_bytes(), aliased.splice.unwrap(), &aliased.model);
    assert_eq!(spliced, body.replace("fast", "gpt-4o-mini").as_bytes());
}

#[test]
fn tenant_namespace_endpoint_and_scope_part_the_keys() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"prompt":"x","input":"y"}"#;
    let reading = Reading { bucket_secs: 300, ..Reading::default() };
    let mut heads = vec![
        head(Endpoint::Chat, &[]),
        head(Endpoint::Completions, &[]),
        head(Endpoint::Messages, &[]),
        head(Endpoint::CountTokens, &[]),
        head(Endpoint::Chat, &[("x-ghost-mode", "true")]),
        head(Endpoint::Chat, &[("x-kiro-version", "1")]),
        head(Endpoint::Chat, &[("x-thread-id", "1")]),
        head(Endpoint::Chat, &[("x-session-id", "1")]),
        head(Endpoint::Chat, &[("openai-beta", "1")]),
    ];
    heads.push(Head { tenant: [9; 16], ..heads[0].clone() });
    let keys: Vec<Key> = heads.iter().map(|head| reading.read(head, body.as_bytes()).unwrap().key).collect();
    for (index, key) in keys.iter().enumerate() {
        assert!(!keys[..index].contains(key), "{index}");
    }
}

#[test]
fn the_form_of_the_reply_is_not_in_the_key_but_in_the_view() {
    let body =
        |extra: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}]{extra}}}"#);
    let json = read(Endpoint::Chat, &body("")).unwrap();
    let stream =
        read(Endpoint::Chat, &body(r#","stream":true,"stream_options":{"include_usage":true}"#)).unwrap();
    assert_eq!(json.key, stream.key);
    assert!(!json.wants.stream && json.wants.needs_usage);
    assert!(stream.wants.stream && stream.wants.include_usage);
    assert!(!read(Endpoint::Chat, &body(r#","stream":true"#)).unwrap().wants.needs_usage);
}

#[test]
fn stateful_responses_are_not_cacheable() {
    let with =
        |extra: &str| read(Endpoint::Responses, &format!(r#"{{"model":"m","input":"hi"{extra}}}"#)).unwrap();
    assert_eq!(with("").uncacheable, None);
    assert_eq!(with(r#","conversation":"conv_1""#).uncacheable, Some("conversation"));
    assert_eq!(with(r#","background":true"#).uncacheable, Some("background"));
    assert_eq!(with(r#","background":false"#).uncacheable, None);
    assert!(with("").wants.needs_stored);
    assert!(!with(r#","store":false"#).wants.needs_stored);
}
