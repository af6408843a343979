//! L1a: the store of complete replies under exact keys.
//!
//! **Policy**: bounded by entries and by bytes at once (an entry weighs at least `max_bytes / max_entries`), evicted by
//! `quick_cache`'s scan-resistant clock; fresh for `ttl`, and after that kept for `stale` as the answer of last resort.
//! **Cost**: one hash-table probe by a 256-bit key; replies are shared, not copied, until they reach Python.
//!
//! A second, small table maps the digest of a body *as it was sent* to the key already computed for it, so that a
//! byte-for-byte repeat is not parsed again. Both digests are BLAKE3 over tenant and scope.
//!
//! An entry may stand under several keys (a question and its other wordings, see [`crate::semantic`]); what removes it under one
//! of them makes it dead under all.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use crate::endpoint::Endpoint;
use crate::request::head::Directives;
use crate::request::{Key, Request, Wants};
use crate::sse::Reply;
use crate::usage::Tokens;
use crate::usage::origins::Origins;

/// What an entry costs besides its bytes: table slot, key, alias, allocation heads.
const OVERHEAD: u64 = 400;

/// What the entries of a store have in common.
#[derive(Debug, Default)]
pub struct Shared {
    /// Where they are from.
    pub origins: Arc<Origins>,
    /// The last number that one of them was given.
    numbers: AtomicU64,
    /// The numbers of those whose last key has gone.
    gone: Mutex<Vec<u64>>,
}

impl Shared {
    /// A number that no entry has had.
    pub fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The numbers of those that have gone since the last call.
    #[must_use]
    pub fn gone(&self) -> Vec<u64> {
        std::mem::take(&mut *self.gone.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Who gave a reply, and what it took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Source {
    /// Provider and model, as a number of [`Origins`].
    pub origin: u32,
    /// What a hit saves.
    pub tokens: Tokens,
}

/// One stored reply.
#[derive(Debug)]
pub struct Entry {
    /// The key that it was stored under.
    pub key: Key,
    /// Whose it is.
    pub tenant: [u8; 16],
    shared: Arc<Shared>,
    /// Under which number to say that it has gone; 0: nobody asks.
    number: AtomicU64,
    /// The reply as JSON; behind it the provider's own events, if it came as a stream.
    bytes: Box<[u8]>,
    /// Where the JSON ends.
    json: u32,
    /// Who gave it, and what a hit saves.
    pub source: Source,
    /// Removed, under whatever key: it may answer nobody.
    pub dead: AtomicBool,
    /// The operation it answers.
    pub endpoint: Endpoint,
    is_stream: bool,
    /// Whether it carries token usage.
    pub has_usage: bool,
    /// Whether the provider keeps it under its id.
    pub stored: bool,
    /// When it was stored, in milliseconds.
    pub at_ms: u64,
}

impl Entry {
    /// The reply as JSON.
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.bytes[..self.json as usize]
    }

    /// The provider's own events, if it came as a stream.
    #[must_use]
    pub fn stream(&self) -> Option<&[u8]> {
        self.is_stream.then(|| &self.bytes[self.json as usize..])
    }

    /// The bytes of the reply in both forms.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The model that was asked.
    #[must_use]
    pub fn model(&self) -> Box<str> {
        self.shared.origins.model(self.source.origin)
    }

    /// Its number, if it has one.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        Some(self.number.load(Ordering::Acquire)).filter(|number| *number > 0)
    }

    /// Gives it its number, under which it will say that it has gone; `false` if it has one already.
    pub fn enlist(&self, number: u64) -> bool {
        self.number.compare_exchange(0, number, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(number) = self.number() {
            self.shared.gone.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        }
    }
}

/// Limits of the store.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most entries.
    pub entries: u64,
    /// Most bytes, replies and overhead together.
    pub bytes: u64,
    /// How long an entry is fresh, in milliseconds.
    pub ttl_ms: u64,
    /// How long it may answer for a failing provider after that, in milliseconds.
    pub stale_ms: u64,
}

/// What was found.
#[derive(Debug, Clone)]
pub enum Found {
    /// A fresh entry that fits, and its age in milliseconds.
    Hit(Arc<Entry>, u64),
    /// Nothing that may be served, and why.
    Miss(Reason),
}

/// Why nothing was served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No entry under this key.
    Absent,
    /// An entry past its time.
    Stale,
    /// An entry older than the client's `max-age`.
    TooOld,
    /// The client asked for a new reply.
    NoCache,
    /// The entry has no token usage and this client needs it.
    WithoutUsage,
    /// The provider did not keep the reply and this client counts on it.
    NotStored,
}

impl Reason {
    /// The value of RFC 9211's `fwd` parameter, and a `detail` where that says too little.
    #[must_use]
    pub const fn cache_status(self) -> &'static str {
        match self {
            Self::Absent => "isartor; fwd=uri-miss",
            Self::Stale => "isartor; fwd=stale",
            Self::TooOld | Self::NoCache => "isartor; fwd=request",
            Self::WithoutUsage => "isartor; fwd=vary-miss; detail=without-usage",
            Self::NotStored => "isartor; fwd=vary-miss; detail=not-kept-by-provider",
        }
    }
}

#[derive(Debug, Clone)]
struct ByBytes {
    least: u64,
}

impl Weighter<Key, Arc<Entry>> for ByBytes {
    fn weight(&self, _: &Key, entry: &Arc<Entry>) -> u64 {
        (entry.len() as u64 + OVERHEAD).max(self.least)
    }
}

/// What a body's digest leads to.
#[derive(Debug, Clone, Copy)]
pub struct Alias {
    /// The key.
    pub key: Key,
    /// The form that body asks for.
    pub wants: Wants,
}

/// The store.
pub struct Exact {
    limits: Limits,
    entries: Cache<Key, Arc<Entry>, ByBytes>,
    aliases: Cache<Key, Alias>,
    shared: Arc<Shared>,
}

impl Exact {
    /// An empty store. `origins`: where replies are from.
    #[must_use]
    pub fn new(limits: Limits, origins: Arc<Origins>) -> Self {
        let count = limits.entries.max(1);
        // A cache takes no entry that fills it to the last byte, so a single one weighs a little less.
        let least = (limits.bytes / count).min(limits.bytes - limits.bytes / 16).max(1);
        let items = usize::try_from(count).unwrap_or(usize::MAX);
        // One shard: the limits hold exactly, and callers are few.
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(items.min(1 << 20))
            .weight_capacity(limits.bytes)
            .build();
        let entries = match options {
            Ok(options) => Cache::with_options(
                options,
                ByBytes { least },
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            Err(_) => Cache::with_weighter(items, limits.bytes, ByBytes { least }),
        };
        let shared = Arc::new(Shared { origins, ..Shared::default() });
        Self { limits, entries, aliases: Cache::new(items.min(1 << 20)), shared }
    }

    /// What its entries have in common.
    #[must_use]
    pub fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// The key that this very body had before, if its entry may still be there.
    #[must_use]
    pub fn alias(&self, digest: &Key) -> Option<Alias> {
        self.aliases.get(digest)
    }

    /// Remembers the key of a body.
    pub fn remember(&self, digest: Key, alias: Alias) {
        self.aliases.insert(digest, alias);
    }

    /// Looks for a reply that may be served to this client now.
    #[must_use]
    pub fn find(&self, key: &Key, wants: &Wants, directives: Directives, now_ms: u64) -> Found {
        if directives.no_cache {
            return Found::Miss(Reason::NoCache);
        }
        let Some(entry) = self.entries.get(key) else {
            return Found::Miss(Reason::Absent);
        };
        let age = now_ms.saturating_sub(entry.at_ms);
        let is_over = age >= self.limits.ttl_ms.saturating_add(self.limits.stale_ms);
        if is_over || entry.dead.load(Ordering::Relaxed) {
            self.entries.remove(key);
        }
        self.servable(entry, wants, directives, now_ms)
    }

    /// Whether an entry may be served to this client now.
    #[must_use]
    pub fn servable(&self, entry: Arc<Entry>, wants: &Wants, directives: Directives, now_ms: u64) -> Found {
        if entry.dead.load(Ordering::Relaxed) {
            return Found::Miss(Reason::Absent);
        }
        if directives.no_cache {
            return Found::Miss(Reason::NoCache);
        }
        let age = now_ms.saturating_sub(entry.at_ms);
        if age >= self.limits.ttl_ms {
            return Found::Miss(Reason::Stale);
        }
        // Two requests may meet within one millisecond, and `max-age=0` still asks for a new reply.
        if directives.max_age.is_some_and(|limit| limit == 0 || age > limit.saturating_mul(1000)) {
            return Found::Miss(Reason::TooOld);
        }
        match unfit(&entry, *wants) {
            Some(reason) => Found::Miss(reason),
            None => Found::Hit(entry, age),
        }
    }

    /// The entry that may stand in for a provider that failed, fresh or not, and its age in milliseconds.
    #[must_use]
    pub fn find_stale(&self, key: &Key, wants: &Wants, now_ms: u64) -> Option<(Arc<Entry>, u64)> {
        let entry = self.entries.get(key)?;
        let age = now_ms.saturating_sub(entry.at_ms);
        let usable =
            self.limits.stale_ms > 0 && age < self.limits.ttl_ms.saturating_add(self.limits.stale_ms);
        let usable = usable && !entry.dead.load(Ordering::Relaxed);
        (usable && unfit(&entry, *wants).is_none()).then_some((entry, age))
    }

    /// Stores a complete reply; `false` if it is larger than the whole store.
    pub fn store(
        &self,
        request: &Request,
        tenant: [u8; 16],
        reply: &Reply,
        source: Source,
        now_ms: u64,
    ) -> bool {
        let Ok(json) = u32::try_from(reply.json.len()) else { return false };
        if self.limits.ttl_ms == 0 {
            return false;
        }
        let Request { key, endpoint, .. } = *request;
        let stream = reply.stream.as_deref();
        let entry = Arc::new(Entry {
            key,
            tenant,
            shared: self.shared(),
            number: AtomicU64::new(0),
            bytes: [reply.json.as_slice(), stream.unwrap_or_default()].concat().into_boxed_slice(),
            json,
            source,
            dead: AtomicBool::new(false),
            endpoint,
            is_stream: stream.is_some(),
            has_usage: reply.facts.usage,
            stored: request.wants.needs_stored,
            at_ms: now_ms,
        });
        self.entries.insert(key, entry);
        self.entries.peek(&key).is_some()
    }

    /// The entry under a key, whatever its state.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    /// Puts an entry under one more key.
    pub fn share(&self, key: Key, entry: Arc<Entry>) {
        self.entries.insert(key, entry);
    }

    /// Removes one entry of a tenant, under all its keys; whether it was there.
    pub fn remove(&self, key: &Key, tenant: &[u8; 16]) -> bool {
        let removed = self.entries.remove_if(key, |entry| entry.tenant == *tenant);
        if let Some((_, entry)) = &removed {
            entry.dead.store(true, Ordering::Relaxed);
            self.entries.remove_if(&entry.key, |other| Arc::ptr_eq(entry, other));
        }
        removed.is_some()
    }

    /// The entries of a tenant, each once, with the number of its keys.
    #[must_use]
    pub fn list(&self, tenant: &[u8; 16]) -> Vec<(Arc<Entry>, usize)> {
        let mut found: HashMap<*const Entry, (Arc<Entry>, usize)> = HashMap::new();
        for (_, entry) in self.entries.iter() {
            if entry.tenant == *tenant && !entry.dead.load(Ordering::Relaxed) {
                found.entry(Arc::as_ptr(&entry)).or_insert((entry, 0)).1 += 1;
            }
        }
        found.into_values().collect()
    }

    /// Removes every entry of a tenant; how many there were.
    pub fn clear(&self, tenant: &[u8; 16]) -> usize {
        let before = self.entries.len();
        self.entries.retain(|_, entry| {
            let is_theirs = entry.tenant == *tenant;
            // Whoever holds it already, to answer another wording with it, shall not bring it back.
            entry.dead.fetch_or(is_theirs, Ordering::Relaxed);
            !is_theirs
        });
        before.saturating_sub(self.entries.len())
    }

    /// Removes what can never be served again; how many there were.
    pub fn purge(&self, now_ms: u64) -> usize {
        let before = self.entries.len();
        let limit = self.limits.ttl_ms.saturating_add(self.limits.stale_ms);
        self.entries.retain(|_, entry| {
            now_ms.saturating_sub(entry.at_ms) < limit && !entry.dead.load(Ordering::Relaxed)
        });
        before.saturating_sub(self.entries.len())
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    /// The weight of all entries in bytes.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.entries.weight()
    }

    /// How long an entry of this age stays fresh, in seconds.
    #[must_use]
    pub fn left_secs(&self, age_ms: u64) -> i64 {
        let left = i128::from(self.limits.ttl_ms) - i128::from(age_ms);
        i64::try_from(left.div_euclid(1000)).unwrap_or(i64::MAX)
    }
}

fn unfit(entry: &Entry, wants: Wants) -> Option<Reason> {
    if wants.needs_usage && !entry.has_usage && has_usage_at_all(entry.endpoint) {
        return Some(Reason::WithoutUsage);
    }
    if wants.needs_stored && !entry.stored {
        return Some(Reason::NotStored);
    }
    None
}

/// Only these surfaces leave usage out of a stream unless asked.
const fn has_usage_at_all(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::Chat | Endpoint::Completions)
}

#[cfg(test)]
mod tests;
