//! A certificate authority of a test's own, and the certificates it issues.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoClientAuth, WebPkiClientVerifier};

/// A certificate and its key, as PEM.
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key, PKCS #8.
    pub key_pem: String,
}

/// What is wrong with a server certificate that a client must refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It ended in 2021.
    Expired,
    /// It names another host.
    OtherHost,
}

/// The authority.
pub struct Authority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority that nobody trusts yet.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(name: &str) -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate_pem = params.self_signed(&key)?.pem();
        Ok(Self {
            certificate_pem,
            issuer: Issuer::new(params, key),
        })
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Writes the authority's certificate to `ca.pem` in `folder`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let path = folder.join("ca.pem");
        std::fs::write(&path, &self.certificate_pem)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// A certificate of a server on this machine.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn server_certificate(&self) -> Result<Issued> {
        self.issue(&server("localhost")?)
    }

    /// A server certificate with a flaw.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn flawed_certificate(&self, flaw: Flaw) -> Result<Issued> {
        let params = match flaw {
            Flaw::Expired => {
                let mut params = server("localhost")?;
                params.not_before = date_time_ymd(2020, 1, 1);
                params.not_after = date_time_ymd(2021, 1, 1);
                params
            }
            Flaw::OtherHost => {
                let mut params = server("elsewhere.example")?;
                params
                    .subject_alt_names
                    .retain(|name| !matches!(name, SanType::IpAddress(_)));
                params
            }
        };
        self.issue(&params)
    }

    /// A certificate by which a client called `name` proves who it is.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn client_certificate(&self, name: &str) -> Result<Issued> {
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> Result<Issued> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        })
    }
}

impl Issued {
    /// Writes `<name>.pem` and `<name>.key.pem` into `folder`; returns their paths.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Result<(PathBuf, PathBuf)> {
        let certificate = folder.join(format!("{name}.pem"));
        let key = folder.join(format!("{name}.key.pem"));
        std::fs::write(&certificate, &self.certificate_pem)?;
        std::fs::write(&key, &self.key_pem)?;
        Ok((certificate, key))
    }

    /// How a server of ours shows this certificate.
    ///
    /// # Errors
    /// When certificate and key do not fit.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>> {
        self.server_config_with(Arc::new(NoClientAuth))
    }

    /// The same, asking clients for a certificate of `authority`; they may have none.
    ///
    /// # Errors
    /// When certificate and key do not fit.
    pub fn server_config_for_clients_of(&self, authority: &Authority) -> Result<Arc<ServerConfig>> {
        let mut roots = rustls::RootCertStore::empty();
        let own = CertificateDer::from_pem_slice(authority.certificate_pem.as_bytes())?;
        roots.add(own)?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        self.server_config_with(verifier.allow_unauthenticated().build()?)
    }

    fn server_config_with(
        &self,
        clients: Arc<dyn rustls::server::danger::ClientCertVerifier>,
    ) -> Result<Arc<ServerConfig>> {
        let certificate = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate], key)?;
        Ok(Arc::new(config))
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn server(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new([name.to_owned()])?;
    params
        .subject_alt_names
        .push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    params.distinguished_name.push(DnType::CommonName, name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // Members of an OpenBao cluster show their server certificate to each other as clients, too.
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    Ok(params)
}
