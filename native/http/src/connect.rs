//! Connections: directly or by a proxy of the environment, with TLS where the address asks for it.

use std::error::Error;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Matcher;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;

use crate::fault::LateError;

type BoxError = Box<dyn Error + Send + Sync>;
type Https<C> = HttpsConnector<C>;

/// A byte stream to the other end, whatever is in between.
pub struct Line {
    inner: Box<dyn Wire>,
    /// Plain HTTP to a proxy that asks for us: requests name the whole address.
    forwarded: bool,
}

trait Wire: Read + Write + Connection + Send + Unpin {}
impl<T: Read + Write + Connection + Send + Unpin> Wire for T {}

impl Read for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl Write for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(context, buffers)
    }
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        self.inner.connected().proxy(self.forwarded)
    }
}

#[derive(Clone)]
enum Route {
    Direct(Https<HttpConnector>),
    Tunnel(Https<Tunnel<Https<HttpConnector>>>),
    Socks(Https<SocksV5<HttpConnector>>),
    Forward { proxy: Uri, connector: Https<HttpConnector> },
}

/// Opens connections to one origin.
#[derive(Clone)]
pub struct Connector {
    route: Route,
    limit: Duration,
}

impl Connector {
    /// How `origin` is reached; `direct`: never by a proxy. `limit`: for name, connection and TLS together. The second value is what
    /// a proxy that asks for us wants to see in each request.
    ///
    /// # Errors
    ///
    /// What stands in the way of TLS: no certificates that could be trusted.
    pub fn new(
        origin: &Uri,
        direct: bool,
        limit: Duration,
        keepalive: Duration,
    ) -> Result<(Self, Option<HeaderValue>), String> {
        let is_tls = origin.scheme_str() == Some("https");
        let proxy = if direct { None } else { Matcher::from_env().intercept(origin) };
        let proxy_is_tls = proxy.as_ref().is_some_and(|proxy| proxy.uri().scheme_str() == Some("https"));
        let config = tls(is_tls || proxy_is_tls)?;
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Shared out among the addresses of a name, so that a dead one leaves time for the others.
        tcp.set_connect_timeout(Some(limit));
        tcp.set_keepalive(Some(keepalive));
        let Some(proxy) = proxy else {
            return Ok((Self { route: Route::Direct(over(&config, true, tcp)), limit }, None));
        };
        let uri = proxy.uri().clone();
        let auth = proxy.basic_auth().cloned();
        if uri.scheme_str().is_some_and(|scheme| scheme.starts_with("socks")) {
            let mut socks = SocksV5::new(uri.clone(), tcp).local_dns(uri.scheme_str() == Some("socks5"));
            if let Some((user, password)) = proxy.raw_auth() {
                socks = socks.with_auth(user.to_owned(), password.to_owned());
            }
            return Ok((Self { route: Route::Socks(over(&config, true, socks)), limit }, None));
        }
        // To the proxy itself HTTP/1.1 only: that is what CONNECT and whole addresses are written in.
        let outer = over(&config, false, tcp);
        if !is_tls {
            return Ok((Self { route: Route::Forward { proxy: uri, connector: outer }, limit }, auth));
        }
        let mut tunnel = Tunnel::new(uri, outer);
        if let Some(auth) = auth {
            tunnel = tunnel.with_auth(auth);
        }
        Ok((Self { route: Route::Tunnel(over(&config, true, tunnel)), limit }, None))
    }
}

fn over<C>(config: &ClientConfig, http2: bool, connector: C) -> Https<C> {
    let builder = HttpsConnectorBuilder::new().with_tls_config(config.clone()).https_or_http();
    if http2 {
        builder.enable_all_versions().wrap_connector(connector)
    } else {
        builder.enable_http1().wrap_connector(connector)
    }
}

/// What is trusted: `SSL_CERT_FILE` and `SSL_CERT_DIR`, else the system's certificates; read only if anything needs them.
fn tls(needed: bool) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if needed {
        let found = rustls_native_certs::load_native_certs();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            let first = found.errors.first().map(ToString::to_string);
            return Err(first.unwrap_or_else(|| "there are no trusted certificates".to_owned()));
        }
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
}

async fn opened<C>(mut connector: C, to: Uri) -> Result<Box<dyn Wire>, BoxError>
where
    C: Service<Uri>,
    C::Response: Wire + 'static,
    C::Error: Into<BoxError>,
{
    std::future::poll_fn(|context| connector.poll_ready(context)).await.map_err(Into::into)?;
    Ok(Box::new(connector.call(to).await.map_err(Into::into)?))
}

impl Service<Uri> for Connector {
    type Response = Line;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Line, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Self { route, limit } = self.clone();
        Box::pin(async move {
            let forwarded = matches!(route, Route::Forward { .. });
            let opening = async {
                match route {
                    Route::Direct(connector) => opened(connector, to).await,
                    Route::Tunnel(connector) => opened(connector, to).await,
                    Route::Socks(connector) => opened(connector, to).await,
                    Route::Forward { proxy, connector } => opened(connector, proxy).await,
                }
            };
            match tokio::time::timeout(limit, opening).await {
                Ok(inner) => Ok(Line { inner: inner?, forwarded }),
                Err(_) => Err(LateError.into()),
            }
        })
    }
}
