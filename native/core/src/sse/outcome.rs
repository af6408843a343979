//! What a finished reply turns out to be: something to store, or why it must not be stored.

use std::fmt;

/// A complete reply, ready for the store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The reply as the provider gives it to a request without `stream`: its own bytes where it came as JSON,
    /// else assembled from the stream.
    pub json: Vec<u8>,
    /// The events as the provider sent them, present if the reply came as a stream. Two things are not the
    /// provider's: a missing last blank line is added, and Gemini's array form is kept as events.
    pub stream: Option<Vec<u8>>,
    /// What the reply says about itself.
    pub facts: Facts,
    /// The tokens that the reply says it cost.
    pub usage: Usage,
}

/// What a reply says about itself that decides whom it may answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The reply carries its token usage. A stream without it cannot answer a client that asks for usage.
    pub usage: bool,
    /// A Responses reply that the provider keeps (`store: true`): a later request can name its id.
    pub stored: bool,
}

/// Tokens, counted alike for every surface; all 0 where the reply does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// All tokens read, those from the provider's prompt cache (read or written) included.
    pub input: u64,
    /// All tokens written, reasoning included.
    pub output: u64,
    /// Of `input`, the tokens read from the provider's prompt cache.
    pub cached: u64,
    /// Of `input`, the tokens written to it.
    pub cache_write: u64,
    /// Of `output`, the tokens spent on reasoning.
    pub reasoning: u64,
}

/// Why a reply is not stored. It has been given to its client all the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unstorable {
    /// More bytes than the tee may hold.
    TooLarge {
        /// The most it may hold.
        limit_bytes: usize,
    },
    /// The body ends inside an event.
    Cut,
    /// The stream ended in good order but lacks what ends a reply; names what is missing.
    Unfinished(&'static str),
    /// Not the form that the surface has; names where.
    Malformed(&'static str),
    /// An error in the place of a reply, or in the middle of it.
    ErrorInside,
    /// It came to its end in good order, and says itself that it is not all there is (a limit of tokens).
    Incomplete,
    /// The provider's filter took something out, or blocked the prompt.
    ContentFiltered,
    /// The provider ended the reply as a refusal.
    Refused,
    /// A reason to finish that is not known to mean a complete reply; names it.
    FinishReason(String),
    /// The provider searched, ran code or used tools of its own: the reply holds for its moment only. Names
    /// the sign.
    ActedOutside(String),
    /// The reply belongs to a conversation or a background run at the provider; names which.
    Stateful(&'static str),
    /// The reply points to something that the provider deletes soon; names it.
    Expiring(&'static str),
    /// A kind of fragment that cannot be joined without knowing it; names it.
    Unknown(String),
}

impl Unstorable {
    /// A short word for the `detail` of `Cache-Status`.
    #[must_use]
    pub const fn token(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::Cut => "cut",
            Self::Unfinished(_) => "unfinished",
            Self::Malformed(_) => "malformed",
            Self::ErrorInside => "error-inside",
            Self::Incomplete => "incomplete",
            Self::ContentFiltered => "content-filtered",
            Self::Refused => "refused",
            Self::FinishReason(_) => "finish-reason",
            Self::ActedOutside(_) => "acted-outside",
            Self::Stateful(_) => "stateful",
            Self::Expiring(_) => "expiring",
            Self::Unknown(_) => "unknown-part",
        }
    }
}

impl fmt::Display for Unstorable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit_bytes } => write!(out, "more than {limit_bytes} bytes"),
            Self::Cut => out.write_str("the body ends inside an event"),
            Self::Unfinished(what) => write!(out, "the reply ends without {what}"),
            Self::Malformed(place) => write!(out, "not the form of this surface: {place}"),
            Self::ErrorInside => out.write_str("there is an error inside"),
            Self::Incomplete => out.write_str("the reply says that it is incomplete"),
            Self::ContentFiltered => out.write_str("the provider's filter acted"),
            Self::Refused => out.write_str("the provider refused"),
            Self::FinishReason(reason) => write!(out, "finished for another reason: {reason}"),
            Self::ActedOutside(sign) => write!(out, "the provider acted or looked outside: {sign}"),
            Self::Stateful(which) => write!(out, "belongs to state at the provider: {which}"),
            Self::Expiring(what) => write!(out, "points to what expires: {what}"),
            Self::Unknown(part) => write!(out, "a kind of part not known here: {part}"),
        }
    }
}

impl std::error::Error for Unstorable {}

/// Why a stored reply cannot be given in the form asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreplayable {
    /// The endpoint never streams, or not in this form.
    NoSuchForm,
    /// The stored bytes are not a reply of this endpoint, or hold a number that a stream would not give
    /// exactly.
    Damaged,
}

impl fmt::Display for Unreplayable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NoSuchForm => "the endpoint does not have this form",
            Self::Damaged => "the stored reply is damaged",
        })
    }
}

impl std::error::Error for Unreplayable {}
