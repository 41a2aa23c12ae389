//! The connection to one cluster, made when first used.

use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use kube_client::client::Body;
use kube_client::config::{AuthInfo, Config, KubeConfigOptions, Kubeconfig};
use kube_client::{Client, Error};
use secret_value::redaction;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::answer::Answer;
use crate::blocks::Settings;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};

/// Largest answer; the API server itself accepts objects of 1.5 MiB.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Where a pod finds its token and the authority of its cluster.
const POD_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A cluster.
pub(super) struct Cluster {
    environment: Environment,
    settings: Settings,
    client: OnceCell<Client>,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

/// A request: method, path from the root of the API server, body.
pub(super) struct Call<'a> {
    pub(super) method: http::Method,
    pub(super) segments: &'a [&'a str],
    pub(super) accept: &'static str,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Call<'_> {
    /// The JSON media type.
    pub(super) const JSON: &'static str = "application/json";
}

impl Cluster {
    pub(super) fn new(environment: &Environment, settings: Settings) -> Self {
        Self {
            environment: environment.clone(),
            settings,
            client: OnceCell::new(),
        }
    }

    /// Sends a request; every status is an answer.
    pub(super) async fn send(&self, operation: Operation, call: Call<'_>) -> Result<Answer> {
        let client = self
            .client
            .get_or_try_init(|| self.connect(operation))
            .await?;
        let mut path = String::new();
        for segment in call.segments {
            path.push('/');
            path.extend(url::form_urlencoded::byte_serialize(segment.as_bytes()));
        }
        let request = http::Request::builder()
            .method(call.method)
            .uri(path)
            .header(http::header::ACCEPT, call.accept)
            .header(http::header::CONTENT_TYPE, call.content_type)
            .body(Body::from(call.body))
            .map_err(|error| {
                unusable(operation, "the request cannot be made").with_source(error)
            })?;
        let answer = client
            .send(request)
            .await
            .map_err(|error| transport(operation, &error))?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MAX_BYTES)
            .collect()
            .await
            .map_err(|_| broken(operation, "the connection to the API server broke"))?
            .to_bytes();
        Ok(Answer {
            operation,
            status: head.status,
            headers: head.headers,
            body: Zeroizing::new(body.to_vec()),
        })
    }

    async fn connect(&self, operation: Operation) -> Result<Client> {
        let mut config = self.config(operation).await?;
        // The layers around the store try again; doing it twice would multiply the attempts.
        config.default_retry = false;
        config.read_timeout = Some(Duration::from_secs(30));
        if let Some(proxy) = self.settings.text("proxy") {
            let proxy = proxy
                .parse()
                .map_err(|_| unusable(operation, "`proxy` is no address of a proxy"))?;
            config.proxy_url = Some(proxy);
        }
        if let Some(name) = self.settings.text("tls_server_name") {
            config.tls_server_name = Some(name.to_owned());
        }
        if let Some(user) = self.settings.text("impersonate") {
            config.auth_info.impersonate = Some(user.to_owned());
        }
        if let Some(file) = self.path("ca_file") {
            config.root_cert = None;
            config.root_cert_file = Some(file);
        }
        Client::try_from(config).map_err(|error| transport(operation, &error))
    }

    async fn config(&self, operation: Operation) -> Result<Config> {
        if let Some(host) = self.settings.text("host") {
            let url = crate::http::base_url("host", host)?;
            let mut config = Config::new(uri(operation, url.as_str())?);
            config.auth_info = self.explicit_login(operation)?;
            return Ok(config);
        }
        let named = self.settings.text("kubeconfig").map(str::to_owned);
        let named = named.or_else(|| self.environment.text("KUBECONFIG"));
        if let Some(files) = named {
            let files = std::env::split_paths(&files)
                .filter(|file| !file.as_os_str().is_empty())
                .map(|file| self.environment.directory().join(file));
            return self.read_files(operation, files.collect()).await;
        }
        if let Some(config) = self.pod(operation)? {
            return Ok(config);
        }
        let usual = self
            .environment
            .path("HOME")
            .map(|home| home.join(".kube/config"))
            .filter(|file| file.exists());
        match usual {
            Some(file) => self.read_files(operation, vec![file]).await,
            None => Err(
                unusable(operation, "no Kubernetes cluster is configured").with_help(
                    "set KUBECONFIG, or name a `kubeconfig` or a `host` in the block `kubernetes`",
                ),
            ),
        }
    }

    fn explicit_login(&self, operation: Operation) -> Result<AuthInfo> {
        let mut login = AuthInfo::default();
        if let Some(token) = self.settings.secret("token") {
            #[expect(
                clippy::disallowed_methods,
                reason = "credential header: the token is handed to the Kubernetes client"
            )]
            let text = String::from_utf8(token.expose().to_vec())
                .map_err(|_| unusable(operation, "`token` is not text"))?;
            redaction::register(token);
            login.token = Some(text.into());
        }
        login.token_file = self
            .path("token_file")
            .map(|file| file.display().to_string());
        if login.token.is_none() && login.token_file.is_none() {
            return Err(unusable(
                operation,
                "`host` is set, but neither `token_file` nor `token`",
            ));
        }
        Ok(login)
    }

    async fn read_files(&self, operation: Operation, files: Vec<PathBuf>) -> Result<Config> {
        let mut merged: Option<Kubeconfig> = None;
        for file in files {
            // The client's own messages quote the file, which holds credentials.
            let read = Kubeconfig::read_from(&file).map_err(|_| {
                unusable(operation, "the kubeconfig cannot be read")
                    .with_context("file", file.display())
                    .with_help("`kubectl config view` tells what is wrong with it")
            })?;
            merged = Some(match merged {
                None => read,
                Some(first) => first
                    .merge(read)
                    .map_err(|_| unusable(operation, "the kubeconfig files do not fit together"))?,
            });
        }
        let Some(kubeconfig) = merged else {
            return Err(unusable(operation, "KUBECONFIG names no file"));
        };
        let options = KubeConfigOptions {
            context: self.settings.text("context").map(str::to_owned),
            ..KubeConfigOptions::default()
        };
        Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|_| {
                unusable(operation, "the kubeconfig has no usable context").with_help(
                    "`kubectl config get-contexts` lists them; name one as `context` in the block `kubernetes`",
                )
            })
    }

    /// The cluster of the pod that this process runs in.
    fn pod(&self, operation: Operation) -> Result<Option<Config>> {
        let (Some(host), Some(port)) = (
            self.environment.text("KUBERNETES_SERVICE_HOST"),
            self.environment.text("KUBERNETES_SERVICE_PORT"),
        ) else {
            return Ok(None);
        };
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host
        };
        let mut config = Config::new(uri(operation, &format!("https://{host}:{port}"))?);
        let token = self
            .path("token_file")
            .unwrap_or_else(|| PathBuf::from(POD_FOLDER).join("token"));
        config.auth_info.token_file = Some(token.display().to_string());
        config.root_cert_file = Some(PathBuf::from(POD_FOLDER).join("ca.crt"));
        Ok(Some(config))
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let path = self.settings.text(name)?;
        Some(self.environment.directory().join(path))
    }
}

fn uri(operation: Operation, text: &str) -> Result<http::Uri> {
    text.parse()
        .map_err(|_| unusable(operation, "the address of the API server is none"))
}

fn unusable(operation: Operation, message: &str) -> StoreError {
    StoreError::new(ErrorKind::Config, operation, message)
}

fn broken(operation: Operation, message: &str) -> StoreError {
    StoreError::new(ErrorKind::Unavailable, operation, message).with_retry(Retry::Later)
}

/// Why no answer came. The client's own text may quote what an exec plug-in printed, so only its class counts.
fn transport(operation: Operation, error: &Error) -> StoreError {
    if let Some(problem) = crate::http::certificate_problem(error) {
        return unusable(
            operation,
            &format!("the certificate of the server is not trusted: {problem}"),
        )
        .with_help("name the authority that issued it in the store block, or the right address");
    }
    match error {
        Error::Auth(_) => StoreError::new(
            ErrorKind::PermissionDenied,
            operation,
            "the login to the cluster failed",
        )
        .with_help("`kubectl auth whoami` with the same kubeconfig tells why"),
        Error::InferConfig(_)
        | Error::InferKubeconfig(_)
        | Error::TlsRequired
        | Error::RustlsTls(_)
        | Error::ProxyProtocolDisabled { .. }
        | Error::ProxyProtocolUnsupported { .. } => {
            unusable(operation, "the connection to the cluster cannot be set up")
        }
        _ => broken(operation, "the API server cannot be reached")
            .with_help("check the address in the kubeconfig, the network and the proxy settings"),
    }
}
