//! `Semantic`, `Candidate`: the L1b index over an `Exact` store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use isartor_core::exact::Found;
use isartor_core::semantic::cache::{self, Search};
use isartor_core::semantic::index::IndexError;
use isartor_core::sse::answer_text;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::exact::{Exact, Hit, Request, Served, unhex};
use crate::gate::Head;
use crate::gil::released;
use crate::stats::hex;
use crate::verifier::{Question, Verdict, Verifier, floats};

/// The questions of stored replies.
#[pyclass(frozen, module = "isartor._native")]
pub struct Semantic {
    exact: Py<Exact>,
    inner: cache::Semantic,
}

/// A stored reply that may answer a request.
#[pyclass(frozen, module = "isartor._native")]
pub struct Candidate {
    inner: cache::Candidate,
}

/// What was quarantined.
#[pyclass(frozen, get_all, module = "isartor._native")]
pub struct Quarantined {
    /// The entry's own key.
    key: String,
    /// Similarity and score, if a second wording had been answered with it.
    pair: Option<(f32, f32)>,
}

fn refused(error: IndexError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

#[pymethods]
impl Semantic {
    #[new]
    #[pyo3(signature = (*, exact, verifier, dimension))]
    fn new(exact: Py<Exact>, verifier: &Verifier, dimension: usize) -> PyResult<Self> {
        let verifier = Arc::clone(&verifier.inner);
        let inner = cache::Semantic::new(&exact.get().store, verifier, dimension).map_err(refused)?;
        Ok(Self { exact, inner })
    }

    /// The stored reply whose question is judged best; `None` if this request's scope has none that may be served now.
    fn find(
        &self,
        py: Python<'_>,
        head: &Head,
        request: &Request,
        question: &Question,
        embedding: &[u8],
    ) -> PyResult<Option<Candidate>> {
        let Ok(asked) = &request.inner.asked else { return Ok(None) };
        let embedding = floats(embedding)?;
        let exact = self.exact.get();
        let search = Search {
            scope: &asked.scope,
            key: &request.inner.key,
            wants: &request.inner.wants,
            directives: head.inner.directives,
            now_ms: exact.now(),
        };
        let found = released(py, || self.inner.find(&exact.store, search, &question.inner, &embedding));
        Ok(found.map_err(refused)?.map(|inner| Candidate { inner }))
    }

    /// The reply of a candidate, counted as a hit; the request's key leads to it from now on. `None` if it has gone.
    fn serve(
        &self,
        py: Python<'_>,
        head: &Head,
        request: &Request,
        candidate: &Candidate,
        route: &str,
    ) -> PyResult<Option<Hit>> {
        let (exact, inner) = (self.exact.get(), &request.inner);
        let entry = Arc::clone(&candidate.inner.entry);
        let found = exact.store.servable(entry, &inner.wants, head.inner.directives, exact.now());
        let Found::Hit(entry, age_ms) = found else { return Ok(None) };
        let served = Served { key: &inner.key, wants: inner.wants, entry: &entry, age_ms };
        let hit = exact.semantic_hit(py, head, &served, candidate.inner.similarity, route)?;
        if hit.is_some() && request.may_keep(exact) {
            exact.share(request, entry);
            self.inner.shared(inner.key, &candidate.inner);
        }
        Ok(hit)
    }

    /// Keeps the question of the reply that was just stored for this request; whether the store still has it.
    fn keep(
        &self,
        py: Python<'_>,
        request: &Request,
        question: &Question,
        embedding: &[u8],
    ) -> PyResult<bool> {
        let Ok(asked) = &request.inner.asked else { return Ok(false) };
        let embedding = floats(embedding)?;
        let (exact, key) = (self.exact.get(), &request.inner.key);
        released(py, || self.inner.keep(&exact.store, &asked.scope, key, &question.inner, &embedding))
            .map_err(refused)
    }

    /// This pair is never proposed again.
    fn bar(&self, request: &Request, candidate: &Candidate) {
        self.inner.bar(request.inner.key, candidate.inner.entry.key);
    }

    /// Removes the entry under a key, its own or a second wording's, under all its keys. `None` if the tenant has none.
    fn quarantine(&self, tenant: [u8; 16], key: &str) -> Option<Quarantined> {
        let key = unhex(key)?;
        let exact = self.exact.get();
        let entry = exact.store.get(&key).filter(|entry| entry.tenant == tenant)?;
        if entry.dead.swap(true, Ordering::Relaxed) {
            return None;
        }
        exact.begin_generation();
        exact.store.remove(&key, &tenant);
        let wording = self.inner.wording(&key).filter(|wording| wording.of == entry.key);
        if wording.is_some() {
            self.inner.bar(key, entry.key);
        }
        let own = hex(&entry.key);
        drop(entry);
        self.inner.sweep();
        Some(Quarantined { key: own, pair: wording.map(|wording| (wording.similarity, wording.score)) })
    }

    /// The entries of a tenant, newest first.
    fn entries<'py>(&self, py: Python<'py>, tenant: [u8; 16], limit: usize) -> PyResult<Bound<'py, PyList>> {
        let exact = self.exact.get();
        let now = exact.now();
        let mut found = released(py, || exact.store.list(&tenant));
        found.sort_by_key(|(entry, _)| std::cmp::Reverse(entry.at_ms));
        let list = PyList::empty(py);
        for (entry, keys) in found.into_iter().take(limit) {
            let dict = PyDict::new(py);
            dict.set_item("key", hex(&entry.key))?;
            dict.set_item("endpoint", entry.endpoint.name())?;
            dict.set_item("model", &*entry.model())?;
            dict.set_item("question", self.inner.question(&entry))?;
            dict.set_item("age_secs", now.saturating_sub(entry.at_ms) / 1000)?;
            dict.set_item("bytes", entry.len())?;
            dict.set_item("keys", keys)?;
            list.append(dict)?;
        }
        Ok(list)
    }

    /// Forgets the questions of replies that have gone.
    fn sweep(&self) {
        self.inner.sweep();
    }

    /// `entries`, `scopes` and `bytes`.
    fn size<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("entries", self.inner.len())?;
        dict.set_item("scopes", self.inner.scopes())?;
        dict.set_item("bytes", self.inner.bytes())?;
        Ok(dict)
    }
}

#[pymethods]
impl Candidate {
    /// The entry's own key.
    #[getter]
    fn key(&self) -> String {
        hex(&self.inner.entry.key)
    }

    /// The question that it answered.
    #[getter]
    fn question(&self) -> &str {
        &self.inner.question
    }

    /// How near the two questions are in the index's space.
    #[getter]
    fn similarity(&self) -> f32 {
        self.inner.similarity
    }

    #[getter]
    fn verdict(&self) -> Verdict {
        Verdict { inner: self.inner.verdict.clone() }
    }

    /// The text of the stored reply; `None` if there is more to it than text.
    fn reply_text(&self, py: Python<'_>) -> Option<String> {
        let entry = &self.inner.entry;
        released(py, || answer_text(entry.endpoint, entry.json()))
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Semantic>()?;
    module.add_class::<Candidate>()?;
    module.add_class::<Quarantined>()
}
