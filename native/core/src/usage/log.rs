//! Events on their way to the log file.
//!
//! **Policy**: at most `capacity` events wait; those that find no room are counted as lost. One event is one line, but where so
//! many wait that the file would grow by megabytes a second ([`MERGED_FROM`]), hits that are alike in all but time and latency
//! share a line that says how many requests it stands for; its tokens and savings are the sums.
//! **Cost**: one short critical section per event; nothing is allocated but the buffer, which grows as needed.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Tokens;
use super::line::Stamp;
use super::origins::{Origin, Origins};

/// As many events make a batch that is written before its time.
pub const BATCH: usize = 4096;
/// From so many on, hits that are alike share a line.
pub const MERGED_FROM: usize = 2048;
/// Room that is kept for the next batch.
const KEPT: usize = 1024;
/// Most labels of tenants.
const TENANTS: usize = 1 << 16;

/// One request that is over.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// When it was over, in milliseconds since 1970.
    pub at_ms: u64,
    /// Provider and model ([`Origins`]).
    pub origin: u32,
    /// Number of its tenant's label.
    pub tenant: u32,
    /// The tool that asked.
    pub tool: &'static str,
    /// The layer that answered.
    pub layer: &'static str,
    /// What it used, or would have used.
    pub tokens: Tokens,
    /// How long it took, in microseconds.
    pub latency_us: u32,
    /// The HTTP status.
    pub status: u16,
    /// No provider was asked for it: its tokens are saved ones.
    pub deflected: bool,
    /// As many requests went like this.
    pub requests: u32,
}

/// What is alike in hits that share a line.
type Alike = (u32, u32, &'static str, &'static str, Tokens, u16);

struct Labels {
    numbers: HashMap<Box<str>, u32>,
    list: Vec<Arc<str>>,
}

/// The buffer.
pub struct Log {
    /// Providers and models, shared with the store of replies.
    pub origins: Arc<Origins>,
    capacity: usize,
    tenants: HashMap<[u8; 16], u32>,
    labels: Mutex<Labels>,
    waiting: Mutex<Vec<Event>>,
    full: Condvar,
    recorded: AtomicU64,
    lost: AtomicU64,
}

impl Log {
    /// An empty buffer. `tenants`: labels by what stands for them in a request's head.
    #[must_use]
    pub fn new(capacity: usize, tenants: impl IntoIterator<Item = ([u8; 16], String)>) -> Self {
        let mut labels = Labels { numbers: HashMap::from([("".into(), 0)]), list: vec!["".into()] };
        let tenants = tenants.into_iter().map(|(tenant, label)| (tenant, labels.number(&label))).collect();
        Self {
            origins: Arc::default(),
            capacity,
            tenants,
            labels: Mutex::new(labels),
            waiting: Mutex::default(),
            full: Condvar::new(),
            recorded: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    /// The number of the label of a request's tenant; 0 if it has none.
    #[must_use]
    pub fn tenant(&self, tenant: &[u8; 16]) -> u32 {
        self.tenants.get(tenant).copied().unwrap_or(0)
    }

    /// The number of a label.
    pub fn label(&self, label: &str) -> u32 {
        lock(&self.labels).number(label)
    }

    /// Takes an event.
    pub fn push(&self, event: Event) {
        self.recorded.fetch_add(u64::from(event.requests), Ordering::Relaxed);
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= self.capacity {
            self.lost.fetch_add(u64::from(event.requests), Ordering::Relaxed);
            return;
        }
        waiting.push(event);
        let is_batch = waiting.len() == BATCH;
        drop(waiting);
        if is_batch {
            self.full.notify_all();
        }
    }

    /// Waits until there is a full batch, or the time is over, or somebody wakes it; whether anything waits.
    pub fn wait(&self, time: Duration) -> bool {
        let waiting = lock(&self.waiting);
        if waiting.len() >= BATCH {
            return true;
        }
        let waited = self.full.wait_timeout(waiting, time);
        !waited.unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }

    /// Ends a wait.
    pub fn wake(&self) {
        // With the lock, so that nobody is between looking and waiting.
        let waiting = lock(&self.waiting);
        self.full.notify_all();
        drop(waiting);
    }

    /// The events that wait.
    #[must_use]
    pub fn pending(&self) -> usize {
        lock(&self.waiting).len()
    }

    /// Requests that were told of, and those of them that found no room.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.recorded.load(Ordering::Relaxed), self.lost.load(Ordering::Relaxed))
    }

    /// Takes what waits out, as lines; at most about `most` bytes of them, oldest first.
    #[must_use]
    pub fn drain(&self, most: usize) -> Vec<u8> {
        let events = {
            let mut waiting = lock(&self.waiting);
            let room = waiting.len().min(KEPT);
            std::mem::replace(&mut *waiting, Vec::with_capacity(room))
        };
        let merged = if events.len() >= MERGED_FROM { merge(&events) } else { whole(&events) };
        let labels = lock(&self.labels).list.clone();
        let mut lines = Lines { log: self, labels, origins: HashMap::new(), out: Vec::new() };
        let mut rest = merged.iter();
        for group in rest.by_ref() {
            lines.write(group);
            if lines.out.len() >= most {
                break;
            }
        }
        let left: Vec<Event> = rest.map(Group::event).collect();
        if !left.is_empty() {
            let mut waiting = lock(&self.waiting);
            let room = self.capacity.saturating_sub(waiting.len());
            let dropped: u64 = left.iter().skip(room).map(|event| u64::from(event.requests)).sum();
            self.lost.fetch_add(dropped, Ordering::Relaxed);
            waiting.splice(0..0, left.into_iter().take(room));
        }
        lines.out
    }
}

impl Labels {
    fn number(&mut self, label: &str) -> u32 {
        if let Some(number) = self.numbers.get(label) {
            return *number;
        }
        let next = self.list.len();
        let Some(number) = u32::try_from(next).ok().filter(|_| next < TENANTS) else { return 0 };
        self.numbers.insert(label.into(), number);
        self.list.push(label.into());
        number
    }
}

/// Events that share a line.
struct Group {
    first: Event,
    requests: u64,
    latency_us: u64,
}

impl Group {
    fn event(&self) -> Event {
        let mean = self.latency_us / self.requests.max(1);
        Event { latency_us: super::small(mean), requests: super::small(self.requests), ..self.first }
    }
}

fn whole(events: &[Event]) -> Vec<Group> {
    let group = |event: &Event| Group {
        first: *event,
        requests: u64::from(event.requests),
        latency_us: u64::from(event.latency_us) * u64::from(event.requests),
    };
    events.iter().map(group).collect()
}

fn merge(events: &[Event]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<Alike, usize> = HashMap::new();
    for group in whole(events) {
        let Event { origin, tenant, tool, layer, tokens, status, deflected, .. } = group.first;
        if !deflected {
            groups.push(group);
            continue;
        }
        let place = *places.entry((origin, tenant, tool, layer, tokens, status)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(other) => {
                other.requests += group.requests;
                other.latency_us += group.latency_us;
            }
            None => groups.push(group),
        }
    }
    groups
}

struct Lines<'l> {
    log: &'l Log,
    labels: Vec<Arc<str>>,
    origins: HashMap<u32, Origin>,
    out: Vec<u8>,
}

impl Lines<'_> {
    fn write(&mut self, group: &Group) {
        let event = &group.first;
        let log = self.log;
        let origin = self.origins.entry(event.origin).or_insert_with(|| {
            let none = || Origin { provider: "".into(), model: "".into(), rates: None };
            log.origins.get(event.origin).unwrap_or_else(none)
        });
        let tenant = self.labels.get(event.tenant as usize).map_or("", |label| label);
        let out = &mut self.out;
        let requests = group.requests;
        let sum = |tokens: u32| u64::from(tokens).saturating_mul(requests);
        let tokens = &event.tokens;
        #[allow(clippy::cast_precision_loss)] // a price
        let cost = origin.rates.unwrap_or_default().cost(tokens) * requests as f64;
        // To the billionth of a dollar.
        let cost = (cost * 1e9).round() / 1e9;
        let (spent, saved) = if event.deflected { (0.0, cost) } else { (cost, 0.0) };
        #[allow(clippy::cast_precision_loss)] // a latency
        let latency = group.latency_us as f64 / requests.max(1) as f64 / 1000.0;
        out.extend_from_slice(b"{\"timestamp\":\"");
        Stamp::of(event.at_ms).write(out);
        out.extend_from_slice(b"\",\"provider\":");
        quoted(out, &origin.provider);
        out.extend_from_slice(b",\"model\":");
        quoted(out, &origin.model);
        // Writing into memory does not fail.
        let _ = write!(
            out,
            concat!(
                ",\"prompt_tokens\":{},\"completion_tokens\":{},\"total_tokens\":{},\"cached_tokens\":{},",
                "\"cache_write_tokens\":{},\"reasoning_tokens\":{},\"estimated\":{},\"estimated_cost_usd\":{},",
                "\"estimated_saved_cost_usd\":{},\"final_layer\":\"{}\",\"deflected\":{},\"tenant\":"
            ),
            sum(tokens.input),
            sum(tokens.output),
            sum(tokens.input).saturating_add(sum(tokens.output)),
            sum(tokens.cached),
            sum(tokens.cache_write),
            sum(tokens.reasoning),
            tokens.estimated,
            spent,
            saved,
            event.layer,
            event.deflected,
        );
        quoted(out, tenant);
        let _ = write!(
            out,
            ",\"tool\":\"{}\",\"status\":{},\"latency_ms\":{:.3}",
            event.tool, event.status, latency
        );
        if requests != 1 {
            let _ = write!(out, ",\"requests\":{requests}");
        }
        out.extend_from_slice(b"}\n");
    }
}

fn quoted(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here is ever half-written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
