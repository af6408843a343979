//! Counts what was answered where: totals per layer, surface, client and tool, and a ring of the latest requests.
//!
//! **Cost**: a handful of additions under one lock; nothing is allocated once a tool has been seen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many of the latest requests are kept.
pub const RECENT: usize = 200;

/// One answered request.
#[derive(Debug, Clone)]
pub struct Answered {
    /// When, in milliseconds since the epoch.
    pub at_ms: u64,
    /// Where it came in: `gateway` (later also `proxy`).
    pub surface: &'static str,
    /// What kind of client: the cache namespace, `direct` for the native surface.
    pub client: &'static str,
    /// Whose API it spoke: `openai`, `anthropic`, `gemini`, `native`.
    pub family: &'static str,
    /// The operation's path.
    pub route: String,
    /// The tool that asked.
    pub tool: &'static str,
    /// Start of the cache key, if there was one.
    pub prompt_hash: Option<[u8; 8]>,
    /// The layer that answered: `l0`, `l1a`, `l3`, …
    pub layer: &'static str,
    /// Whether no provider was asked.
    pub deflected: bool,
    /// From the head's arrival to the reply's first byte, in microseconds.
    pub latency_us: u64,
    /// The HTTP status.
    pub status: u16,
    /// The client's own retry count, if it says so.
    pub retry: bool,
}

/// Totals of one tool.
#[derive(Debug, Clone, Copy, Default)]
pub struct ToolCounts {
    /// Requests.
    pub requests: u64,
    /// Answered by L1a.
    pub l1a_hits: u64,
    /// Answered by L1b.
    pub l1b_hits: u64,
    /// Went past L1a to a provider.
    pub l1a_misses: u64,
    /// Sum of latencies in microseconds.
    pub latency_us: u64,
    /// Requests that the client itself called a retry.
    pub retries: u64,
    /// Replies with a status of 400 or more.
    pub errors: u64,
}

/// All totals.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// Requests on a prompt surface.
    pub prompts: u64,
    /// Of these, answered without a provider.
    pub deflected: u64,
    /// By layer.
    pub by_layer: BTreeMap<&'static str, u64>,
    /// By where they came in.
    pub by_surface: BTreeMap<&'static str, u64>,
    /// By kind of client.
    pub by_client: BTreeMap<&'static str, u64>,
    /// By tool.
    pub by_tool: BTreeMap<&'static str, ToolCounts>,
}

#[derive(Default)]
struct Inner {
    totals: Totals,
    recent: VecDeque<Answered>,
}

/// The counters.
#[derive(Default)]
pub struct Stats {
    inner: Mutex<Inner>,
}

impl Stats {
    /// Counts one request.
    pub fn record(&self, answered: Answered) {
        let mut inner = self.lock();
        let totals = &mut inner.totals;
        totals.prompts += 1;
        totals.deflected += u64::from(answered.deflected);
        *totals.by_layer.entry(answered.layer).or_default() += 1;
        *totals.by_surface.entry(answered.surface).or_default() += 1;
        *totals.by_client.entry(answered.client).or_default() += 1;
        let tool = totals.by_tool.entry(answered.tool).or_default();
        tool.requests += 1;
        tool.l1a_hits += u64::from(answered.layer == "l1a" && answered.deflected);
        tool.l1b_hits += u64::from(answered.layer == "l1b" && answered.deflected);
        tool.l1a_misses += u64::from(answered.layer == "l3");
        tool.latency_us += answered.latency_us;
        tool.retries += u64::from(answered.retry);
        tool.errors += u64::from(answered.status >= 400);
        if inner.recent.len() == RECENT {
            inner.recent.pop_front();
        }
        inner.recent.push_back(answered);
    }

    /// A copy of the totals.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.lock().totals.clone()
    }

    /// The latest requests, newest first.
    #[must_use]
    pub fn recent(&self, limit: usize) -> Vec<Answered> {
        self.lock().recent.iter().rev().take(limit).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Counters are never half-written in a way that matters.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(layer: &'static str, status: u16) -> Answered {
        Answered {
            at_ms: 0,
            surface: "gateway",
            client: "openai",
            family: "openai",
            route: "/v1/chat/completions".into(),
            tool: "codex",
            prompt_hash: None,
            layer,
            deflected: layer != "l3",
            latency_us: 10,
            status,
            retry: false,
        }
    }

    #[test]
    fn every_request_is_counted_once_in_each_table() {
        let stats = Stats::default();
        stats.record(answered("l1a", 200));
        stats.record(answered("l1b", 200));
        stats.record(answered("l3", 502));
        let totals = stats.totals();
        assert_eq!((totals.prompts, totals.deflected), (3, 2));
        assert_eq!(totals.by_layer["l3"], 1);
        let tool = totals.by_tool["codex"];
        assert_eq!(
            (tool.requests, tool.l1a_hits, tool.l1b_hits, tool.l1a_misses, tool.errors, tool.latency_us),
            (3, 1, 1, 1, 1, 30)
        );
    }

    #[test]
    fn the_latest_requests_are_kept_newest_first() {
        let stats = Stats::default();
        for status in 0..300 {
            stats.record(answered("l3", status));
        }
        let recent = stats.recent(usize::MAX);
        assert_eq!(recent.len(), RECENT);
        assert_eq!(recent[0].status, 299);
    }
}
