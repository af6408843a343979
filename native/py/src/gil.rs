//! The one place where the GIL is released.

use pyo3::Python;
use pyo3::marker::Ungil;

/// Bytes from which on the work on them takes longer (about 20 µs) than handing the GIL over and back.
const WORTH_IT: usize = 32 * 1024;

/// Runs `work` without the GIL if it has enough bytes to work on.
pub fn detached<T: Ungil>(py: Python<'_>, bytes: usize, work: impl Ungil + FnOnce() -> T) -> T {
    if bytes < WORTH_IT { work() } else { py.detach(work) }
}

/// Runs `work` without the GIL; it always takes longer than that.
pub fn released<T: Ungil>(py: Python<'_>, work: impl Ungil + FnOnce() -> T) -> T {
    py.detach(work)
}
