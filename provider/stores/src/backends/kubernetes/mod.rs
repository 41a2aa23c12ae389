//! `k8s://namespace/name` and `k8s-token://namespace/service-account`: Kubernetes Secrets, and tokens of
//! service accounts that are made when opened.
//!
//! The login comes from a kubeconfig (token, client certificate, exec plug-in, OpenID Connect token file) or
//! from the pod that this process runs in, through the Kubernetes client of the Rust community. Read
//! [`cluster::Cluster`] first.

mod answer;
mod cluster;
mod secret;
mod token;

use std::sync::Arc;

use secret_policy::Scheme;

use super::{StoreContext, StoreKind};
use crate::blocks::{Setting, SettingKind, StoreBlock};
use crate::capability::Capability;
use crate::error::Result;
use crate::store::SecretStore;
use cluster::Cluster;

pub(super) const SECRET: StoreKind = StoreKind {
    scheme: Scheme::K8s,
    summary: "Kubernetes Secrets",
    tested: "a double that checks logins and rights, judged by the real kubectl",
    capability: Capability {
        fetch: true,
        metadata: true,
        write: true,
        conditional_write: true,
        remove: true,
        versions: false,
        binary: false,
        renew: false,
        revoke: false,
        batch: false,
    },
    block: Some(&BLOCK),
    build: |context| Ok(Arc::new(secret::SecretObjects(cluster(context)?)) as Arc<dyn SecretStore>),
};

pub(super) const TOKEN: StoreKind = StoreKind {
    scheme: Scheme::K8sToken,
    summary: "tokens of Kubernetes service accounts",
    tested: "a double that checks logins and rights, judged by the real kubectl",
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build: |context| Ok(Arc::new(token::Tokens(cluster(context)?)) as Arc<dyn SecretStore>),
};

fn cluster(context: &StoreContext<'_>) -> Result<Arc<Cluster>> {
    context.require_block(Scheme::K8s)?;
    context.share(|| {
        Ok(Cluster::new(
            context.environment,
            context.settings.cloned().unwrap_or_default(),
        ))
    })
}

static BLOCK: StoreBlock = StoreBlock {
    name: "kubernetes",
    summary: "A Kubernetes cluster. Without a block, and without `kubeconfig` and `host` in it: the files named by \
              `KUBECONFIG`, else the cluster of the pod this runs in, else `~/.kube/config`.",
    schemes: &[Scheme::K8s, Scheme::K8sToken],
    settings: &[
        Setting::text(
            "ca_file",
            "The file with the authority that issued the certificate of the API server, PEM. Default: that of the \
             kubeconfig or the pod.",
        ),
        Setting::text(
            "context",
            "The context of the kubeconfig. Default: its current one.",
        ),
        Setting::text(
            "host",
            "Address of the API server, `https://host:port`, to be used with `token_file`, `token` or a client \
             certificate instead of a kubeconfig.",
        ),
        Setting::text("impersonate", "The user to act as."),
        Setting::text(
            "kubeconfig",
            "The kubeconfig file; several are separated as in `KUBECONFIG`.",
        ),
        Setting::text(
            "proxy",
            "Proxy to the API server, `http://host:port`. Default: the `proxy-url` of the kubeconfig.",
        ),
        Setting::text(
            "tls_server_name",
            "The name that the certificate of the API server must have. Default: its host.",
        ),
        Setting::new(
            "token",
            SettingKind::Secret,
            "A bearer token. Prefer `token_file`, which may be replaced while this runs.",
        ),
        Setting::text(
            "token_file",
            "The file with a bearer token, such as an OpenID Connect token of the automation; read anew when it changes.",
        ),
    ],
};
