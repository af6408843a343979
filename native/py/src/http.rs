//! `HttpClient`, `HttpCall`: the client under the providers, for an event loop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use isartor_http::call::{Call, Taken};
use isartor_http::client::{Ask, Client, line};
use isartor_http::fault::Fault;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

create_exception!(isartor._native, HttpError, PyException, "A call without a reply: (kind, detail).");

/// Connections to one origin.
#[pyclass(frozen, module = "isartor._native")]
pub struct HttpClient {
    inner: Client,
    waiting: Arc<Waiting>,
}

/// The futures of those who wait, and what they wait for, by the number of the call.
type Futures = HashMap<u64, (Py<PyAny>, Arc<Call>)>;

/// Touched with the GIL only.
#[derive(Default)]
struct Waiting(Mutex<Futures>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Futures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call.
#[pyclass(frozen, module = "isartor._native")]
pub struct HttpCall {
    inner: Arc<Call>,
    waiting: Arc<Waiting>,
}

fn raised(fault: &Fault) -> PyErr {
    let (kind, detail) = fault.told();
    HttpError::new_err((kind, detail.to_owned()))
}

fn secs(secs: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(secs).map_err(|error| PyValueError::new_err(error.to_string()))
}

#[pymethods]
impl HttpClient {
    #[new]
    #[pyo3(signature = (origin, *, direct, connect_secs, silence_secs))]
    fn new(origin: &str, direct: bool, connect_secs: f64, silence_secs: f64) -> PyResult<Self> {
        let inner = Client::new(origin, direct, secs(connect_secs)?, secs(silence_secs)?)
            .map_err(PyValueError::new_err)?;
        Ok(Self { inner, waiting: Arc::default() })
    }

    /// What the event loop watches; when it can be read from, `deliver` is to be called.
    fn fileno(&self) -> i32 {
        self.inner.post.descriptor()
    }

    /// Wakes those who wait for what has come.
    fn deliver(&self, py: Python<'_>) -> PyResult<()> {
        for number in self.inner.post.collect() {
            let waiting = self.waiting.lock().remove(&number);
            if let Some((future, _)) = waiting {
                wake(future.bind(py))?;
            }
        }
        Ok(())
    }

    /// Ends the calls that somebody waits for, and all connections that no other call uses.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.close();
        let waiting = std::mem::take(&mut *self.waiting.lock());
        waiting.into_values().try_for_each(|(future, call)| {
            call.close();
            wake(future.bind(py))
        })
    }

    /// Sends a request. `future` is done when there are the head and `least` bytes of the body, or the end.
    #[pyo3(signature = (future, method, target, headers, body, *, least, total_secs=None))]
    #[allow(clippy::too_many_arguments)] // the parts of a request, and who waits for what
    fn send(
        &self,
        future: Py<PyAny>,
        method: &str,
        target: &str,
        headers: &Bound<'_, PyList>,
        body: &[u8],
        least: usize,
        total_secs: Option<f64>,
    ) -> PyResult<HttpCall> {
        let unfit = |what: &str| PyValueError::new_err(format!("the {what} cannot be sent"));
        let mut lines = http::HeaderMap::with_capacity(headers.len() + 3);
        for pair in headers {
            let pair = pair.cast_into::<PyTuple>()?;
            let (name, value) = (pair.get_borrowed_item(0)?, pair.get_borrowed_item(1)?);
            let (name, value) = (name.cast::<PyString>()?, value.cast::<PyString>()?);
            let Some((name, value)) = line(name.to_str()?, value.to_str()?) else {
                return Err(unfit(&format!("header {}", name.repr()?)));
            };
            lines.append(name, value);
        }
        let ask = Ask {
            method: method.parse().map_err(|_| unfit("method"))?,
            target: target.parse().map_err(|_| unfit("path"))?,
            headers: lines,
            body: bytes::Bytes::copy_from_slice(body),
        };
        let total = total_secs.map(secs).transpose()?;
        let call = self.inner.send(ask, least, total).map_err(|_| unfit("address"))?;
        // The future is found by `deliver`, which runs in this thread.
        self.waiting.lock().insert(call.number, (future, Arc::clone(&call)));
        Ok(HttpCall { inner: call, waiting: Arc::clone(&self.waiting) })
    }
}

fn wake(future: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = future.py();
    if !future.call_method0(pyo3::intern!(py, "done"))?.is_truthy()? {
        future.call_method1(pyo3::intern!(py, "set_result"), (py.None(),))?;
    }
    Ok(())
}

#[pymethods]
impl HttpCall {
    /// Status, headers and the body if all of it has come; `None` before they are there. Raises `HttpError`.
    #[allow(clippy::type_complexity)] // a tuple in Python
    fn head<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<(u16, Bound<'py, PyList>, Option<Bound<'py, PyBytes>>)>> {
        let Some(head) = self.inner.head().map_err(|fault| raised(&fault))? else { return Ok(None) };
        let lines = PyList::empty(py);
        for (name, value) in &head.headers {
            // A value that is not text costs only itself.
            if let Ok(value) = str::from_utf8(value.as_bytes()) {
                lines.append((PyString::intern(py, name.as_str()), value))?;
            }
        }
        let body = self.inner.rest().map(|body| PyBytes::new(py, &body));
        Ok(Some((head.status.as_u16(), lines, body)))
    }

    /// The next piece of the body; `None` at its end, `False` if it is not there yet. Raises `HttpError`.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.inner.take().map_err(|fault| raised(&fault))? {
            Taken::Piece(piece) => Ok(PyBytes::new(py, &piece).into_any()),
            Taken::End => Ok(py.None().into_bound(py)),
            Taken::Nothing => Ok(pyo3::types::PyBool::new(py, false).to_owned().into_any()),
        }
    }

    /// `future` is done when there is something to take; `False` if there is already.
    fn wait(&self, future: Py<PyAny>) -> bool {
        let has_to = self.inner.wait(1);
        if has_to {
            self.waiting.lock().insert(self.inner.number, (future, Arc::clone(&self.inner)));
        }
        has_to
    }

    /// Ends the call if it is not over; who waits for it hears so.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.close();
        let waiting = self.waiting.lock().remove(&self.inner.number);
        waiting.map_or(Ok(()), |(future, _)| wake(future.bind(py)))
    }
}

impl Drop for HttpCall {
    fn drop(&mut self) {
        self.inner.close();
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("HttpError", module.py().get_type::<HttpError>())?;
    module.add_class::<HttpClient>()?;
    module.add_class::<HttpCall>()
}
