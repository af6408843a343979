//! `Exact`, `Request`, `Hit`: the L1a layer's one native call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use isartor_core::exact::{self, Alias, Entry, Found, Limits, Reason, Source};
use isartor_core::request::{self, BadRequest as Refused, Key, Reading, Wants};
use isartor_core::sse::answer_holds;
use isartor_core::usage::log::Log;
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::complete::Complete;
use crate::fixed::Fixed;
use crate::gate::Head;
use crate::gil::detached;
use crate::stats::{self, Moment, Stats, hex};
use crate::usage::{self, Tally, UsageLog, told};

create_exception!(isartor._native, BadRequest, PyValueError, "A body that cannot be read: (message, path).");

/// The L1a store, and how bodies are read for it.
#[pyclass(frozen, module = "isartor._native")]
pub struct Exact {
    pub store: exact::Exact,
    reading: Reading,
    stats: Arc<isartor_core::stats::Stats>,
    usage: Option<Arc<Log>>,
    born: Instant,
    generation: AtomicU64,
    fixed: Fixed,
}

/// An entry that is about to answer a request.
#[derive(Clone, Copy)]
pub struct Served<'a> {
    pub key: &'a Key,
    pub wants: Wants,
    pub entry: &'a Entry,
    pub age_ms: u64,
}

/// A reply from the store, ready to be sent.
#[pyclass(frozen, get_all, module = "isartor._native")]
pub struct Hit {
    headers: Py<PyList>,
    body: Py<PyBytes>,
}

/// The view of a request that every layer reads.
#[pyclass(frozen, module = "isartor._native")]
pub struct Request {
    pub inner: request::Request,
    digest: Key,
    reason: Option<Reason>,
    no_store: bool,
    /// How many invalidations there had been when it came: a reply asked for before one is not kept after it.
    generation: u64,
}

impl Exact {
    /// Milliseconds since the store was made.
    pub fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The reply as it is sent; `None` if the entry cannot be given in the form asked for.
    fn hit(&self, py: Python<'_>, head: &Head, served: &Served<'_>, status: &str) -> PyResult<Option<Hit>> {
        let Served { key, wants, entry, age_ms } = *served;
        let Some(body) = Complete::render(entry.endpoint, entry.json(), entry.stream(), wants) else {
            return Ok(None);
        };
        let fixed = &self.fixed;
        let content_type = if wants.stream && wants.sse { &fixed.sse } else { &fixed.json };
        let tuple =
            |name: &Py<PyString>, value: &str| PyTuple::new(py, [name.bind(py), &PyString::new(py, value)]);
        let status = format!("isartor; {status}; ttl={}", self.store.left_secs(age_ms));
        let headers = PyList::new(
            py,
            [
                content_type.bind(py),
                fixed.layer.bind(py),
                fixed.deflected.bind(py),
                &tuple(&fixed.request_id, &head.id())?,
                &tuple(&fixed.age, &(age_ms / 1000).to_string())?,
                &tuple(&fixed.cache_status, &status)?,
                &tuple(&fixed.cache_key, &hex(key))?,
            ],
        )?;
        Ok(Some(Hit { headers: headers.unbind(), body: PyBytes::new(py, &body).unbind() }))
    }

    /// A hit whose question was worded otherwise, counted as one if it can be given.
    pub fn semantic_hit(
        &self,
        py: Python<'_>,
        head: &Head,
        served: &Served<'_>,
        similarity: f32,
        route: &str,
    ) -> PyResult<Option<Hit>> {
        let Some(hit) = self.hit(py, head, served, "hit; detail=semantic")? else { return Ok(None) };
        let headers = hit.headers.bind(py);
        headers.set_item(1, &self.fixed.semantic_layer)?;
        let similarity = PyString::new(py, &format!("{similarity:.4}"));
        headers.append(PyTuple::new(py, [self.fixed.similarity.bind(py), &similarity])?)?;
        self.count(head, served, route, "l1b");
        Ok(Some(hit))
    }

    /// Puts an entry under this request's key, too.
    pub fn share(&self, request: &Request, entry: Arc<Entry>) {
        let inner = &request.inner;
        self.store.share(inner.key, entry);
        self.store.remember(request.digest, Alias { key: inner.key, wants: inner.wants });
    }

    /// From now on replies that were asked for before are not kept.
    pub fn begin_generation(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// A hit, counted as one if it can be given.
    fn counted(
        &self,
        py: Python<'_>,
        head: &Head,
        served: &Served<'_>,
        status: &str,
        route: &str,
    ) -> PyResult<Option<Hit>> {
        let hit = self.hit(py, head, served, status)?;
        if hit.is_some() {
            self.count(head, served, route, "l1a");
        }
        Ok(hit)
    }

    fn count(&self, head: &Head, served: &Served<'_>, route: &str, layer: &'static str) {
        let moment = Moment::of(head);
        stats::record(&self.stats, head, moment, route, Some(served.key), layer, 200);
        if let Some(log) = &self.usage {
            usage::saved(log, head, moment, served.entry.source, layer);
        }
    }
}

#[pymethods]
impl Exact {
    #[new]
    #[pyo3(signature = (*, max_entries, max_bytes, ttl_secs, stale_secs, aliases, stats, semantic=false,
        usage=None))]
    #[allow(clippy::too_many_arguments)] // options, each named by the caller
    fn new(
        py: Python<'_>,
        max_entries: u64,
        max_bytes: u64,
        ttl_secs: u64,
        stale_secs: u64,
        aliases: std::collections::HashMap<String, String>,
        stats: &Stats,
        semantic: bool,
        usage: Option<&UsageLog>,
    ) -> PyResult<Self> {
        let limits = Limits {
            entries: max_entries,
            bytes: max_bytes,
            ttl_ms: ttl_secs.saturating_mul(1000),
            stale_ms: stale_secs.saturating_mul(1000),
        };
        let usage = usage.map(|log| Arc::clone(&log.inner));
        let origins = usage.as_ref().map(|log| Arc::clone(&log.origins)).unwrap_or_default();
        Ok(Self {
            store: exact::Exact::new(limits, origins),
            reading: Reading { aliases, bucket_secs: ttl_secs, semantic },
            stats: Arc::clone(&stats.inner),
            usage,
            born: Instant::now(),
            generation: AtomicU64::new(0),
            fixed: Fixed::new(py)?,
        })
    }

    /// The one call of an L1a hit: a reply ready to be sent, or the request's view.
    #[pyo3(signature = (head, body, route, /, *, quiet=false))]
    fn lookup<'py>(
        &self,
        py: Python<'py>,
        head: &Head,
        body: &[u8],
        route: &str,
        quiet: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let now = self.now();
        let directives = head.inner.directives;
        let generation = self.generation.load(Ordering::Relaxed);
        let digest = detached(py, body.len(), || request::alias_of(&head.inner, body));
        let answer = |key: &Key, wants: Wants, entry: &Entry, age_ms: u64| {
            let served = Served { key, wants, entry, age_ms };
            let hit = self.hit(py, head, &served, "hit")?;
            if hit.is_some() && !quiet {
                self.count(head, &served, route, "l1a");
            }
            hit.map(|hit| Bound::new(py, hit).map(Bound::into_any)).transpose()
        };
        if let Some(Alias { key, wants }) = self.store.alias(&digest)
            && let Found::Hit(entry, age) = self.store.find(&key, &wants, directives, now)
            && let Some(hit) = answer(&key, wants, &entry, age)?
        {
            return Ok(hit);
        }
        let inner = detached(py, body.len(), || self.reading.read(&head.inner, body)).map_err(refusal)?;
        let mut reason = None;
        if inner.uncacheable.is_none() {
            match self.store.find(&inner.key, &inner.wants, directives, now) {
                Found::Hit(entry, age) => {
                    if let Some(hit) = answer(&inner.key, inner.wants, &entry, age)? {
                        self.store.remember(digest, Alias { key: inner.key, wants: inner.wants });
                        return Ok(hit);
                    }
                }
                Found::Miss(why) => reason = Some(why),
            }
        }
        let request = Request { inner, digest, reason, no_store: directives.no_store, generation };
        Ok(Bound::new(py, request)?.into_any())
    }

    /// The view of a request, whether or not a reply is stored.
    fn read(&self, py: Python<'_>, head: &Head, body: &[u8]) -> PyResult<Request> {
        let generation = self.generation.load(Ordering::Relaxed);
        let digest = request::alias_of(&head.inner, body);
        let inner = detached(py, body.len(), || self.reading.read(&head.inner, body)).map_err(refusal)?;
        Ok(Request { inner, digest, reason: None, no_store: head.inner.directives.no_store, generation })
    }

    /// Looks again, after another request has been answered meanwhile.
    fn again(&self, py: Python<'_>, head: &Head, request: &Request, route: &str) -> PyResult<Option<Hit>> {
        let inner = &request.inner;
        match self.store.find(&inner.key, &inner.wants, head.inner.directives, self.now()) {
            Found::Hit(entry, age) => {
                let served = Served { key: &inner.key, wants: inner.wants, entry: &entry, age_ms: age };
                self.counted(py, head, &served, "hit", route)
            }
            Found::Miss(_) => Ok(None),
        }
    }

    /// The entry that may stand in for a provider that failed.
    fn stale(&self, py: Python<'_>, head: &Head, request: &Request, route: &str) -> PyResult<Option<Hit>> {
        let inner = &request.inner;
        let Some((entry, age)) = self.store.find_stale(&inner.key, &inner.wants, self.now()) else {
            return Ok(None);
        };
        let served = Served { key: &inner.key, wants: inner.wants, entry: &entry, age_ms: age };
        self.counted(py, head, &served, "hit; detail=stale-if-error", route)
    }

    /// Stores a complete reply; `None` if it was, else a token that says why not.
    #[pyo3(signature = (head, request, complete, *, provider="", model="", tokens=0, tally=None))]
    #[allow(clippy::too_many_arguments)] // all but three by name
    fn store(
        &self,
        head: &Head,
        request: &Request,
        complete: &Complete,
        provider: &str,
        model: &str,
        tokens: u64,
        tally: Option<Tally>,
    ) -> Option<&'static str> {
        let inner = &request.inner;
        if request.no_store {
            return Some("no-store");
        }
        if let Some(why) = inner.uncacheable {
            return Some(why);
        }
        if request.generation != self.generation.load(Ordering::Relaxed) {
            return Some("invalidated");
        }
        let reply = &complete.reply;
        if inner.masked.iter().any(|text| answer_holds(inner.endpoint, reply, text)) {
            return Some("session-bound");
        }
        let model = if model.is_empty() { &inner.model } else { model };
        let source = Source {
            origin: self.store.shared().origins.number(provider, model),
            tokens: tally.map_or_else(|| complete.tokens(tokens), told),
        };
        let fits = self.store.store(inner, head.inner.tenant, reply, source, self.now());
        if !fits {
            return Some("too-large");
        }
        self.store.remember(request.digest, Alias { key: inner.key, wants: inner.wants });
        None
    }

    /// Removes one of a tenant's entries by its key in hexadecimal digits; whether it was there.
    fn remove(&self, tenant: [u8; 16], key: &str) -> bool {
        self.begin_generation();
        unhex(key).is_some_and(|key| self.store.remove(&key, &tenant))
    }

    /// Removes all of a tenant's entries; how many there were.
    fn clear(&self, tenant: [u8; 16]) -> usize {
        self.begin_generation();
        self.store.clear(&tenant)
    }

    /// Removes what can never be served again; how many there were.
    fn purge(&self, py: Python<'_>) -> usize {
        let now = self.now();
        py.detach(|| self.store.purge(now))
    }

    /// Entries and their weight in bytes.
    fn size<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("entries", self.store.len())?;
        dict.set_item("bytes", self.store.weight())?;
        Ok(dict)
    }
}

impl Request {
    /// Whether what answers this request may be kept under its key.
    pub fn may_keep(&self, exact: &Exact) -> bool {
        let is_current = self.generation == exact.generation.load(Ordering::Relaxed);
        !self.no_store && self.inner.uncacheable.is_none() && is_current
    }
}

#[pymethods]
impl Request {
    /// The model after aliases; empty if the client named none.
    #[getter]
    fn model(&self) -> &str {
        &self.inner.model
    }

    #[getter]
    fn stream(&self) -> bool {
        self.inner.wants.stream
    }

    /// Whether a stream is server-sent events (else Gemini's JSON array).
    #[getter]
    fn sse(&self) -> bool {
        self.inner.wants.sse
    }

    /// Whether a complete reply may be kept and shared.
    #[getter]
    fn cacheable(&self) -> bool {
        !self.no_store && self.inner.uncacheable.is_none()
    }

    /// The headers of a reply that a provider gave: the provider's own, and ours. `note` and `other`: what `cache-status` says
    /// besides.
    #[pyo3(signature = (head, upstream, provider, note, other, *, collapsed))]
    #[allow(clippy::too_many_arguments)] // what the headers say
    fn headers<'py>(
        &self,
        py: Python<'py>,
        head: &Head,
        upstream: &Bound<'py, PyList>,
        provider: &str,
        note: &str,
        other: &str,
        collapsed: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let mut status = self.cache_status();
        for note in [if collapsed { "collapsed" } else { "" }, note, other] {
            // RFC 9211 has room for one detail; that nothing was stored says more than that nothing was near.
            let is_second = note.contains("detail=") && status.contains("detail=");
            if !note.is_empty() && !is_second {
                status = format!("{status}; {note}");
            }
        }
        let headers = upstream.get_slice(0, upstream.len());
        let add = |name: &Bound<'py, PyString>, value: &str| headers.append((name, value));
        add(intern!(py, "x-isartor-layer"), "l3")?;
        add(intern!(py, "x-isartor-deflected"), "false")?;
        add(intern!(py, "x-isartor-provider"), provider)?;
        add(intern!(py, "cache-status"), &status)?;
        if self.cacheable() {
            add(intern!(py, "x-isartor-cache-key"), &hex(&self.inner.key))?;
        }
        let id = intern!(py, "x-request-id");
        for line in upstream {
            if line.get_item(0)?.eq(id)? {
                return Ok(headers);
            }
        }
        add(id, &head.id())?;
        Ok(headers)
    }

    /// The value of `cache-status` when the request goes on.
    #[getter]
    fn cache_status(&self) -> String {
        match (self.inner.uncacheable, self.reason) {
            (Some(why), _) => format!("isartor; fwd=bypass; detail={why}"),
            (None, Some(reason)) => reason.cache_status().to_owned(),
            (None, None) => Reason::Absent.cache_status().to_owned(),
        }
    }

    /// The key in hexadecimal digits.
    #[getter]
    fn key(&self) -> String {
        hex(&self.inner.key)
    }

    /// The question, if the reply to another wording of it may answer.
    #[getter]
    fn question(&self) -> Option<&str> {
        self.inner.asked.as_ref().ok().map(|asked| asked.text.as_str())
    }

    /// Why there is no question, as a token.
    #[getter]
    fn question_refused(&self) -> Option<&'static str> {
        self.inner.asked.as_ref().err().copied()
    }

    /// What questions must agree on to share a reply, in hexadecimal digits.
    #[getter]
    fn scope_digest(&self) -> Option<String> {
        self.inner.asked.as_ref().ok().map(|asked| hex(&asked.scope))
    }

    /// What requests must agree on to share one upstream call: key, invalidations before them, form of the reply.
    #[getter]
    fn flight<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let wants = self.inner.wants;
        let form = u8::from(wants.stream)
            | u8::from(wants.sse) << 1
            | u8::from(wants.include_usage) << 2
            | u8::from(wants.needs_stored) << 3;
        PyBytes::new_with(py, 41, |bytes| {
            bytes[..32].copy_from_slice(&self.inner.key);
            bytes[32..40].copy_from_slice(&self.generation.to_be_bytes());
            bytes[40] = form;
            Ok(())
        })
        .unwrap_or_else(|_| PyBytes::new(py, &[]))
    }

    /// The body as it goes upstream: as it came, but for a resolved model alias.
    fn upstream_body<'py>(&self, py: Python<'py>, body: Bound<'py, PyBytes>) -> Bound<'py, PyBytes> {
        match self.inner.splice {
            Some(span) => PyBytes::new(py, &request::spliced(body.as_bytes(), span, &self.inner.model)),
            None => body,
        }
    }
}

fn refusal(refused: Refused) -> PyErr {
    BadRequest::new_err((refused.message, refused.path))
}

/// 64 hexadecimal digits as a key.
pub fn unhex(text: &str) -> Option<Key> {
    let mut key = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(key)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("BadRequest", module.py().get_type::<BadRequest>())?;
    module.add_class::<Exact>()?;
    module.add_class::<Hit>()?;
    module.add_class::<Request>()
}
