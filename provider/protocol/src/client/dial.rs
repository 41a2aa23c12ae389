//! Connections to a provider, with as much or as little TLS as a test wants.

use std::io;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

use super::{ClientError, ClientIdentity};
use crate::handshake::Address;
use crate::tls::{ALPN, SERVER_NAME, crypto};

/// The other side of a TLS connection, and who we claim to be.
#[derive(Clone, Copy)]
pub struct Peer<'a> {
    /// DER of the provider's certificate: the one trusted root.
    pub certificate: &'a [u8],
    /// Our certificate; `None` presents none.
    pub identity: Option<&'a ClientIdentity>,
}

/// A connected socket of either kind.
pub trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

/// Opens a raw connection to `address`, without TLS.
///
/// # Errors
/// The system's reason.
pub async fn open(address: &Address) -> io::Result<Box<dyn Socket>> {
    match address {
        #[cfg(unix)]
        Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        Address::Tcp(address) => Ok(Box::new(TcpStream::connect(address).await?)),
    }
}

/// Connects to a provider at `address`; `peer` is `None` for plaintext, as in debug mode. The channel does
/// not reconnect to another process.
///
/// # Errors
/// [`ClientError::Connect`], [`ClientError::Tls`].
pub async fn dial(address: &Address, peer: Option<Peer<'_>>) -> Result<Channel, ClientError> {
    let tls = peer
        .map(tls_config)
        .transpose()?
        .map(|config| TlsConnector::from(Arc::new(config)));
    let address = address.clone();
    let connector = tower::service_fn(move |_| {
        let (address, tls) = (address.clone(), tls.clone());
        async move {
            let socket = open(&address).await?;
            let stream: Box<dyn Socket> = match tls {
                Some(tls) => Box::new(
                    tls.connect(
                        ServerName::try_from(SERVER_NAME).map_err(io::Error::other)?,
                        socket,
                    )
                    .await?,
                ),
                None => socket,
            };
            io::Result::Ok(TokioIo::new(stream))
        }
    });
    Ok(Endpoint::from_static("http://localhost")
        .connect_with_connector(connector)
        .await?)
}

fn tls_config(peer: Peer<'_>) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(peer.certificate.to_vec()))?;
    let builder = ClientConfig::builder_with_provider(crypto())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots);
    let mut config = match peer.identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let resolver = SingleCertAndKey::from(identity.certified_key());
            builder.with_client_cert_resolver(Arc::new(resolver))
        }
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}
