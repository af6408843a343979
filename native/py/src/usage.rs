//! `UsageLog`, `Rollup`: what requests used and saved.

use std::fs::File;
use std::io;
use std::num::NonZero;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use isartor_core::exact::Source;
use isartor_core::usage::log::{Event, Log};
use isartor_core::usage::origins::Rates;
use isartor_core::usage::rollup::{self, Dimension, Sums, Value};
use isartor_core::usage::{Tokens, small};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::gate::Head;
use crate::gil::released;
use crate::stats::{LAYERS, Moment};

/// How much of the file is read at once; a longer line is none of ours.
const PIECE: usize = 1 << 20;
/// What is at least worth a thread of its own.
const PART: u64 = 16 << 20;
const MOST_THREADS: usize = 4;

/// Events on their way to the log file.
#[pyclass(frozen, module = "isartor._native")]
pub struct UsageLog {
    pub inner: Arc<Log>,
}

/// Input, output, cached, cache writes, reasoning; and whether it is an estimate.
pub type Tally = (Count, Count, Count, Count, Count, bool);

/// A count of tokens. A provider may tell anything: what is no count is the nearest one.
pub struct Count(u32);

impl<'py> FromPyObject<'_, 'py> for Count {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let count = match value.extract::<i64>() {
            Ok(count) => u32::try_from(count.max(0)).unwrap_or(u32::MAX),
            Err(_) if value.gt(0)? => u32::MAX,
            Err(_) => 0,
        };
        Ok(Self(count))
    }
}

/// The tokens of a tally.
pub fn told((input, output, cached, cache_write, reasoning, estimated): Tally) -> Tokens {
    Tokens {
        input: input.0,
        output: output.0,
        cached: cached.0,
        cache_write: cache_write.0,
        reasoning: reasoning.0,
        estimated,
    }
}

/// A hit is over: what it saved.
pub fn saved(log: &Log, head: &Head, moment: Moment, source: Source, layer: &'static str) {
    log.push(Event {
        at_ms: moment.at_ms,
        origin: source.origin,
        tenant: log.tenant(&head.inner.tenant),
        tool: head.inner.tool,
        layer,
        tokens: source.tokens,
        latency_us: small(moment.latency_us),
        status: 200,
        deflected: true,
        requests: 1,
    });
}

#[pymethods]
impl UsageLog {
    #[new]
    #[pyo3(signature = (*, capacity, tenants))]
    fn new(capacity: usize, tenants: std::collections::HashMap<[u8; 16], String>) -> Self {
        Self { inner: Arc::new(Log::new(capacity, tenants)) }
    }

    /// Takes an event.
    #[pyo3(signature = (head, provider, model, tenant, layer, status, tally, latency_ms, *, deflected=false, requests=1))]
    #[allow(clippy::too_many_arguments)] // members of one event
    fn record(
        &self,
        head: &Head,
        provider: &str,
        model: &str,
        tenant: &str,
        layer: &str,
        status: u16,
        tally: Tally,
        latency_ms: f64,
        deflected: bool,
        requests: u32,
    ) {
        let log = &self.inner;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a latency, held within a u32
        let microseconds = (latency_ms * 1000.0).clamp(0.0, f64::from(u32::MAX)) as u32;
        log.push(Event {
            at_ms: Moment::of(head).at_ms,
            origin: log.origins.number(provider, model),
            tenant: log.label(tenant),
            tool: head.inner.tool,
            layer: LAYERS.iter().find(|name| **name == layer).copied().unwrap_or("l0"),
            tokens: told(tally),
            latency_us: microseconds,
            status,
            deflected,
            requests,
        });
    }

    /// Says what a token of a provider's model costs, in US dollars.
    #[pyo3(signature = (provider, model, *, input, output, cached, cache_write))]
    fn price(&self, provider: &str, model: &str, input: f64, output: f64, cached: f64, cache_write: f64) {
        self.inner.origins.price(provider, model, Rates { input, output, cached, cache_write });
    }

    /// Providers and models whose price nobody has told yet.
    fn unpriced(&self) -> Vec<(String, String)> {
        self.inner.origins.unpriced()
    }

    /// Waits until there is a full batch, or the time is over, or `wake`; whether there is anything.
    fn wait(&self, py: Python<'_>, secs: f64) -> bool {
        let time = Duration::try_from_secs_f64(secs).unwrap_or_default();
        released(py, || self.inner.wait(time))
    }

    /// Ends a wait.
    fn wake(&self, py: Python<'_>) {
        released(py, || self.inner.wake());
    }

    /// Takes out what waits, as lines; about `most` bytes of them at most, oldest first.
    fn drain<'py>(&self, py: Python<'py>, most: usize) -> Bound<'py, PyBytes> {
        let lines = released(py, || self.inner.drain(most));
        PyBytes::new(py, &lines)
    }

    /// Events that wait.
    #[getter]
    fn pending(&self) -> usize {
        self.inner.pending()
    }

    /// Requests that were told of.
    #[getter]
    fn recorded(&self) -> u64 {
        self.inner.counts().0
    }

    /// Those of them that found no room.
    #[getter]
    fn lost(&self) -> u64 {
        self.inner.counts().1
    }
}

/// How far which file has been read.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Place {
    device: u64,
    inode: u64,
    offset: u64,
}

/// Sums over a log file, read as far as it has grown.
#[pyclass(frozen, module = "isartor._native")]
pub struct Rollup {
    path: PathBuf,
    inner: Mutex<(rollup::Rollup, Place)>,
}

impl Rollup {
    fn grow(&self) -> io::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let (sums, place) = &mut *inner;
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                *inner = Default::default();
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let about = file.metadata()?;
        if (place.device, place.inode) != (about.dev(), about.ino()) || about.len() < place.offset {
            // Another file, or cut down.
            *sums = rollup::Rollup::default();
            *place = Place { device: about.dev(), inode: about.ino(), offset: 0 };
        }
        let bounds = bounds(&file, place.offset, about.len())?;
        let parts: Vec<io::Result<(rollup::Rollup, u64)>> = thread::scope(|scope| {
            let file = &file;
            let reads: Vec<_> =
                bounds.windows(2).map(|ends| scope.spawn(move || part(file, ends[0], ends[1]))).collect();
            let failed = || io::Error::other("a thread failed");
            reads.into_iter().map(|read| read.join().unwrap_or_else(|_| Err(failed()))).collect()
        });
        for part in parts {
            let (part, end) = part?;
            sums.merge(&part);
            place.offset = end;
        }
        Ok(())
    }
}

/// The ends of the parts that are read at the same time, each after a line's end.
fn bounds(file: &File, start: u64, end: u64) -> io::Result<Vec<u64>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS) as u64;
    let size = ((end - start) / threads).max(PART);
    let mut bounds = vec![start];
    let mut piece = vec![0; PIECE];
    let mut at = start + size;
    while at + PART < end {
        let read = file.read_at(&mut piece, at)?;
        match piece[..read].iter().position(|byte| *byte == b'\n') {
            Some(place) => {
                at += place as u64 + 1;
                bounds.push(at);
                at += size;
            }
            None => at += PIECE as u64,
        }
    }
    bounds.push(end);
    Ok(bounds)
}

/// The sums of the lines between two places, and where the last one ends.
fn part(file: &File, start: u64, end: u64) -> io::Result<(rollup::Rollup, u64)> {
    let mut sums = rollup::Rollup::default();
    let mut piece = vec![0; PIECE];
    let (mut at, mut held) = (start, 0);
    loop {
        let left = end - at - held as u64;
        let room = PIECE - held;
        let most = usize::try_from(left).map_or(room, |left| left.min(room));
        let read = file.read_at(&mut piece[held..held + most], at + held as u64)?;
        if read == 0 {
            return Ok((sums, at));
        }
        held += read;
        let mut done = sums.feed(&piece[..held]);
        if done == 0 && held == PIECE {
            sums.skipped();
            done = held;
        }
        piece.copy_within(done..held, 0);
        held -= done;
        at += done as u64;
    }
}

fn dict<'py>(py: Python<'py>, sums: &Sums) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("requests", sums.requests)?;
    dict.set_item("estimated", sums.estimated)?;
    dict.set_item("prompt_tokens", sums.input)?;
    dict.set_item("completion_tokens", sums.output)?;
    dict.set_item("cached_tokens", sums.cached)?;
    dict.set_item("cache_write_tokens", sums.cache_write)?;
    dict.set_item("reasoning_tokens", sums.reasoning)?;
    dict.set_item("cost_usd", sums.cost)?;
    dict.set_item("saved_usd", sums.saved)?;
    dict.set_item("latency_ms", sums.latency_ms)?;
    Ok(dict)
}

#[pymethods]
impl Rollup {
    #[new]
    fn new(path: PathBuf) -> Self {
        Self { path, inner: Mutex::default() }
    }

    /// Reads what the file has grown by.
    fn read(&self, py: Python<'_>) -> PyResult<()> {
        Ok(released(py, || self.grow())?)
    }

    /// Sums since the hour of that second (since 1970), by these dimensions.
    #[allow(clippy::needless_pass_by_value)] // it is made of Python's list
    fn report<'py>(
        &self,
        py: Python<'py>,
        since_secs: u64,
        by: Vec<String>,
    ) -> PyResult<Vec<(Bound<'py, PyTuple>, Bound<'py, PyDict>)>> {
        let named = |name: &String| {
            Dimension::named(name).ok_or_else(|| PyValueError::new_err(format!("no such dimension: {name}")))
        };
        let by: Vec<Dimension> = by.iter().map(named).collect::<PyResult<_>>()?;
        let rows = released(py, || {
            self.inner.lock().unwrap_or_else(PoisonError::into_inner).0.report(since_secs, &by)
        });
        rows.iter()
            .map(|(values, sums)| {
                let values = values.iter().map(|value| match value {
                    Value::Number(number) => Ok(number.into_pyobject(py)?.into_any()),
                    Value::Name(name) => Ok(name.into_pyobject(py)?.into_any()),
                });
                let values = values.collect::<PyResult<Vec<_>>>()?;
                Ok((PyTuple::new(py, values)?, dict(py, sums)?))
            })
            .collect()
    }

    /// Lines that were read, and those that could not be.
    #[getter]
    fn lines(&self) -> (u64, u64) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).0.counts()
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<UsageLog>()?;
    module.add_class::<Rollup>()
}
