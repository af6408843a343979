use super::*;
use crate::sse::Facts;

const LIMITS: Limits = Limits { entries: 10, bytes: 100_000, ttl_ms: 1000, stale_ms: 0 };
const ME: [u8; 16] = [1; 16];

fn reply(size: usize, usage: bool, stream: bool) -> Reply {
    Reply {
        json: vec![b'x'; size],
        stream: stream.then(|| vec![b'y'; size]),
        facts: Facts { usage, stored: false },
        usage: crate::sse::Usage::default(),
    }
}

fn request(key: u8) -> Request {
    Request {
        endpoint: Endpoint::Chat,
        model: String::new(),
        splice: None,
        wants: Wants { needs_stored: true, ..Wants::default() },
        key: [key; 32],
        uncacheable: None,
        masked: Vec::new(),
        asked: Err("off"),
    }
}

fn put(store: &Exact, key: u8, now: u64) {
    store.store(&request(key), ME, &reply(10, true, false), Source::default(), now);
}

fn find(store: &Exact, key: u8, now: u64) -> Result<u64, Reason> {
    match store.find(&[key; 32], &Wants::default(), Directives::default(), now) {
        Found::Hit(_, age) => Ok(age),
        Found::Miss(reason) => Err(reason),
    }
}

#[test]
fn an_entry_is_found_until_its_time_is_over() {
    let store = Exact::new(LIMITS, Arc::default());
    assert_eq!(find(&store, 1, 0), Err(Reason::Absent));
    put(&store, 1, 100);
    assert_eq!(find(&store, 1, 1099), Ok(999));
    assert_eq!(find(&store, 1, 1100), Err(Reason::Stale));
    assert_eq!(store.len(), 0, "what can never be served again is gone");
}

#[test]
fn a_stale_entry_answers_only_for_a_failing_provider() {
    let store = Exact::new(Limits { stale_ms: 500, ..LIMITS }, Arc::default());
    put(&store, 1, 0);
    assert_eq!(find(&store, 1, 1200), Err(Reason::Stale));
    assert!(store.find_stale(&[1; 32], &Wants::default(), 1200).is_some());
    assert!(store.find_stale(&[1; 32], &Wants::default(), 1500).is_none());
}

#[test]
fn entries_are_bounded_by_count_and_by_bytes() {
    let store = Exact::new(LIMITS, Arc::default());
    for key in 0..50 {
        put(&store, key, 0);
    }
    assert_eq!(store.len(), 10);
    for key in 0..50 {
        store.store(&request(key), ME, &reply(30_000, true, false), Source::default(), 0);
    }
    assert!(store.weight() <= LIMITS.bytes, "{}", store.weight());
    assert!(store.len() <= 3);
    assert!(!store.store(&request(99), ME, &reply(200_000, true, false), Source::default(), 0));
}

#[test]
fn a_store_of_one_entry_holds_one() {
    let store = Exact::new(Limits { entries: 1, ..LIMITS }, Arc::default());
    for key in 0..5 {
        put(&store, key, 0);
    }
    assert_eq!(store.len(), 1);
}

#[test]
fn the_client_may_ask_for_younger_or_new_replies() {
    let store = Exact::new(LIMITS, Arc::default());
    put(&store, 1, 0);
    let find = |directives| match store.find(&[1; 32], &Wants::default(), directives, 900) {
        Found::Hit(..) => None,
        Found::Miss(reason) => Some(reason),
    };
    assert_eq!(find(Directives { max_age: Some(0), ..Directives::default() }), Some(Reason::TooOld));
    assert_eq!(find(Directives { max_age: Some(1), ..Directives::default() }), None);
    assert_eq!(find(Directives { no_cache: true, ..Directives::default() }), Some(Reason::NoCache));
}

#[test]
fn a_client_that_needs_usage_does_not_get_a_reply_without() {
    let store = Exact::new(LIMITS, Arc::default());
    store.store(&request(1), ME, &reply(10, false, true), Source::default(), 0);
    let json = Wants { needs_usage: true, ..Wants::default() };
    assert!(matches!(
        store.find(&[1; 32], &json, Directives::default(), 0),
        Found::Miss(Reason::WithoutUsage)
    ));
    assert_eq!(find(&store, 1, 0), Ok(0));
}

#[test]
fn what_is_removed_under_one_key_is_gone_under_all_and_says_so() {
    let store = Exact::new(LIMITS, Arc::default());
    for removed in [1, 2] {
        put(&store, 1, 0);
        let entry = store.get(&[1; 32]).unwrap();
        let number = store.shared().number();
        assert!(entry.enlist(number));
        assert!(!entry.enlist(number + 1));
        store.share([2; 32], entry);
        assert_eq!(find(&store, 2, 0), Ok(0));
        assert_eq!(store.list(&ME).iter().map(|(_, keys)| *keys).collect::<Vec<_>>(), [2]);
        assert!(store.remove(&[removed; 32], &ME));
        assert_eq!((find(&store, 1, 0), find(&store, 2, 0)), (Err(Reason::Absent), Err(Reason::Absent)));
        assert_eq!(store.shared().gone(), [number]);
    }
}

#[test]
fn an_entry_is_small() {
    // There are as many as there is room for: what is added here is paid for that many times.
    assert!(size_of::<Entry>() <= 128, "{}", size_of::<Entry>());
}

#[test]
fn both_forms_of_a_reply_lie_side_by_side() {
    let store = Exact::new(LIMITS, Arc::default());
    for (key, stream, bytes) in [(1, None, 10), (2, Some(""), 10), (3, Some("yy"), 12)] {
        let reply = Reply { stream: stream.map(Into::into), ..reply(10, true, false) };
        assert!(store.store(&request(key), ME, &reply, Source::default(), 0));
        let entry = store.get(&[key; 32]).unwrap();
        assert_eq!((entry.json(), entry.len()), (&[b'x'; 10][..], bytes));
        assert_eq!(entry.stream(), stream.map(str::as_bytes));
    }
}

#[test]
fn only_its_own_tenant_can_remove_an_entry() {
    let store = Exact::new(LIMITS, Arc::default());
    put(&store, 1, 0);
    assert!(!store.remove(&[1; 32], &[2; 16]));
    assert_eq!(store.clear(&[2; 16]), 0);
    assert!(store.remove(&[1; 32], &ME));
    put(&store, 2, 0);
    assert_eq!(store.clear(&ME), 1);
}
