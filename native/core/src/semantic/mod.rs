//! L1b: replies to questions asked in other words.
//!
//! * [`cache`]: the questions of stored replies, and the search for one that may answer.
//! * [`index`]: which vectors of a scope are nearest.
//! * [`tokens`]: a text as a model's tokens.
//! * [`lexicon`]: what is known of English words.
//! * [`question`]: a text read for the verdict.
//! * [`verdict`]: whether the reply to one question answers another.

pub mod cache;
#[cfg(test)]
mod fixtures;
pub mod index;
pub mod lexicon;
pub mod question;
pub mod tokens;
pub mod verdict;
