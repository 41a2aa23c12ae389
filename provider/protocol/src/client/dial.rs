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
use tokio_rustls::client::TlsStream;
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

/// Opens a TLS connection to `address`. A provider that refuses the client says so only afterwards, in the
/// first read.
///
/// # Errors
/// The system's reason, or the TLS library's.
pub async fn open_tls(
    address: &Address,
    config: Arc<ClientConfig>,
) -> io::Result<TlsStream<Box<dyn Socket>>> {
    let name = ServerName::try_from(SERVER_NAME).map_err(io::Error::other)?;
    let socket = open(address).await?;
    TlsConnector::from(config).connect(name, socket).await
}

/// Connects to a provider at `address`; `peer` is `None` for plaintext, as in debug mode. The channel
/// connects anew, to the same address, when its connection is lost.
///
/// # Errors
/// [`ClientError::Connect`], [`ClientError::Tls`].
pub async fn dial(address: &Address, peer: Option<Peer<'_>>) -> Result<Channel, ClientError> {
    let config = peer.map(tls_config).transpose()?.map(Arc::new);
    let address = address.clone();
    let connector = tower::service_fn(move |_| {
        let (address, config) = (address.clone(), config.clone());
        async move {
            let stream: Box<dyn Socket> = match config {
                Some(config) => Box::new(open_tls(&address, config).await?),
                None => open(&address).await?,
            };
            io::Result::Ok(TokioIo::new(stream))
        }
    });
    let endpoint = Endpoint::from_static("http://localhost");
    Ok(endpoint.connect_with_connector(connector).await?)
}

/// The TLS configuration a host would use towards `peer`.
///
/// # Errors
/// When the provider's certificate cannot be a root.
pub fn tls_config(peer: Peer<'_>) -> Result<ClientConfig, rustls::Error> {
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
