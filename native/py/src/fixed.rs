//! Headers of hits that are always the same, made once.

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// Header pairs that are the same on every hit.
pub struct Fixed {
    pub json: Py<PyTuple>,
    pub sse: Py<PyTuple>,
    pub layer: Py<PyTuple>,
    pub semantic_layer: Py<PyTuple>,
    pub deflected: Py<PyTuple>,
    pub request_id: Py<PyString>,
    pub age: Py<PyString>,
    pub cache_status: Py<PyString>,
    pub cache_key: Py<PyString>,
    pub similarity: Py<PyString>,
}

fn pair(py: Python<'_>, name: &str, value: &str) -> PyResult<Py<PyTuple>> {
    Ok(PyTuple::new(py, [name, value])?.unbind())
}

impl Fixed {
    /// All of them.
    pub fn new(py: Python<'_>) -> PyResult<Self> {
        let name = |text: &str| PyString::intern(py, text).unbind();
        Ok(Self {
            json: pair(py, "content-type", "application/json")?,
            sse: pair(py, "content-type", "text/event-stream; charset=utf-8")?,
            layer: pair(py, "x-isartor-layer", "l1a")?,
            semantic_layer: pair(py, "x-isartor-layer", "l1b")?,
            similarity: name("x-isartor-similarity"),
            deflected: pair(py, "x-isartor-deflected", "true")?,
            request_id: name("x-request-id"),
            age: name("age"),
            cache_status: name("cache-status"),
            cache_key: name("x-isartor-cache-key"),
        })
    }
}
