//! What can go wrong with a call.

use std::error::Error;
use std::fmt;

/// Why a call has no reply, or not all of it.
#[derive(Clone, Debug)]
pub enum Fault {
    /// No connection in time.
    ConnectTime,
    /// Nothing came for too long.
    Silence,
    /// It took too long in all.
    Total,
    /// No connection: name, address, proxy, TLS.
    Connect(String),
    /// What came is no HTTP, or nothing came before the end.
    Head(String),
    /// The body broke off, or cannot be decoded.
    Body(String),
    /// Ended on our side.
    Closed,
}

impl Fault {
    /// Its name, and what the network said.
    #[must_use]
    pub fn told(&self) -> (&'static str, &str) {
        match self {
            Self::ConnectTime => ("connect-time", ""),
            Self::Silence => ("silence", ""),
            Self::Total => ("total", ""),
            Self::Connect(detail) => ("connect", detail),
            Self::Head(detail) => ("head", detail),
            Self::Body(detail) => ("body", detail),
            Self::Closed => ("closed", ""),
        }
    }
}

/// A connection that was not there in time.
#[derive(Debug)]
pub struct LateError;

impl fmt::Display for LateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("no connection in time")
    }
}

impl Error for LateError {}

/// An error and what is behind it, outermost first.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The innermost cause: the outer ones repeat the address, which can hold a secret in its query.
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
