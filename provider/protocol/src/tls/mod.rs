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
use rustls::server::NoServerSessionStorage;
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
    pin::check_key(&certificate).map_err(refused)?;
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

    #[test]
    fn unusable_client_certificates_are_refused_with_a_reason() {
        let rsa_or_p256 = {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
            CertificateParams::new(["x".to_owned()])
                .unwrap()
                .self_signed(&key)
                .unwrap()
                .pem()
        };
        for (pem, reason) in [
            ("", "PEM"),
            (
                "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
                "PEM",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "X.509",
            ),
            (rsa_or_p256.as_str(), "P-521"),
        ] {
            let Err(error) = Identity::generate(pem) else {
                panic!("accepted {pem}")
            };
            let message = error.to_string();
            assert!(
                message.contains(reason) && message.contains("PLUGIN_CLIENT_CERT"),
                "{message}"
            );
        }
    }

    #[test]
    fn each_process_gets_its_own_certificate() {
        let (one, two) = (self_signed().unwrap(), self_signed().unwrap());
        assert_ne!(one.0, two.0);
    }
}
