use proptest::prelude::*;

use super::*;

fn stamp(at_ms: u64) -> String {
    let mut out = Vec::new();
    Stamp::of(at_ms).write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_moment_is_written_as_rfc_3339() {
    assert_eq!(stamp(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(stamp(951_782_400_123), "2000-02-29T00:00:00.123Z");
    assert_eq!(stamp(1_795_273_690_007), "2026-11-21T15:08:10.007Z");
}

#[test]
fn a_moment_may_be_written_otherwise() {
    let line = |time: &str| format!(r#"{{"timestamp": "{time}", "provider": "p", "model": "m"}}"#);
    let at = |time: &str| read(line(time).as_bytes()).map(|line| line.at_secs);
    assert_eq!(at("2026-11-21T15:08:10Z"), Some(1_795_273_690));
    assert_eq!(at("2026-11-21T15:08:10.123456Z"), Some(1_795_273_690));
    assert_eq!(at("2026-11-21T16:08:10.123456+01:00"), Some(1_795_273_690));
    for wrong in ["", "yesterday", "2026-13-21T15:08:10Z", "2026-11-21T25:08:10Z", "1960-11-21T15:08:10Z"] {
        assert_eq!(at(wrong), None, "{wrong}");
    }
}

#[test]
fn members_may_come_in_any_order_and_with_others() {
    let text = r#" { "deflected" : true, "x": {"a": ["}", 1, {"b": "\"]"}]}, "y": null, "z": -1.5e3, "model": "a\"b",
        "prompt_tokens": 12.0, "estimated_cost_usd": 1.5e-7, "tool": null, "timestamp": "2026-11-21T15:08:10Z",
        "provider": "openai"} "#
        .replace('\n', " ");
    let line = read(text.as_bytes()).unwrap();
    assert_eq!((line.model.as_ref(), line.provider.as_ref(), line.tool.as_ref()), ("a\"b", "openai", ""));
    assert_eq!((line.input, line.deflected, line.status, line.requests), (12, true, 200, 1));
    assert!((line.cost - 1.5e-7).abs() < 1e-20);
}

#[test]
fn what_is_cut_or_mended_wrongly_is_refused() {
    let good = r#"{"timestamp":"2026-11-21T15:08:10Z","provider":"p","model":"m","prompt_tokens":1}"#;
    assert!(read(good.as_bytes()).is_some());
    for end in 0..good.len() {
        assert_eq!(read(&good.as_bytes()[..end]), None);
    }
    assert_eq!(read(format!("{good}{good}").as_bytes()), None);
    assert_eq!(read(good.replace(":1", ":-1").as_bytes()), None);
    assert_eq!(read(good.replace("\"p\"", "7").as_bytes()), None);
    assert_eq!(read(b"{}"), None);
    assert_eq!(read(b"\xff\xfe"), None);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(at_ms in 0..253_402_300_000_000_u64) {
        let text = format!(r#"{{"timestamp":"{}","provider":"p","model":"m"}}"#, stamp(at_ms));
        prop_assert_eq!(read(text.as_bytes()).map(|line| line.at_secs), Some(at_ms / 1000));
    }

    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn it_reads_what_a_reader_of_json_reads(
        provider in ".*", tokens in 0..u64::from(u32::MAX), cost in 0.0..1e6_f64, deflected: bool
    ) {
        let value = serde_json::json!({
            "timestamp": "2026-11-21T15:08:10.000Z", "provider": provider, "model": "m",
            "prompt_tokens": tokens, "estimated_cost_usd": cost, "deflected": deflected,
        });
        let text = value.to_string();
        let line = read(text.as_bytes()).unwrap();
        prop_assert_eq!(line.provider.as_ref(), provider.as_str());
        prop_assert_eq!((line.input, line.deflected), (tokens, deflected));
        prop_assert!((line.cost - cost).abs() <= f64::EPSILON * cost);
    }
}
