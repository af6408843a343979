//! `Gate`, `Head`: what a request's headers say.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use isartor_core::endpoint::{ALL, Endpoint};
use isartor_core::request::head::{self, PathInfo};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

/// The gate's configuration; reads headers.
#[pyclass(frozen, module = "isartor._native")]
pub struct Gate {
    inner: head::Gate,
    /// Makes the ids of this process its own.
    prefix: u64,
    count: AtomicU64,
}

/// What the headers of one request say.
#[pyclass(frozen, module = "isartor._native")]
pub struct Head {
    pub inner: head::Head,
    pub started: Instant,
    id: (u64, u64),
}

impl Head {
    /// The reply's `x-request-id`: the client's own, if it sent a usable one.
    pub fn id(&self) -> String {
        self.inner.request_id.clone().unwrap_or_else(|| format!("req_{:016x}{:08x}", self.id.0, self.id.1))
    }
}

/// The endpoint of that number.
///
/// # Errors
/// `ValueError` if there is none.
pub fn endpoint(number: usize) -> PyResult<Endpoint> {
    ALL.get(number).copied().ok_or_else(|| PyValueError::new_err("no such endpoint"))
}

#[pymethods]
impl Gate {
    #[new]
    #[pyo3(signature = (*, keys, hosts, any_address, origins, scope_agent_sessions, seed))]
    fn new(
        keys: Vec<(String, [u8; 16])>,
        hosts: Vec<String>,
        any_address: bool,
        origins: Vec<String>,
        scope_agent_sessions: bool,
        seed: u64,
    ) -> Self {
        let keys = keys.into_iter().map(|(key, tenant)| (key.into_bytes(), tenant)).collect();
        let inner = head::Gate { keys, hosts, any_address, origins, scope_agent_sessions };
        Self { inner, prefix: seed, count: AtomicU64::new(0) }
    }

    /// Reads the headers of one request.
    #[pyo3(signature = (number, query, headers, path_model=None, path_stream=false, google_key=false, open=false))]
    #[allow(clippy::too_many_arguments, clippy::fn_params_excessive_bools)] // one call per request, positional for speed
    fn read(
        &self,
        number: usize,
        query: &str,
        headers: &Bound<'_, PyList>,
        path_model: Option<&str>,
        path_stream: bool,
        google_key: bool,
        open: bool,
    ) -> PyResult<Head> {
        let started = Instant::now();
        let path = PathInfo { model: path_model, stream: path_stream, google_key, open };
        let pairs: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)> = headers
            .iter()
            .map(|pair| {
                let pair = pair.cast_into::<PyTuple>()?;
                Ok((pair.get_item(0)?, pair.get_item(1)?))
            })
            .collect::<PyResult<_>>()?;
        let texts: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| Ok((name.extract::<&str>()?, value.extract::<&str>()?)))
            .collect::<PyResult<_>>()?;
        let inner = self.inner.read(endpoint(number)?, path, query, texts.into_iter());
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        Ok(Head { inner, started, id: (self.prefix, count) })
    }
}

#[pymethods]
impl Head {
    /// 0 welcome, 1 no key, 2 wrong key, 3 foreign origin, 4 foreign host.
    #[getter]
    fn verdict(&self) -> u8 {
        self.inner.verdict as u8
    }

    #[getter]
    fn tool(&self) -> &'static str {
        self.inner.tool
    }

    #[getter]
    fn namespace(&self) -> &'static str {
        self.inner.namespace
    }

    #[getter]
    fn tenant<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.inner.tenant)
    }

    #[getter]
    fn no_store(&self) -> bool {
        self.inner.directives.no_store
    }

    #[getter]
    fn no_cache(&self) -> bool {
        self.inner.directives.no_cache
    }

    #[getter]
    fn only_if_cached(&self) -> bool {
        self.inner.directives.only_if_cached
    }

    /// Bytes announced, or -1.
    #[getter]
    fn content_length(&self) -> i64 {
        self.inner.content_length.map_or(-1, |length| i64::try_from(length).unwrap_or(i64::MAX))
    }

    #[getter]
    fn encoding(&self) -> Option<&str> {
        self.inner.encoding.as_deref()
    }

    #[getter]
    fn request_id(&self) -> String {
        self.id()
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Gate>()?;
    module.add_class::<Head>()
}
