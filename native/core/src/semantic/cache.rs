//! The questions of stored replies, by scope: what L1b proposes and the verdict decides on.
//!
//! **Policy**: a question is kept beside an entry of the exact store for as long as that entry lives; the entry says itself
//! when its last key has gone ([`Shared`]), whatever took it. A search looks at the [`NEAREST`] questions of the same scope
//! that are not too far off, leaves out those whose reply could not be served to this client now, and judges the others.
//! **Cost** per entry: its vector (about 430 bytes at 384 dimensions), its text, about 18 bytes per token, and 100.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};

use quick_cache::sync::Cache;

use super::index::{Index, IndexError, Options};
use super::verdict::{Packed, Subject, Verdict, Verifier};
use crate::exact::{Entry, Exact, Found, Shared};
use crate::request::head::Directives;
use crate::request::{Key, Wants};

/// How many questions a search looks at.
const NEAREST: usize = 4;
/// How many of them are judged.
const JUDGED: usize = 2;
/// Cosine below which the verdict is never in favour, so that it is not asked.
const FLOOR: f32 = 0.5;
/// A score from which on no other is looked for: of the pairs that reach it, hardly one in three hundred is wrong.
const SURE: f32 = 3.0;
/// Pairs that are never proposed again, and second wordings whose first is known: as many are remembered.
const REMEMBERED: usize = 1 << 16;

/// Questions of stored replies.
pub struct Semantic {
    verifier: Arc<Verifier>,
    index: Index,
    kept: RwLock<HashMap<u64, Kept>>,
    shared: Arc<Shared>,
    barred: Cache<(Key, Key), ()>,
    wordings: Cache<Key, Wording>,
}

/// A question, in one piece of memory: its text, its tokens, and the verifier's own sentence embedding where the index
/// holds another model's.
struct Kept {
    entry: Weak<Entry>,
    bytes: Box<[u8]>,
    text: u32,
    tokens: u32,
}

impl Kept {
    fn new(entry: &Arc<Entry>, question: &Subject, with_sentence: bool) -> Option<Self> {
        let (text, tokens) = (question.text.as_bytes(), question.packed().as_bytes());
        let sentence = if with_sentence { question.sentence.as_slice() } else { &[] };
        let mut bytes = Vec::with_capacity(text.len() + tokens.len() + sentence.len() * 4);
        bytes.extend_from_slice(text);
        bytes.extend_from_slice(tokens);
        bytes.extend(sentence.iter().flat_map(|number| number.to_le_bytes()));
        let (text, tokens) = (u32::try_from(text.len()).ok()?, u32::try_from(tokens.len()).ok()?);
        Some(Self { entry: Arc::downgrade(entry), bytes: bytes.into(), text, tokens })
    }

    fn parts(&self) -> (&str, &[u8], &[u8]) {
        let (text, rest) = self.bytes.split_at(self.text as usize);
        let (tokens, sentence) = rest.split_at(self.tokens as usize);
        (std::str::from_utf8(text).unwrap_or_default(), tokens, sentence)
    }
}

/// A stored reply that may answer, and what the verdict is.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The stored reply.
    pub entry: Arc<Entry>,
    /// The question it answered.
    pub question: String,
    /// How near the two are in the index's space.
    pub similarity: f32,
    /// The verdict.
    pub verdict: Verdict,
}

/// A second wording that was answered with an entry.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wording {
    /// The entry's own key.
    pub of: Key,
    /// How near the two questions are.
    pub similarity: f32,
    /// The verdict's log odds.
    pub score: f32,
}

/// What a search is for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'s> {
    /// The request's scope.
    pub scope: &'s Key,
    /// The request's key.
    pub key: &'s Key,
    /// What the reply must carry or be.
    pub wants: &'s Wants,
    /// What the client says of caches.
    pub directives: Directives,
    /// The present moment.
    pub now_ms: u64,
}

impl Semantic {
    /// An empty index of vectors of so many dimensions, over a store that no other index is over.
    ///
    /// # Errors
    /// The dimension is impossible.
    pub fn new(exact: &Exact, verifier: Arc<Verifier>, dimension: usize) -> Result<Self, IndexError> {
        Ok(Self {
            verifier,
            index: Index::new(Options { dimension, ..Options::default() })?,
            kept: RwLock::default(),
            shared: exact.shared(),
            barred: Cache::new(REMEMBERED),
            wordings: Cache::new(REMEMBERED),
        })
    }

    /// The stored reply whose question is judged best, if there is any in this scope that may be served now.
    ///
    /// # Errors
    /// The embedding has another dimension or no direction.
    pub fn find(
        &self,
        exact: &Exact,
        search: Search<'_>,
        question: &Subject,
        embedding: &[f32],
    ) -> Result<Option<Candidate>, IndexError> {
        self.sweep();
        let mut best: Option<Candidate> = None;
        let mut judged = 0;
        for near in self.index.nearest(search.scope, embedding, NEAREST)? {
            let is_sure = best.as_ref().is_some_and(|best| best.verdict.score >= SURE);
            if near.cosine < FLOOR || judged == JUDGED || is_sure {
                break;
            }
            let Some((entry, subject)) = self.subject(near.id) else { continue };
            if self.barred.get(&(*search.key, entry.key)).is_some() {
                continue;
            }
            let found = exact.servable(entry, search.wants, search.directives, search.now_ms);
            let Found::Hit(entry, _) = found else { continue };
            judged += 1;
            // Where the index holds the verifier's own embeddings, their cosine is known already.
            let similarity = match (question.sentence.as_slice(), subject.sentence.as_slice()) {
                (_, []) => near.cosine,
                (x, y) => x.iter().zip(y).map(|(x, y)| x * y).sum(),
            };
            let verdict = self.verifier.judge(&subject, question, similarity);
            if best.as_ref().is_none_or(|best| verdict.score > best.verdict.score) {
                best = Some(Candidate { entry, question: subject.text, similarity: near.cosine, verdict });
            }
        }
        Ok(best)
    }

    /// Keeps the question of a reply that has just been stored under `key`; whether the store still has it.
    /// `own`: the embedding is the verifier's own sentence embedding.
    ///
    /// # Errors
    /// The embedding has another dimension or no direction.
    pub fn keep(
        &self,
        exact: &Exact,
        scope: &Key,
        key: &Key,
        question: &Subject,
        embedding: &[f32],
    ) -> Result<bool, IndexError> {
        self.sweep();
        let Some(entry) = exact.get(key) else { return Ok(false) };
        if entry.number().is_some() {
            return Ok(true); // kept already
        }
        let id = self.shared.number();
        self.index.insert(scope, id, embedding)?;
        let Some(kept) = Kept::new(&entry, question, question.sentence != embedding) else {
            self.index.remove(id);
            return Ok(false); // longer than any question
        };
        self.kept.write().unwrap_or_else(PoisonError::into_inner).insert(id, kept);
        if !entry.enlist(id) {
            self.forget(&[id]); // another thread was faster
        }
        Ok(true)
    }

    /// An entry has answered another wording, which is its second key from now on.
    pub fn shared(&self, key: Key, candidate: &Candidate) {
        let Candidate { entry, similarity, verdict, .. } = candidate;
        self.wordings.insert(key, Wording { of: entry.key, similarity: *similarity, score: verdict.score });
    }

    /// The first wording behind a second one's key, and how it was judged.
    #[must_use]
    pub fn wording(&self, key: &Key) -> Option<Wording> {
        self.wordings.get(key)
    }

    /// This pair is never proposed again.
    pub fn bar(&self, key: Key, of: Key) {
        self.barred.insert((key, of), ());
    }

    /// The question that an entry answered.
    #[must_use]
    pub fn question(&self, entry: &Entry) -> Option<String> {
        let id = entry.number()?;
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(&id).map(|kept| kept.parts().0.to_owned())
    }

    /// Forgets the questions of replies that have gone.
    pub fn sweep(&self) {
        let gone = self.shared.gone();
        if !gone.is_empty() {
            self.forget(&gone);
        }
    }

    fn forget(&self, gone: &[u64]) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        for id in gone {
            kept.remove(id);
            self.index.remove(*id);
        }
        if kept.len() * 4 < kept.capacity() {
            let room = kept.len() * 2;
            kept.shrink_to(room);
        }
    }

    /// How many questions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// How many scopes have questions.
    #[must_use]
    pub fn scopes(&self) -> usize {
        self.index.scopes()
    }

    /// What the questions take in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        // An allocation has a head of its own.
        let own = |kept: &Kept| kept.bytes.len() + 16;
        let table = kept.capacity() * (size_of::<(u64, Kept)>() + 1);
        self.index.bytes() + table + kept.values().map(own).sum::<usize>()
    }

    fn subject(&self, id: u64) -> Option<(Arc<Entry>, Subject)> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&id)?;
        let entry = found.entry.upgrade()?;
        let (text, tokens, sentence) = found.parts();
        let (text, packed) = (text.to_owned(), Packed::from(tokens));
        let sentence = sentence.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
        drop(kept);
        Some((entry, self.verifier.unpack(&text, packed, sentence)))
    }
}

#[cfg(test)]
mod tests;
