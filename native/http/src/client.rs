//! A pool of connections to one provider, and how a call begins.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::call::{Call, Head};
use crate::connect::Connector;
use crate::decode::Decoder;
use crate::fault::{Fault, LateError, chain, innermost};
use crate::post::Post;
use crate::runtime;

/// HTTP/2's default windows of 64 KiB would stall a fast reply once per round trip. A stream's window bounds what a slow client can
/// pile up here. The connection's is out of reach on purpose: it is shared, and a few slow clients that fill it would stall every
/// other reply on the same connection.
const STREAM_WINDOW: u32 = 512 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024 * 1024;
/// Shorter than the idle limit of common servers and load balancers (60 s and more): the side that waits longer is the one that
/// sends a request into a connection just being closed.
const IDLE: Duration = Duration::from_secs(50);
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_ANSWER: Duration = Duration::from_secs(10);

/// A request.
#[derive(Debug)]
pub struct Ask {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub target: PathAndQuery,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Connections to one origin.
pub struct Client {
    /// None once it is closed.
    pool: Mutex<Option<Pool<Connector, Full<Bytes>>>>,
    scheme: Scheme,
    authority: Authority,
    proxy_auth: Option<HeaderValue>,
    silence: Duration,
    runtime: Handle,
    /// Where it rings when calls have something.
    pub post: Arc<Post>,
    next: AtomicU64,
}

impl Client {
    /// A pool without connections. `direct`: never by a proxy. `connect`, `silence`: limits.
    ///
    /// # Errors
    ///
    /// What stands in the way, in words.
    pub fn new(origin: &str, direct: bool, connect: Duration, silence: Duration) -> Result<Self, String> {
        let origin: Uri = origin.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
        let parts = origin.clone().into_parts();
        let (Some(scheme), Some(authority)) = (parts.scheme, parts.authority) else {
            return Err("the address has no scheme or no host".to_owned());
        };
        let (connector, proxy_auth) = Connector::new(&origin, direct, connect, KEEPALIVE)?;
        let runtime = runtime::handle().map_err(|error| error.to_string())?;
        let pool = Pool::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(KEEPALIVE)
            .http2_keep_alive_timeout(KEEPALIVE_ANSWER)
            .build(connector);
        let post = Arc::new(Post::new().map_err(|error| error.to_string())?);
        let pool = Mutex::new(Some(pool));
        Ok(Self { pool, scheme, authority, proxy_auth, silence, runtime, post, next: AtomicU64::new(0) })
    }

    /// Lets go of all connections that no call uses. Whatever is sent afterwards has ended already.
    pub fn close(&self) {
        *self.pool.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Sends a request. The post rings when there are the head and `least` bytes of the body, or the end, which comes after `total`
    /// at the latest.
    ///
    /// # Errors
    ///
    /// If the request cannot be written.
    pub fn send(&self, ask: Ask, least: usize, total: Option<Duration>) -> Result<Arc<Call>, http::Error> {
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(ask.target)
            .build()?;
        let mut request = Request::new(Full::new(ask.body));
        *request.method_mut() = ask.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = ask.headers;
        let headers = request.headers_mut();
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
        if let Some(auth) = &self.proxy_auth {
            headers.insert(PROXY_AUTHORIZATION, auth.clone());
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let call = Arc::new(Call::new(number, Arc::clone(&self.post), least));
        let (silence, taken) = (self.silence, Arc::clone(&call));
        let Some(pool) = self.pool.lock().unwrap_or_else(PoisonError::into_inner).clone() else {
            call.close();
            return Ok(call);
        };
        let task = self.runtime.spawn(async move {
            let taken = Watched(taken);
            let taken = &taken.0;
            let carried = carry(taken, &pool, request, silence);
            let end = match total {
                None => carried.await,
                Some(total) => timeout(total, carried).await.unwrap_or(Err(Fault::Total)),
            };
            taken.over(end);
        });
        call.runs(task.abort_handle());
        Ok(call)
    }
}

/// A call whose task may fail: whoever waits for it shall not wait for ever.
struct Watched(Arc<Call>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.over(Err(Fault::Head("the HTTP client failed".to_owned())));
    }
}

/// Brings the reply into the call, to its end.
async fn carry(
    call: &Call,
    pool: &Pool<Connector, Full<Bytes>>,
    request: Request<Full<Bytes>>,
    silence: Duration,
) -> Result<(), Fault> {
    let reply = timeout(silence, pool.request(request)).await.map_err(|_| Fault::Silence)?;
    let (parts, mut body) = reply.map_err(|error| unanswered(&error))?.into_parts();
    let decoder = Decoder::of(&parts.headers);
    call.begun(Head { status: parts.status, headers: parts.headers });
    let mut decoder = decoder.map_err(Fault::Body)?;
    while let Some(frame) = timeout(silence, body.frame()).await.map_err(|_| Fault::Silence)? {
        let frame = frame.map_err(|error| Fault::Body(innermost(&error)))?;
        let Ok(mut piece) = frame.into_data() else { continue };
        while !piece.is_empty() {
            let bite = piece.split_to(piece.len().min(decoder.bite()));
            call.put(decoder.feed(bite).map_err(Fault::Body)?).await;
        }
    }
    call.put(decoder.end().map_err(Fault::Body)?).await;
    Ok(())
}

fn unanswered(error: &hyper_util::client::legacy::Error) -> Fault {
    let late = |cause: &(dyn Error + 'static)| {
        let io = cause.downcast_ref::<io::Error>();
        cause.is::<LateError>() || io.is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
    };
    if error.is_connect() && chain(error).any(late) {
        Fault::ConnectTime
    } else if error.is_connect() {
        Fault::Connect(innermost(error))
    } else {
        Fault::Head(innermost(error))
    }
}

/// A header line; `None` if HTTP cannot carry it.
#[must_use]
pub fn line(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    Some((name, HeaderValue::from_bytes(value.as_bytes()).ok()?))
}
