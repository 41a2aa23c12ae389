//! The HTTP server below every double and proxy of ours: one thread, one handler, TLS when asked for.
//! Besides answering, a handler can break the connection or never answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustix::net::sockopt::set_socket_linger;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// A body that may fail on the way.
pub(super) type Body = BoxBody<Bytes, std::io::Error>;

/// What a handler does with a request.
pub(super) enum Reply {
    /// Answer it.
    Answer(Response<Body>),
    /// Answer nothing and reset the connection.
    Reset,
    /// Answer nothing and keep the connection open until the client gives up.
    Silence,
}

/// The certificate that a client proved to have, DER: an extension of its requests.
#[derive(Clone, Debug)]
pub(super) struct PeerCertificate(pub(super) Bytes);

/// Decides about one request, whose body is complete.
pub(super) type Handler =
    Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Reply> + Send + Sync + 'static>;

/// A running server; it ends when this is dropped.
pub(super) struct HttpServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl HttpServer {
    /// Listens on a free port of 127.0.0.1 and answers every request with `handler`.
    pub(super) fn start(tls: Option<Arc<ServerConfig>>, handler: Handler) -> Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("http server".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        _ = accept(listener, tls.map(TlsAcceptor::from), handler) => {}
                        _ = stopped => {}
                    }
                });
                runtime.shutdown_timeout(Duration::from_secs(1));
            })
            .context("cannot start a thread")?;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A whole body.
pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}

/// A JSON answer.
pub(super) fn json(status: u16, value: &serde_json::Value) -> Reply {
    let mut response = Response::new(full(value.to_string()));
    *response.status_mut() =
        hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        hyper::header::CONTENT_TYPE,
        hyper::header::HeaderValue::from_static("application/json"),
    );
    Reply::Answer(response)
}

async fn accept(
    listener: std::net::TcpListener,
    tls: Option<TlsAcceptor>,
    handler: Handler,
) -> std::io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection(stream, tls.clone(), Arc::clone(&handler)));
    }
}

/// Serves one connection. What goes wrong on it is the client's to notice.
async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, handler: Handler) {
    let Ok(stream) = stream.into_std() else {
        return;
    };
    // A second handle on the socket, through which a handler can make closing it a reset.
    let Ok(handle) = stream.try_clone() else {
        return;
    };
    let Ok(stream) = TcpStream::from_std(stream) else {
        return;
    };
    let handle = Arc::new(handle);
    match tls {
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                let shown = stream.get_ref().1.peer_certificates();
                let shown = shown.and_then(|chain| chain.first());
                let peer = shown.map(|der| PeerCertificate(Bytes::copy_from_slice(der)));
                serve(stream, handler, (handle, peer)).await;
            }
        }
        None => serve(stream, handler, (handle, None)).await,
    }
}

/// Serves one connection, of which the socket and the certificate of the client are known.
async fn serve<S>(
    stream: S,
    handler: Handler,
    (handle, peer): (Arc<std::net::TcpStream>, Option<PeerCertificate>),
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = Arc::clone(&handler);
        let handle = Arc::clone(&handle);
        let peer = peer.clone();
        async move {
            let (mut parts, body) = request.into_parts();
            if let Some(peer) = peer {
                parts.extensions.insert(peer);
            }
            let body = body.collect().await.map_err(std::io::Error::other)?;
            match handler(Request::from_parts(parts, body.to_bytes())).await {
                Reply::Answer(response) => Ok(response),
                Reply::Reset => {
                    set_socket_linger(&*handle, Some(Duration::ZERO))?;
                    Err(std::io::Error::other("reset on purpose"))
                }
                Reply::Silence => std::future::pending().await,
            }
        }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
