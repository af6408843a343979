//! What Isartor does for every request and every byte.
//!
//! * [`endpoint`]: the wire operations that clients call, and the surfaces they belong to.
//! * [`request`]: reads a request once (headers, body) and says what it asks for and under which key its reply is kept.
//! * [`exact`]: the L1a store.
//! * [`semantic`]: the L1b index, and the verdict on a candidate.
//! * [`sse`]: parses, assembles, and replays streams; decides whether a reply may be stored.
//! * [`stats`]: counters of what was answered where.
//! * [`usage`]: what requests used and saved: events, and sums over the log of them.
//!
//! Nothing in here knows Python, a socket or a clock: bytes, strings and the present moment come from the caller.

pub mod endpoint;
pub mod exact;
pub mod request;
pub mod semantic;
pub mod sse;
pub mod stats;
pub mod usage;
