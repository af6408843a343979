//! `gather`, `Complete`: a reply's bytes, and what they made.

use std::borrow::Cow;

use isartor_core::endpoint::Endpoint;
use isartor_core::request::{self, Wants};
use isartor_core::sse::{self, Form, ReplayOptions};
use isartor_core::usage::{Tokens, small};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::exact::Request;
use crate::gate::endpoint;
use crate::gil::detached;

/// Where a provider tells nothing: a token is about so much text.
const CHARS_PER_TOKEN: usize = 4;

/// A complete reply, in every form.
#[pyclass(frozen, module = "isartor._native")]
pub struct Complete {
    pub endpoint: Endpoint,
    pub reply: sse::Reply,
}

fn form(name: &str) -> PyResult<Form> {
    match name {
        "json" => Ok(Form::Json),
        "sse" => Ok(Form::Sse),
        "json-array" => Ok(Form::JsonArray),
        _ => Err(PyValueError::new_err("form is json, sse or json-array")),
    }
}

/// Whether one of two texts is anywhere in a body.
#[pyfunction]
fn holds(body: &[u8], one: &[u8], other: &[u8]) -> bool {
    request::holds(body, one) || request::holds(body, other)
}

/// The reply that a whole body is, or a token that says why it may not be stored; `limit_bytes`: the largest there is.
#[pyfunction]
fn gather<'py>(
    py: Python<'py>,
    number: usize,
    form_name: &str,
    body: &[u8],
    limit_bytes: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let endpoint = endpoint(number)?;
    let mut tee = sse::Tee::new(endpoint, form(form_name)?, limit_bytes);
    tee.feed(body);
    match detached(py, tee.len(), || tee.finish()) {
        Ok(reply) => Ok(Bound::new(py, Complete { endpoint, reply })?.into_any()),
        Err(refusal) => Ok(PyString::intern(py, refusal.token()).into_any()),
    }
}

impl Complete {
    /// What it took; `input` tokens by estimate, where the reply does not say.
    pub fn tokens(&self, input: u64) -> Tokens {
        let (json, told) = (&self.reply.json, Tokens::from(self.reply.usage));
        if told.input > 0 || told.output > 0 {
            return told;
        }
        let written = sse::answer_text(self.endpoint, json).map_or(json.len(), |text| text.chars().count());
        let output = small((written / CHARS_PER_TOKEN) as u64);
        Tokens { input: small(input), output, estimated: true, ..Tokens::default() }
    }

    /// The body in the form the client asked for.
    pub fn render<'a>(
        endpoint: Endpoint,
        json: &'a [u8],
        stream: Option<&'a [u8]>,
        wants: Wants,
    ) -> Option<Cow<'a, [u8]>> {
        if !wants.stream {
            return Some(Cow::Borrowed(json));
        }
        let form = if wants.sse { Form::Sse } else { Form::JsonArray };
        let options = ReplayOptions { include_usage: wants.include_usage, form };
        sse::replay(endpoint, json, stream, &options).ok()
    }
}

#[pymethods]
impl Complete {
    /// The reply as JSON.
    #[getter]
    fn json<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.reply.json)
    }

    /// The reply's text; `None` if there is more to it than text, or more than one answer.
    fn text(&self, py: Python<'_>) -> Option<String> {
        detached(py, self.reply.json.len(), || sse::answer_text(self.endpoint, &self.reply.json))
    }

    /// What it took: input, output, cached, cache writes, reasoning; and whether that is an estimate, which it is where
    /// the reply does not say: then of `input` tokens.
    fn tally(&self, input: u64) -> (u32, u32, u32, u32, u32, bool) {
        let tokens = self.tokens(input);
        let Tokens { input, output, cached, cache_write, reasoning, estimated } = tokens;
        (input, output, cached, cache_write, reasoning, estimated)
    }

    /// The body in the form that the request asks for.
    fn render_for<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyBytes>> {
        Self::render(self.endpoint, &self.reply.json, self.reply.stream.as_deref(), request.inner.wants)
            .map(|body| PyBytes::new(py, &body))
            .ok_or_else(|| PyValueError::new_err("the reply has no stream form"))
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(gather, module)?)?;
    module.add_function(wrap_pyfunction!(holds, module)?)?;
    module.add_class::<Complete>()
}
