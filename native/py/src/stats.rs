//! `Stats`: the counters behind `/debug/stats/*`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use isartor_core::stats::{Answered, Stats as Inner};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::gate::Head;

/// Counters of what was answered where.
#[pyclass(frozen, module = "isartor._native")]
pub struct Stats {
    pub inner: Arc<Inner>,
}

/// The layers' names; statistics keep no others.
pub const LAYERS: [&str; 7] = ["l0", "l0.5", "l1a", "l1b", "l2", "l2.5", "l3"];

/// When a request was answered.
#[derive(Clone, Copy)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Microseconds since its head came.
    pub latency_us: u64,
}

impl Moment {
    /// Now.
    pub fn of(head: &Head) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            at_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            latency_us: u64::try_from(head.started.elapsed().as_micros()).unwrap_or(u64::MAX),
        }
    }
}

/// Counts one answered request.
pub fn record(
    counters: &Inner,
    head: &Head,
    moment: Moment,
    route: &str,
    key: Option<&[u8; 32]>,
    layer: &'static str,
    status: u16,
) {
    let endpoint = head.inner.endpoint;
    let client = if head.inner.namespace == "native" { "direct" } else { head.inner.namespace };
    let mut hash = [0; 8];
    if let Some(key) = key {
        hash.copy_from_slice(&key[..8]);
    }
    counters.record(Answered {
        at_ms: moment.at_ms,
        surface: "gateway",
        client,
        family: endpoint.family(),
        route: route.to_owned(),
        tool: head.inner.tool,
        prompt_hash: key.map(|_| hash),
        layer,
        deflected: status < 400 && !matches!(layer, "l0" | "l3"),
        latency_us: moment.latency_us,
        status,
        retry: head.inner.retried,
    });
}

#[pymethods]
impl Stats {
    #[new]
    fn new() -> Self {
        Self { inner: Arc::new(Inner::default()) }
    }

    /// Counts one request that no cache answered.
    fn record(&self, head: &Head, route: &str, layer: &str, status: u16) {
        let layer = LAYERS.iter().find(|name| **name == layer).copied().unwrap_or("l0");
        record(&self.inner, head, Moment::of(head), route, None, layer, status);
    }

    /// All totals; the shape of `/debug/stats/prompts` without `recent`.
    fn totals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let totals = self.inner.totals();
        let dict = PyDict::new(py);
        dict.set_item("total_prompts", totals.prompts)?;
        dict.set_item("total_deflected_prompts", totals.deflected)?;
        dict.set_item("by_layer", totals.by_layer)?;
        dict.set_item("by_surface", totals.by_surface)?;
        dict.set_item("by_client", totals.by_client)?;
        let tools = PyDict::new(py);
        for (tool, counts) in totals.by_tool {
            tools.set_item(tool, counts.requests)?;
        }
        dict.set_item("by_tool", tools)?;
        Ok(dict)
    }

    /// Per tool; the shape of `/debug/stats/agents`' `agents`.
    fn agents<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let agents = PyDict::new(py);
        for (tool, counts) in self.inner.totals().by_tool {
            let dict = PyDict::new(py);
            dict.set_item("requests", counts.requests)?;
            dict.set_item("cache_hits", counts.l1a_hits + counts.l1b_hits)?;
            dict.set_item("cache_misses", counts.l1a_misses)?;
            dict.set_item("l1a_hits", counts.l1a_hits)?;
            dict.set_item("l1a_misses", counts.l1a_misses)?;
            dict.set_item("l1b_hits", counts.l1b_hits)?;
            // Which requests L1b looked at, its own statistics say; what it did not answer, L1a had missed before.
            dict.set_item("l1b_misses", 0)?;
            #[allow(clippy::cast_precision_loss)] // an average in milliseconds
            let average = counts.latency_us as f64 / 1000.0 / counts.requests.max(1) as f64;
            dict.set_item("average_latency_ms", average)?;
            dict.set_item("retry_count", counts.retries)?;
            dict.set_item("error_count", counts.errors)?;
            agents.set_item(tool, dict)?;
        }
        Ok(agents)
    }

    /// The latest requests, newest first.
    fn recent<'py>(&self, py: Python<'py>, limit: usize) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for answered in self.inner.recent(limit) {
            let dict = PyDict::new(py);
            dict.set_item("timestamp_ms", answered.at_ms)?;
            dict.set_item("traffic_surface", answered.surface)?;
            dict.set_item("client", answered.client)?;
            dict.set_item("endpoint_family", answered.family)?;
            dict.set_item("route", answered.route)?;
            dict.set_item("prompt_hash", answered.prompt_hash.map(|hash| hex(&hash)))?;
            dict.set_item("final_layer", answered.layer)?;
            dict.set_item("resolved_by", answered.deflected.then_some(answered.layer))?;
            dict.set_item("deflected", answered.deflected)?;
            #[allow(clippy::cast_precision_loss)] // a latency in milliseconds
            dict.set_item("latency_ms", answered.latency_us as f64 / 1000.0)?;
            dict.set_item("status_code", answered.status)?;
            dict.set_item("tool", answered.tool)?;
            list.append(dict)?;
        }
        Ok(list)
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Stats>()
}
