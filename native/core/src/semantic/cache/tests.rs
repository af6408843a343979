use super::*;
use crate::endpoint::Endpoint;
use crate::exact::{Limits, Source};
use crate::request::Request;
use crate::semantic::fixtures::{read, verifier};
use crate::sse::{Facts, Reply, Usage};

const ME: [u8; 16] = [1; 16];
const HOME: Key = [9; 32];
const LIMITS: Limits = Limits { entries: 10, bytes: 100_000, ttl_ms: 1000, stale_ms: 1000 };

struct World {
    exact: Exact,
    verifier: Arc<Verifier>,
    semantic: Semantic,
}

impl World {
    fn new() -> Self {
        let verifier = Arc::new(verifier());
        let exact = Exact::new(LIMITS, Arc::default());
        let semantic = Semantic::new(&exact, Arc::clone(&verifier), 4).unwrap();
        Self { exact, verifier, semantic }
    }

    /// Stores a reply under a key.
    fn store(&self, key: u8) {
        let request = Request {
            endpoint: Endpoint::Chat,
            model: String::new(),
            splice: None,
            wants: Wants::default(),
            key: [key; 32],
            uncacheable: None,
            masked: Vec::new(),
            asked: Err("off"),
        };
        let facts = Facts { usage: true, stored: false };
        let reply = Reply { json: vec![b'x'; 10], stream: None, facts, usage: Usage::default() };
        assert!(self.exact.store(&request, ME, &reply, Source::default(), 0));
    }

    /// Stores a reply under a key and keeps its question.
    fn keep(&self, key: u8, scope: &Key, question: &str, embedding: &[f32]) {
        self.store(key);
        let subject = read(&self.verifier, question);
        assert!(self.semantic.keep(&self.exact, scope, &[key; 32], &subject, embedding).unwrap());
    }

    fn find(&self, scope: &Key, question: &str, now_ms: u64, directives: Directives) -> Option<Candidate> {
        let (key, wants) = ([200; 32], Wants::default());
        let search = Search { scope, key: &key, wants: &wants, directives, now_ms };
        let subject = read(&self.verifier, question);
        self.semantic.find(&self.exact, search, &subject, &[1.0, 0.0, 0.0, 0.0]).unwrap()
    }

    fn finds(&self) -> Option<u8> {
        self.find(&HOME, "delete the cat", 0, Directives::default()).map(|candidate| candidate.entry.key[0])
    }
}

#[test]
fn a_question_is_proposed_within_its_scope_and_not_from_afar() {
    let world = World::new();
    world.keep(1, &HOME, "remove a cat", &[1.0, 0.1, 0.0, 0.0]);
    assert_eq!(world.finds(), Some(1));
    assert!(world.find(&[8; 32], "delete the cat", 0, Directives::default()).is_none());
    let far = World::new();
    far.keep(1, &HOME, "remove a cat", &[0.4, 1.0, 0.0, 0.0]);
    assert_eq!(far.finds(), None);
}

#[test]
fn only_what_may_be_served_now_is_proposed() {
    let world = World::new();
    world.keep(1, &HOME, "remove a cat", &[1.0, 0.0, 0.0, 0.0]);
    let at = |now_ms, directives| world.find(&HOME, "delete the cat", now_ms, directives).is_some();
    assert!(at(999, Directives::default()));
    assert!(!at(1000, Directives::default()), "stale");
    assert!(!at(0, Directives { no_cache: true, ..Directives::default() }));
    assert!(!at(0, Directives { max_age: Some(0), ..Directives::default() }));
}

#[test]
fn the_best_verdict_wins_and_not_the_nearest_vector() {
    let world = World::new();
    world.keep(1, &HOME, "delete 5 cats", &[1.0, 0.0, 0.0, 0.0]);
    world.keep(2, &HOME, "remove a cat", &[1.0, 0.3, 0.0, 0.0]);
    let found = world.find(&HOME, "delete the cat", 0, Directives::default()).unwrap();
    assert_eq!(
        (found.entry.key[0], found.question.as_str()),
        (2, "remove a cat"),
        "a number forbids the other"
    );
    assert!(found.similarity < 0.99 && found.verdict.score.is_finite());
}

#[test]
fn a_barred_pair_is_not_proposed_again_and_a_wording_is_remembered() {
    let world = World::new();
    world.keep(1, &HOME, "remove a cat", &[1.0, 0.0, 0.0, 0.0]);
    let found = world.find(&HOME, "delete the cat", 0, Directives::default()).unwrap();
    world.semantic.shared([200; 32], &found);
    assert_eq!(world.semantic.wording(&[200; 32]).map(|wording| wording.of), Some([1; 32]));
    assert_eq!(world.semantic.question(&found.entry).as_deref(), Some("remove a cat"));
    world.semantic.bar([200; 32], [1; 32]);
    assert_eq!(world.finds(), None);
}

#[test]
fn an_entry_that_leaves_the_store_takes_its_question_with_it() {
    let world = World::new();
    for key in 0..60 {
        world.keep(key, &HOME, "remove a cat", &[1.0, f32::from(key) / 100.0, 0.0, 0.0]);
    }
    world.semantic.sweep();
    assert_eq!(world.semantic.len(), world.exact.len(), "what was evicted is gone");
    world.exact.clear(&ME);
    assert_eq!(world.finds(), None);
    assert!(world.semantic.is_empty());
    assert_eq!(world.semantic.scopes(), 0);
    assert_eq!(world.semantic.bytes(), world.semantic.index.bytes(), "nothing but the index's own tables");
}

#[test]
fn what_is_removed_under_its_second_wording_is_never_proposed_again() {
    let world = World::new();
    world.keep(1, &HOME, "remove a cat", &[1.0, 0.0, 0.0, 0.0]);
    let found = world.find(&HOME, "delete the cat", 0, Directives::default()).unwrap();
    world.exact.share([200; 32], Arc::clone(&found.entry));
    world.exact.share([201; 32], Arc::clone(&found.entry));
    assert!(world.exact.remove(&[200; 32], &ME));
    assert_eq!(world.finds(), None, "though it still stands under a third key and is held here");
    drop(found);
    world.exact.purge(0);
    world.semantic.sweep();
    assert!(world.semantic.is_empty());
}

#[test]
fn a_question_is_kept_once_and_only_while_its_reply_is_there() {
    let world = World::new();
    let subject = read(&world.verifier, "remove a cat");
    let keep = |embedding: &[f32]| world.semantic.keep(&world.exact, &HOME, &[1; 32], &subject, embedding);
    assert_eq!(keep(&[1.0, 0.0, 0.0, 0.0]), Ok(false), "no reply");
    world.keep(1, &HOME, "remove a cat", &[1.0, 0.0, 0.0, 0.0]);
    assert_eq!(keep(&[1.0, 0.0, 0.0, 0.0]), Ok(true));
    assert_eq!(world.semantic.len(), 1);
}

#[test]
fn an_embedding_of_another_dimension_is_refused_and_the_right_one_taken_after_it() {
    let world = World::new();
    world.store(1);
    let subject = read(&world.verifier, "remove a cat");
    let keep = |embedding: &[f32]| world.semantic.keep(&world.exact, &HOME, &[1; 32], &subject, embedding);
    assert!(keep(&[1.0]).is_err());
    assert_eq!(keep(&[1.0, 0.0, 0.0, 0.0]), Ok(true));
    assert_eq!(world.finds(), Some(1));
}
