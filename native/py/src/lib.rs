//! `isartor._native`: a thin binding over `isartor-core` and `isartor-http`. Python's side of it is `_native.pyi`.
//!
//! * `gate`: headers → `Head`
//! * `exact`: body → `Hit` or `Request`; the L1a store
//! * `fixed`: headers of hits that are always the same
//! * `complete`: the reply's bytes → `Complete`, or why it may not be stored
//! * `stats`: counters
//! * `usage`: events on their way to the usage log, and sums over it
//! * `verifier`: questions, and the verdict on a pair
//! * `semantic`: the L1b index over the L1a store
//! * `http`: the client under the providers
//! * `gil`: the one place where the GIL is released

mod complete;
mod exact;
mod fixed;
mod gate;
mod gil;
mod http;
mod semantic;
mod stats;
mod usage;
mod verifier;

use isartor_core::endpoint;
use pyo3::prelude::*;

/// What Isartor does for every request and every byte.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let names: Vec<&str> = endpoint::ALL.iter().map(|endpoint| endpoint.name()).collect();
    module.add("ENDPOINTS", names)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    gate::register(module)?;
    exact::register(module)?;
    semantic::register(module)?;
    complete::register(module)?;
    verifier::register(module)?;
    stats::register(module)?;
    usage::register(module)?;
    http::register(module)
}
