//! Mutual TLS with exactly one peer.
//!
//! The host makes a certificate per plugin process and hands it over in the environment; we make ours and
//! hand it back in the handshake line. [`Identity`] is our half. Clients must prove that they hold the
//! key of the pinned certificate ([`pin`]), so no other local process can drive the provider or read its
//! results. The cryptography provider is chosen here, never through the process-wide default.

mod p521;
mod pin;

use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use rustls::version::TLS13;

use crate::error::ServeError;
use pin::PinnedClient;

/// Application protocol both sides must agree on; newer hosts refuse a server that does not offer it.
pub(crate) const ALPN: &[u8] = b"h2";
/// Name hosts check in our certificate.
pub(crate) const SERVER_NAME: &str = "localhost";

/// This process's certificate and the TLS configuration that uses it.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) config: Arc<ServerConfig>,
}

impl Identity {
    /// Makes a fresh certificate and accepts clients that hold the key of `client_pem` alone.
    pub(crate) fn generate(client_pem: &str) -> Result<Self, ServeError> {
        let client = parse_client(client_pem)?;
        let (certificate, key) = self_signed().map_err(|error| ServeError::Tls(error.into()))?;
        let config = server_config(client, certificate.clone(), key)
            .map_err(|error| ServeError::Tls(error.into()))?;
        Ok(Self {
            certificate,
            config: Arc::new(config),
        })
    }
}

/// The cryptography of this crate.
pub(crate) fn crypto() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Reads the one certificate of `PLUGIN_CLIENT_CERT`.
fn parse_client(pem: &str) -> Result<CertificateDer<'static>, ServeError> {
    let refused = |reason| ServeError::ClientCertificate { reason };
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| refused("it is not a PEM certificate"))?;
    ParsedCertificate::try_from(&certificate)
        .map_err(|_| refused("it is not an X.509 certificate"))?;
    Ok(certificate)
}

fn self_signed() -> Result<(CertificateDer<'static>, PrivatePkcs8KeyDer<'static>), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new([SERVER_NAME.to_owned()])?;
    let now = time::OffsetDateTime::now_utc();
    // Backdated, because the clocks of two processes need not agree to the second.
    params.not_before = now - time::Duration::hours(1);
    params.not_after = now + time::Duration::days(365);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key)?;
    Ok((certificate.der().clone(), key.serialize_der().into()))
}

fn server_config(
    client: CertificateDer<'static>,
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(crypto())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(PinnedClient::new(client)))
        .with_single_cert(vec![certificate], key.into())?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // No resumption: every connection proves possession of the key.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};

    #[test]
    fn unusable_client_certificates_are_refused_with_a_reason() {
        for (body, reason) in [("!!!", "PEM"), ("AAAA", "X.509")] {
            let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
            check_refused(&pem, reason);
        }
        check_refused("", "PEM");
    }

    #[track_caller]
    fn check_refused(pem: &str, reason: &str) {
        let Err(error) = Identity::generate(pem) else {
            panic!("accepted {pem}")
        };
        let message = error.to_string();
        assert!(
            message.contains(reason) && message.contains("PLUGIN_CLIENT_CERT"),
            "{message}"
        );
    }

    /// Shakes hands in memory, with `presented` as the client's certificate and `pinned` as the expected.
    fn handshake(pinned: &Certified, presented: &Certified) -> Result<(), rustls::Error> {
        let (certificate, key) = self_signed().unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let server = server_config(pinned.0.clone(), certificate, key)?;
        let client = ClientConfig::builder_with_provider(crypto())
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![presented.0.clone()], presented.1.clone_key().into())?;
        let name = SERVER_NAME.try_into().unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name)?;
        let mut server = ServerConnection::new(Arc::new(server))?;
        while server.is_handshaking() {
            let mut wire = Vec::new();
            client.write_tls(&mut wire).unwrap();
            server.read_tls(&mut wire.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut wire = Vec::new();
            server.write_tls(&mut wire).unwrap();
            client.read_tls(&mut wire.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        Ok(())
    }

    type Certified = (CertificateDer<'static>, PrivatePkcs8KeyDer<'static>);

    #[test]
    fn hosts_with_another_kind_of_key_are_verified_as_strictly() {
        let (host, other) = (self_signed().unwrap(), self_signed().unwrap());
        let thief = (host.0.clone(), other.1.clone_key());
        assert_eq!(handshake(&host, &host), Ok(()));
        assert!(handshake(&host, &other).is_err());
        assert!(handshake(&host, &thief).is_err());
    }

    #[test]
    fn each_process_gets_its_own_certificate() {
        let (one, two) = (self_signed().unwrap(), self_signed().unwrap());
        assert_ne!(one.0, two.0);
    }
}
