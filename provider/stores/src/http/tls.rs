//! Which servers are trusted and which certificate this client shows.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use secret_value::Secret;

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;

/// Largest file with certificates.
const MAX_PEM_BYTES: u64 = 4 * 1024 * 1024;

/// Certificates; the default trusts what the system trusts.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsOptions {
    /// Files with the authorities to trust instead of those of the system, PEM.
    pub(crate) ca_files: Vec<PathBuf>,
    /// Folders of such files.
    pub(crate) ca_folders: Vec<PathBuf>,
    /// Authorities to trust instead of those of the system, as PEM text.
    pub(crate) ca_pem: Option<String>,
    /// The certificate chain and private key of this client, PEM.
    pub(crate) client: Option<ClientIdentity>,
    /// Trust any certificate. Only where a block says so in so many words.
    pub(crate) skip_verify: bool,
    /// The name that is asked for (SNI) and that the certificate must have, instead of the host.
    pub(crate) server_name: Option<String>,
}

/// What this client shows to servers that ask who it is.
#[derive(Clone, Debug)]
pub(crate) struct ClientIdentity {
    /// Certificate chain, PEM.
    pub(crate) certificate: Vec<u8>,
    /// Private key, PEM (PKCS#8, PKCS#1 or SEC1).
    pub(crate) key: Secret,
}

/// The TLS configuration for `options`.
///
/// # Errors
/// `config` or `io`, naming the file.
pub(super) fn config(environment: &Environment, options: &TlsOptions) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| broken("TLS cannot be set up").with_source(error))?;
    let builder = if options.skip_verify {
        tracing::warn!("certificates of servers are not verified, as the configuration says");
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verify::Nothing(provider)))
    } else {
        let roots = roots(environment, options)?;
        let verifier =
            rustls::client::WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(|error| {
                    broken("there is no certificate authority to trust").with_source(error)
                })?;
        builder.with_webpki_verifier(verifier)
    };
    match &options.client {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let chain = certificates(&identity.certificate)
                .filter(|chain| !chain.is_empty())
                .ok_or_else(|| broken("the client certificate is not PEM"))?;
            #[expect(
                clippy::disallowed_methods,
                reason = "the key of the client's own certificate is handed to TLS"
            )]
            let key = PrivateKeyDer::from_pem_slice(identity.key.expose())
                .map_err(|_| broken("the client key is not PEM"))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|_| broken("the client certificate and the client key do not fit"))
        }
    }
}

fn roots(environment: &Environment, options: &TlsOptions) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let chosen =
        options.ca_pem.is_some() || !options.ca_files.is_empty() || !options.ca_folders.is_empty();
    if !chosen {
        let native = rustls_native_certs::load_native_certs();
        let (added, _) = roots.add_parsable_certificates(native.certs);
        if added == 0 {
            return Err(broken("the system has no certificate authorities").with_help(
                "install them (the package is usually called ca-certificates), or name an authority in the store block",
            ));
        }
        return Ok(roots);
    }
    if let Some(pem) = &options.ca_pem {
        add(&mut roots, "ca_pem", pem.as_bytes())?;
    }
    for path in &options.ca_files {
        add_file(&mut roots, &environment.directory().join(path))?;
    }
    for folder in &options.ca_folders {
        let folder = environment.directory().join(folder);
        let fail = |error: std::io::Error| {
            broken("the folder with certificate authorities cannot be read")
                .with_context("folder", folder.display())
                .with_source(error)
        };
        let entries = std::fs::read_dir(&folder).map_err(fail)?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(fail)?;
        paths.retain(|path| path.is_file());
        paths.sort();
        for path in paths {
            add_file(&mut roots, &path)?;
        }
    }
    Ok(roots)
}

fn add_file(roots: &mut RootCertStore, path: &std::path::Path) -> Result<()> {
    // A missing file must not look like a missing secret, which may be allowed to be missing.
    let pem = files::read_limited(Operation::Configure, path, MAX_PEM_BYTES).map_err(|error| {
        broken("the file with certificate authorities cannot be read")
            .with_context("file", path.display())
            .with_source(error)
    })?;
    add(roots, &path.display().to_string(), &pem)
}

fn add(roots: &mut RootCertStore, place: &str, pem: &[u8]) -> Result<()> {
    let certificates = certificates(pem).unwrap_or_default();
    let (added, _) = roots.add_parsable_certificates(certificates);
    if added == 0 {
        return Err(
            broken("there is no certificate of an authority in PEM form")
                .with_context("file", place),
        );
    }
    Ok(())
}

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<std::result::Result<Vec<_>, _>>()
        .ok()
}

/// The name to ask servers for, instead of their host.
///
/// # Errors
/// `config` for what is no name of a host.
pub(super) fn server_name(options: &TlsOptions) -> Result<Option<ServerName<'static>>> {
    let parse = |name: &String| {
        ServerName::try_from(name.clone())
            .map_err(|_| broken("the server name is no name of a host"))
    };
    options.server_name.as_ref().map(parse).transpose()
}

fn broken(message: &str) -> StoreError {
    StoreError::new(ErrorKind::Config, Operation::Configure, message)
}

/// What is wrong with the certificate of a server, when that is why there was no answer.
pub(crate) fn certificate_problem(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        match error.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(problem)) => return Some(problem.to_string()),
            Some(rustls::Error::NoCertificatesPresented) => {
                return Some("it shows none".to_owned());
            }
            _ => {}
        }
        // An input or output error tells the source of what it holds, and leaves that out; they are nested.
        let inner = error.downcast_ref::<std::io::Error>();
        next = match inner.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// The verifier that is none.
mod verify {
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    /// Trusts whoever answers; the connection is encrypted all the same.
    #[derive(Debug)]
    pub(super) struct Nothing(pub(super) Arc<CryptoProvider>);

    impl ServerCertVerifier for Nothing {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> std::result::Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> std::result::Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(
                message,
                cert,
                dss,
                &self.0.signature_verification_algorithms,
            )
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> std::result::Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(
                message,
                cert,
                dss,
                &self.0.signature_verification_algorithms,
            )
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
