//! How another thread hears that calls have something for it.
//!
//! That thread watches one end of a pair of sockets; what runs here writes a byte into the other end if none is on its way. So
//! nothing here ever waits for that thread, nor for a lock that it holds while it works.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Numbers of calls that have something, until they are collected.
#[derive(Debug)]
pub struct Post {
    ready: Mutex<Vec<u64>>,
    told: AtomicBool,
    bell: UnixStream,
    ear: UnixStream,
}

impl Post {
    /// Nothing has come.
    ///
    /// # Errors
    ///
    /// If there can be no more sockets.
    pub fn new() -> io::Result<Self> {
        let (bell, ear) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        ear.set_nonblocking(true)?;
        Ok(Self { ready: Mutex::default(), told: AtomicBool::new(false), bell, ear })
    }

    /// What to watch: it can be read from when something has come.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.ear.as_raw_fd()
    }

    /// Says that a call has something.
    pub fn ring(&self, call: u64) {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).push(call);
        if !self.told.swap(true, Ordering::AcqRel) {
            // A full pair has more than one byte on its way.
            let _ = (&self.bell).write(&[1]);
        }
    }

    /// The calls that have something.
    pub fn collect(&self) -> Vec<u64> {
        let mut bytes = [0; 16];
        let _ = (&self.ear).read(&mut bytes);
        // In this order: what comes in between rings once more.
        self.told.store(false, Ordering::Release);
        std::mem::take(&mut *self.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
