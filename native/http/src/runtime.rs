//! The one thread that connections live on.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::runtime::{Builder, Handle};

/// The process that the thread is in: threads do not survive a fork.
static RUNTIME: Mutex<Option<(u32, Handle)>> = Mutex::new(None);

/// Where calls run; begun when first asked for.
///
/// # Errors
///
/// If there can be no more threads.
pub fn handle() -> io::Result<Handle> {
    let mut known = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((owner, handle)) = &*known
        && *owner == process
    {
        return Ok(handle.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("isartor-http".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    *known = Some((process, handle.clone()));
    Ok(handle)
}
