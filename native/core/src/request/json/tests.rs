//! The reader against the RFC and against `serde_json`.

use proptest::prelude::*;

use super::*;

fn path(body: &str) -> (String, &'static str) {
    let error = parse(body.as_bytes()).unwrap_err();
    (error.path, error.what)
}

#[test]
fn an_error_names_the_member_it_stands_in() {
    assert_eq!(path(r#"{"messages":[{"role":"user","content":tru}]}"#).0, "messages[0].content");
    assert_eq!(path(r#"{"a":{"b":[1,2,}]}}"#), ("a.b[2]".into(), "expected a value"));
    assert_eq!(path(r#"{"a" 1}"#).0, "a");
    assert_eq!(path(""), (String::new(), "unexpected end of the body"));
    assert_eq!(path("{} x").1, "unexpected text after the end of the body");
}

#[test]
fn nesting_is_read_to_128_and_no_further() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    let deeper = nested(MAX_DEPTH + 1);
    assert_eq!(parse(deeper.as_bytes()).unwrap_err().what, "nested deeper than 128");
    assert!(parse("[".repeat(1_000_000).as_bytes()).is_err());
}

#[test]
fn invalid_utf8_is_refused_with_its_offset() {
    let error = parse(b"{\"a\":\"\xff\"}").unwrap_err();
    assert_eq!((error.what, error.offset), ("the body is not valid UTF-8", 6));
}

#[test]
fn escapes_resolve_and_lone_surrogates_stay_apart() {
    let text = |body: &str| match parse(body.as_bytes()).unwrap().kind {
        Kind::String(text) => text.bytes().into_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(text(r#""\u00e9\n\"\\\/""#), "é\n\"\\/".as_bytes());
    assert_eq!(text(r#""\ud83d\ude00""#), "😀".as_bytes());
    assert_eq!(text(r#""\ud83d""#), [0xed, 0xa0, 0xbd]);
    assert_ne!(text(r#""\ud83d""#), text(r#""\ufffd""#));
    assert_eq!(text(r#""\ud83dx""#), [0xed, 0xa0, 0xbd, b'x']);
}

proptest! {
    #[test]
    fn accepts_and_refuses_what_serde_json_does(body in "[\\[\\]{}:,\"a-c0-9eE.+\\-truefalsn \\\\/u]{0,40}") {
        let ours = parse(body.as_bytes()).is_ok();
        let theirs = serde_json::from_str::<Box<serde_json::value::RawValue>>(&body).is_ok();
        // serde_json refuses lone surrogates when it decodes; skipping over a raw value it does not look at them.
        prop_assert_eq!(ours, theirs, "{}", body);
    }

    #[test]
    fn random_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&body);
    }

    #[test]
    fn strings_mean_what_serde_json_says(text in any::<String>()) {
        let body = serde_json::to_string(&text).unwrap();
        let node = parse(body.as_bytes()).unwrap();
        prop_assert_eq!(&*node.text().unwrap().bytes(), text.as_bytes());
        prop_assert_eq!((node.start, node.end), (0, body.len()));
    }
}
