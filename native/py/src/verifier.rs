//! `Tokenizer`, `Verifier` and what they read and say.

use std::sync::Arc;

use isartor_core::semantic::lexicon::Lexicon;
use isartor_core::semantic::tokens::{self, Tokens};
use isartor_core::semantic::verdict::features::NAMES;
use isartor_core::semantic::verdict::{self, Subject};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::gil::{detached, released};

/// A text as a model's tokens.
#[pyclass(frozen, module = "isartor._native")]
pub struct Tokenizer {
    inner: tokens::Tokenizer,
}

/// The tokens of one text.
#[pyclass(frozen, module = "isartor._native")]
pub struct Encoded {
    inner: tokens::Encoded,
}

/// Reads questions and judges pairs of them.
#[pyclass(frozen, module = "isartor._native")]
pub struct Verifier {
    pub inner: Arc<verdict::Verifier>,
}

/// A question that has been read.
#[pyclass(frozen, module = "isartor._native")]
pub struct Question {
    pub inner: Subject,
}

/// What came of judging a pair.
#[pyclass(frozen, module = "isartor._native")]
#[derive(Clone)]
pub struct Verdict {
    pub inner: verdict::Verdict,
}

/// Little-endian `f32` numbers.
pub fn floats(bytes: &[u8]) -> PyResult<Vec<f32>> {
    match bytes.as_chunks::<4>() {
        (chunks, []) => Ok(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()),
        _ => Err(PyValueError::new_err("numbers are four bytes each")),
    }
}

#[pymethods]
impl Tokenizer {
    #[new]
    fn new(json: &[u8]) -> PyResult<Self> {
        Ok(Self { inner: tokens::Tokenizer::new(json).map_err(PyValueError::new_err)? })
    }

    /// The tokens of a text; `None` if there are more than `limit`.
    fn encode(&self, py: Python<'_>, text: &str, limit: usize) -> PyResult<Option<Encoded>> {
        match detached(py, text.len(), || self.inner.encode(text, limit)).map_err(PyValueError::new_err)? {
            Tokens::Fit(inner) => Ok(Some(Encoded { inner })),
            Tokens::TooLong => Ok(None),
        }
    }
}

#[pymethods]
impl Encoded {
    /// Token ids, `int64`, little-endian.
    #[getter]
    fn ids<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes: Vec<u8> = self.inner.ids.iter().flat_map(|id| i64::from(*id).to_le_bytes()).collect();
        PyBytes::new(py, &bytes)
    }

    /// How many there are.
    #[getter]
    fn count(&self) -> usize {
        self.inner.ids.len()
    }
}

#[pymethods]
impl Verifier {
    #[new]
    #[pyo3(signature = (*, lexicon, weights))]
    fn new(lexicon: Vec<u8>, weights: &[u8]) -> PyResult<Self> {
        let lexicon = Lexicon::new(lexicon).ok_or_else(|| PyValueError::new_err("this is no lexicon"))?;
        let inner = verdict::Verifier::new(lexicon, weights)
            .map_err(|bad| PyValueError::new_err(format!("these are no weights: {}", bad.0)))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Reads a question.
    fn read(
        &self,
        py: Python<'_>,
        text: &str,
        encoded: &Encoded,
        sentence: &[u8],
        tokens: &[u8],
    ) -> PyResult<Question> {
        let (sentence, tokens) = (floats(sentence)?, floats(tokens)?);
        let expected = encoded.inner.ids.len() * self.inner.width();
        if tokens.len() != expected {
            let got = tokens.len();
            return Err(PyValueError::new_err(format!(
                "{got} numbers for the tokens, {expected} are expected"
            )));
        }
        let inner = released(py, || self.inner.read(text, &encoded.inner, &sentence, &tokens));
        Ok(Question { inner })
    }

    /// Judges a pair.
    fn judge(&self, py: Python<'_>, a: &Question, b: &Question) -> Verdict {
        let (a, b) = (&a.inner, &b.inner);
        let similarity = a.sentence.iter().zip(&b.sentence).map(|(x, y)| x * y).sum();
        Verdict { inner: released(py, || self.inner.judge(a, b, similarity)) }
    }
}

#[pymethods]
impl Question {
    /// As it was asked.
    #[getter]
    fn text(&self) -> &str {
        &self.inner.text
    }
}

#[pymethods]
impl Verdict {
    /// Cosine of the two sentence embeddings.
    #[getter]
    fn similarity(&self) -> f32 {
        self.inner.similarity
    }

    /// Log odds; negative infinity if a fact differs.
    #[getter]
    fn score(&self) -> f32 {
        self.inner.score
    }

    /// Why, the weightiest first.
    #[getter]
    fn reasons(&self) -> Vec<String> {
        self.inner.reasons.clone()
    }

    /// The words that were put side by side, and how.
    #[getter]
    fn words(&self) -> Vec<(String, String, &'static str)> {
        self.inner.words.clone()
    }

    /// Names and values of what was weighed.
    #[getter]
    fn features(&self) -> Vec<(&'static str, f32)> {
        NAMES.iter().copied().zip(self.inner.features.iter().copied()).collect()
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("FEATURES", NAMES.to_vec())?;
    module.add_class::<Tokenizer>()?;
    module.add_class::<Encoded>()?;
    module.add_class::<Verifier>()?;
    module.add_class::<Question>()?;
    module.add_class::<Verdict>()
}
