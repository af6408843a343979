//! What each request used or saved: collected in memory, written as lines, summed up from lines.
//!
//! * [`origins`]: which provider and model a reply is from, as a number, and what its tokens cost.
//! * [`log`]: a bounded buffer of events, and the lines that are made of them.
//! * [`line`]: one line of `usage.jsonl`, read back.
//! * [`rollup`]: sums over many lines.
//!
//! **Cost**: an event is one short critical section (well below a microsecond, nothing allocated); everything else happens where
//! no request waits.

pub mod line;
pub mod log;
pub mod origins;
pub mod rollup;

use crate::sse::Usage;

/// Tokens of one reply, as small as they can be: every stored reply has them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Tokens {
    /// All that were read, `cached` and `cache_write` included.
    pub input: u32,
    /// All that were written, `reasoning` included.
    pub output: u32,
    /// Of `input`, read from the provider's prompt cache.
    pub cached: u32,
    /// Of `input`, written to it.
    pub cache_write: u32,
    /// Of `output`, spent on reasoning.
    pub reasoning: u32,
    /// Counted by us, because the provider told nothing.
    pub estimated: bool,
}

/// A count that is at most as large as a `u32` can be.
#[must_use]
pub fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl From<Usage> for Tokens {
    fn from(usage: Usage) -> Self {
        Self {
            input: small(usage.input),
            output: small(usage.output),
            cached: small(usage.cached),
            cache_write: small(usage.cache_write),
            reasoning: small(usage.reasoning),
            estimated: false,
        }
    }
}
