//! Tokenizer: a text as a model's token ids, and where in the text each token stands.
//!
//! Any `tokenizer.json` of the Hugging Face kind. Texts are never cut and never filled up: what is longer than the
//! model's window is told apart instead. **Cost**: about 1 µs per word.

use tokenizers::Tokenizer as Inner;

/// Bytes of text per token of a window beyond which a text is too long whatever is in it, so that it is not even read.
const MOST_BYTES_PER_TOKEN: usize = 64;

/// A tokenizer.
pub struct Tokenizer {
    inner: Inner,
}

/// A text in tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Ids, the model's own special tokens included.
    pub ids: Vec<u32>,
    /// Where each token stands in the text, in bytes; empty spans for special tokens.
    pub spans: Vec<(usize, usize)>,
}

/// What came of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tokens {
    /// It fits the window.
    Fit(Encoded),
    /// It is longer than the window.
    TooLong,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// What is wrong with the file, in the words of its reader.
    pub fn new(json: &[u8]) -> Result<Self, String> {
        let mut inner = Inner::from_bytes(json).map_err(|error| error.to_string())?;
        inner.with_truncation(None).map_err(|error| error.to_string())?;
        inner.with_padding(None);
        Ok(Self { inner })
    }

    /// The tokens of a text if there are at most `window` of them.
    ///
    /// # Errors
    /// What the tokenizer says.
    pub fn encode(&self, text: &str, window: usize) -> Result<Tokens, String> {
        if text.len() > window.saturating_mul(MOST_BYTES_PER_TOKEN) {
            return Ok(Tokens::TooLong);
        }
        let encoding = self.inner.encode(text, true).map_err(|error| error.to_string())?;
        if encoding.len() > window {
            return Ok(Tokens::TooLong);
        }
        Ok(Tokens::Fit(Encoded { ids: encoding.get_ids().to_vec(), spans: encoding.get_offsets().to_vec() }))
    }
}
