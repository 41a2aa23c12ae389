//! Turns sockets into authenticated connections.
//!
//! Every TLS handshake runs in a task of its own with a deadline, and only so many run at once. A client
//! that sends garbage, trickles bytes or says nothing occupies one of those places for the deadline and
//! then is gone; it never blocks the host.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::Connected;

use crate::listener::{Listener, Socket};
use crate::watchdog::{Live, LiveGuard};

/// Pause after the system refused to accept, for instance for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How connections are let in.
#[derive(Clone)]
pub(crate) struct Gate {
    /// `None` serves plaintext.
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) live: Live,
    pub(crate) handshake_timeout: Duration,
    pub(crate) max_handshakes: usize,
}

impl Gate {
    /// Accepts until nobody wants the connections any more.
    pub(crate) async fn run(self, listener: Listener, ready: mpsc::Sender<io::Result<Connection>>) {
        let places = Arc::new(Semaphore::new(self.max_handshakes));
        // The semaphore is never closed, so acquiring cannot fail.
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let socket = tokio::select! {
                () = ready.closed() => return,
                accepted = listener.accept() => match accepted {
                    Ok(socket) => socket,
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            let (gate, ready) = (self.clone(), ready.clone());
            tokio::spawn(async move {
                let admitted = gate.admit(socket).await;
                drop(place);
                if let Some(connection) = admitted {
                    // Fails when the server has stopped; the connection is then closed by the drop.
                    let _ = ready.send(Ok(connection)).await;
                }
            });
        }
    }

    async fn admit(&self, socket: Socket) -> Option<Connection> {
        let io = match &self.tls {
            None => Either::Left(socket),
            Some(tls) => Either::Right(Box::new(self.handshake(tls, socket).await?)),
        };
        Some(Connection {
            io,
            _live: self.live.enter(),
        })
    }

    async fn handshake(&self, tls: &TlsAcceptor, socket: Socket) -> Option<TlsStream<Socket>> {
        match tokio::time::timeout(self.handshake_timeout, tls.accept(socket)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::warn!(%error, "refused a connection");
                None
            }
            Err(_) => {
                tracing::warn!("refused a connection: its handshake took too long");
                None
            }
        }
    }
}

/// One connection of the host.
pub(crate) struct Connection {
    io: Either<Socket, Box<TlsStream<Socket>>>,
    _live: LiveGuard,
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
