//! Accepts one client certificate, byte for byte, and checks that the client holds its key.
//!
//! The usual chain verifier cannot do this: hosts mark their self-signed certificate as an authority,
//! which it refuses as `CaUsedAsEndEntity`. With the certificate pinned there is no chain to verify.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime, alg_id};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::p521::ALGORITHMS;

/// Verifier for the client that owns one certificate. Client authentication is mandatory.
#[derive(Debug)]
pub(super) struct PinnedClient {
    certificate: CertificateDer<'static>,
}

impl PinnedClient {
    pub(super) fn new(certificate: CertificateDer<'static>) -> Self {
        Self { certificate }
    }
}

impl ClientCertVerifier for PinnedClient {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if end_entity.as_ref() == self.certificate.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &ALGORITHMS)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &ALGORITHMS)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ALGORITHMS.supported_schemes()
    }
}

/// Tells early, and in words, that a client certificate could never be verified.
pub(super) fn check_key(certificate: &CertificateDer<'_>) -> Result<(), &'static str> {
    let parsed =
        ParsedCertificate::try_from(certificate).map_err(|_| "it is not an X.509 certificate")?;
    let key = parsed.subject_public_key_info();
    let is_p521 = key
        .as_ref()
        .windows(alg_id::ECDSA_P521.len())
        .any(|part| part == alg_id::ECDSA_P521.as_ref());
    is_p521.then_some(()).ok_or("its key is not ECDSA on P-521")
}
