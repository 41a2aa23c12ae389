//! Is what flows somewhere a secret?
//!
//! Decided for each source that a [`Trace`] found: by provider schema (`random_password.x.result`),
//! by the data source that reads a secret store, by the name of a variable, output or attribute.

use secretlint_core::Cx;
use secretlint_core::facts::{Block, Hop, Mode, Reference, Role, Source, Step, Subject, Trace};

use crate::schemas;
use crate::semantic::kept::keeps_something_else;
use crate::semantic::pointer::{is_described_as_pointer, is_pointer};
use crate::values::{Judgement, Other, identifies, is_one_of, is_public, judge, meaning_of};

/// Whether a source is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// A secret that is stored or shown wherever it goes.
    Secret,
    /// A secret that Terraform keeps out of state by itself.
    Ephemeral,
    /// Names, ARNs, addresses, counts.
    Harmless,
    /// Nothing is known.
    Unknown,
}

/// Objects whose tokens live for minutes, or are no secrets: storing them is no lasting leak.
const SHORT_LIVED: &[&str] = &[
    "aws_ecr_authorization_token",
    "aws_ecrpublic_authorization_token",
    "aws_eks_cluster_auth",
    "aws_codeartifact_authorization_token",
    "google_client_config",
    "google_service_account_access_token",
    "azurerm_client_config",
    "azuread_client_config",
    // Its connection strings are commands for `ssh`.
    "oci_core_instance_console_connection",
    // Its token says that a list has changed.
    "aws_ip_ranges",
    // Its keys only say where telemetry goes.
    "azurerm_application_insights",
];

/// Attributes that are called like a secret, by the beginning of the object's type.
const NO_SECRETS: &[(&str, &str)] = &[
    // The secret that a version belongs to, by its name.
    ("google_secret_manager_", "secret"),
    // Whether the value is one.
    ("azurerm_api_management_named_value", "secret"),
    // The name of what holds the access to a registry.
    ("ibm_code_engine_build", "output_secret"),
];

/// Attributes that are no secrets whatever the object is.
#[rustfmt::skip]
const HARMLESS: &[&str] = &[
    "id", "arn", "name", "address", "endpoint", "endpoints", "port", "host", "hostname", "fqdn", "public_ip",
    "private_ip", "public_dns", "url", "uri", "region", "account_id", "version", "version_id", "key_id",
    "username", "user_name", "user", "db_name", "bucket", "domain", "domain_name", "self_link", "email",
    "location", "dns_name", "zone_id", "vpc_id", "subnet_id", "public_key", "public_key_openssh",
    "public_key_pem", "certificate_pem", "cert_pem", "function_name", "invoke_arn", "resource_id",
    "fingerprint", "cluster_ca_certificate", "ca_certificate", "secret_id", "unique_id", "client_id",
    "object_id", "tenant_id", "principal_id", "master_username", "administrator_login", "reader_endpoint",
    "engine", "hex", "b64_std", "b64_url", "dec", "ipv4_address", "login_server", "vault_uri",
    "latest_version", "member", "tags", "namespace", "project", "number", "password_data",
    "client_certificate", "ca_crt", "ca_cert", "certificate", "certificate_body", "instrumentation_key",
    "cert", "ca.crt", "tls.crt", "zookeeper_connect_string", "validation_token", "description", "type",
    "client_email", "client_x509_cert_url", "private_key_id", "project_id",
];

/// The first secret behind a value, with its secrecy.
pub(crate) fn secret_behind<'t, 'a>(
    cx: &Cx<'_, 'a>,
    trace: &'t Trace<'a>,
) -> Option<(&'t Source<'a>, Secrecy)> {
    let judged = |source: &'t Source<'a>| match of_source(cx, source) {
        secrecy @ (Secrecy::Secret | Secrecy::Ephemeral) => Some((source, secrecy)),
        _ => None,
    };
    trace.sources.iter().find_map(judged)
}

/// The secret variable a value went through, unless everything that is known to be given to it is
/// harmless: its default may be empty, callers may be elsewhere.
pub(crate) fn secret_variable<'t>(cx: &Cx<'_, '_>, trace: &'t Trace<'_>) -> Option<&'t str> {
    trace.passed.iter().find_map(|passed| match &passed.symbol {
        Subject::Variable(name) => {
            let module = cx.workspace.module(passed.module);
            let secret = is_secret_variable(name)
                && !is_harmless_type(module, name)
                && !takes_pointer(module, name)
                && !is_given_harmless(cx, trace, name);
            secret.then_some(&**name)
        }
        _ => None,
    })
}

/// The address of the secret behind a value, or of the secret variable that it went through.
pub(crate) fn secret_address<'a>(cx: &Cx<'_, 'a>, trace: &Trace<'a>) -> Option<String> {
    match secret_behind(cx, trace) {
        Some((source, _)) => Some(source.reference.address()),
        None => secret_variable(cx, trace).map(|name| format!("var.{name}")),
    }
}

/// True when something is given to the variable and none of it can be secret.
fn is_given_harmless(cx: &Cx<'_, '_>, trace: &Trace<'_>, name: &str) -> bool {
    let through = |way: &[Hop<'_>]| way.iter().any(|hop| hop.name == name);
    let Some(meaning) = meaning_of(name) else {
        return false;
    };
    let mut given = false;
    for origin in trace.literals.iter().filter(|origin| through(&origin.way)) {
        match judge(&origin.text, meaning.kind, name, false) {
            Judgement::NotSecret(Other::Empty) => {}
            Judgement::NotSecret(_) => given = true,
            _ => return false,
        }
    }
    for source in trace.sources.iter().filter(|source| through(&source.way)) {
        if of_source(cx, source) != Secrecy::Harmless {
            return false;
        }
        given = true;
    }
    given
}

/// True when every source of a value is harmless, nothing else can be behind it, and nothing of
/// it was written down.
pub(crate) fn is_harmless(cx: &Cx<'_, '_>, trace: &Trace<'_>) -> bool {
    !trace.sources.is_empty()
        && trace
            .sources
            .iter()
            .all(|source| of_source(cx, source) == Secrecy::Harmless)
}

/// The secrecy of one source.
pub(crate) fn of_source(cx: &Cx<'_, '_>, source: &Source<'_>) -> Secrecy {
    let reference = &source.reference;
    match &reference.subject {
        Subject::Variable(name) => of_variable(cx, source, name),
        Subject::Object { mode, kind, name } => {
            let module = cx.workspace.module(source.module);
            let block = module.object(*mode, kind, name);
            of_object(*mode, kind, (name, block), reference)
        }
        Subject::Module(name) | Subject::Dependency(name) => of_output(name, reference),
        Subject::Local(name) => by_name(Some(last_key(reference).unwrap_or(name))),
        Subject::Other(word)
            if matches!(
                &**word,
                "each" | "self" | "dependency" | "include" | "values"
            ) =>
        {
            by_name(last_key(reference))
        }
        Subject::Other(_) => Secrecy::Unknown,
    }
}

/// True when nothing but a name says that a source is secret, no provider's schema.
pub(crate) fn is_known_by_name(cx: &Cx<'_, '_>, source: &Source<'_>) -> bool {
    let reference = &source.reference;
    match &reference.subject {
        Subject::Object { mode, kind, name } => {
            let block = cx.workspace.module(source.module).object(*mode, kind, name);
            by_schema(*mode, kind, (name, block), reference).is_none()
        }
        _ => true,
    }
}

/// `module.secrets.arns["db_password"]`, `module.kms.keys["app-secret"]`: the output says what its
/// members are.
fn of_output(module: &str, reference: &Reference<'_>) -> Secrecy {
    let mut keys = reference.path.iter().filter_map(|step| match step {
        Step::Key(key) => Some(&**key),
        Step::Index(_) | Step::Any => None,
    });
    match (keys.next(), keys.next()) {
        (Some(output), Some(_))
            if is_pointer(output) || is_pointer(&format!("{module}_{output}")) =>
        {
            Secrecy::Harmless
        }
        _ => by_name(last_key(reference)),
    }
}

/// True when a variable's description says that its value only leads to a secret.
fn takes_pointer(module: &secretlint_core::facts::Module<'_>, name: &str) -> bool {
    module
        .variable(name)
        .is_some_and(|variable| is_described_as_pointer(module.block(variable.block)))
}

fn of_variable(cx: &Cx<'_, '_>, source: &Source<'_>, name: &str) -> Secrecy {
    let module = cx.workspace.module(source.module);
    if is_harmless_type(module, name) || takes_pointer(module, name) {
        return Secrecy::Harmless;
    }
    match last_key(&source.reference) {
        Some(key) if by_name(Some(key)) != Secrecy::Unknown => by_name(Some(key)),
        _ if is_secret_variable(name) => Secrecy::Secret,
        _ if is_about(name) => Secrecy::Harmless,
        _ => Secrecy::Unknown,
    }
}

fn is_harmless_type(module: &secretlint_core::facts::Module<'_>, name: &str) -> bool {
    module
        .variable(name)
        .and_then(|variable| variable.kind)
        .is_some_and(|kind| matches!(kind.text().trim_matches('"'), "bool" | "number"))
}

/// True for a variable whose name promises a secret beyond doubt.
pub(crate) fn is_secret_variable(name: &str) -> bool {
    meaning_of(name).is_some_and(|meaning| meaning.strong)
}

fn of_object(
    mode: Mode,
    kind: &str,
    named: (&str, Option<&Block<'_>>),
    reference: &Reference<'_>,
) -> Secrecy {
    by_schema(mode, kind, named, reference).unwrap_or_else(|| match last_key(reference) {
        Some(last) if OPENS.contains(&last) => Secrecy::Secret,
        last => by_name(last),
    })
}

/// What providers call the files and texts that open what they made.
const OPENS: &[&str] = &[
    "auth_string",
    "client_key",
    "kube_config",
    "kube_config_raw",
    "kube_config_yaml",
    "kubeconfig",
    "kubeconfig_raw",
    "machine_secrets",
    "site_credential",
];

/// What is known of an object without asking what its attribute is called.
fn by_schema(
    mode: Mode,
    kind: &str,
    (name, block): (&str, Option<&Block<'_>>),
    reference: &Reference<'_>,
) -> Option<Secrecy> {
    if SHORT_LIVED.contains(&kind) || kind.ends_with("password_policy") {
        return Some(Secrecy::Harmless);
    }
    let first = reference.attribute();
    let last = last_key(reference);
    if mode == Mode::Ephemeral {
        return Some(Secrecy::Ephemeral);
    }
    if let Some(attribute) = first {
        // Hosts and options; users have their passwords elsewhere.
        if attribute == "connection_strings" && kind.starts_with("mongodbatlas_") {
            return Some(Secrecy::Harmless);
        }
        let other = |(start, name): &(&str, &str)| attribute == *name && kind.starts_with(start);
        if NO_SECRETS.iter().any(other) {
            return Some(Secrecy::Harmless);
        }
        // A part of a document, or a secret whose own name says that it is none:
        // `jsondecode(secret).username`, `azurerm_key_vault_secret.client_id.value`.
        let part = last.filter(|last| *last != attribute);
        let otherwise = |name: &str| HARMLESS.contains(&name) || is_about(name);
        if part.is_some_and(otherwise) || (part.is_none() && is_text(attribute) && identifies(name))
        {
            return Some(Secrecy::Harmless);
        }
        let stored = if mode == Mode::Data {
            schemas::stored_by_data(kind)
        } else {
            schemas::generated(kind)
        };
        if mode == Mode::Data && block.is_some_and(|block| keeps_something_else(kind, block)) {
            return Some(Secrecy::Harmless);
        }
        if let Some(stored) = stored
            && stored.secret.contains(&attribute)
            && !(mode == Mode::Managed && is_generated_name(name))
        {
            let named = !stored.named || is_named_secret(name, block);
            // What is taken out of a document can be anything: `jsondecode(…).username`.
            return Some(if named {
                Secrecy::Secret
            } else {
                Secrecy::Unknown
            });
        }
        // A data source shows what its resource shows.
        if schemas::is_secret_result(kind, attribute)
            || part.is_some_and(|part| schemas::is_secret_result(kind, part))
        {
            return Some(Secrecy::Secret);
        }
        // A parameter holds whatever its name says.
        if mode == Mode::Managed && kind == "aws_ssm_parameter" && attribute == "value" {
            return Some(if is_named_secret(name, block) {
                Secrecy::Secret
            } else {
                Secrecy::Unknown
            });
        }
        if mode == Mode::Managed && schemas::is_secret_argument(kind, &std::iter::once(attribute)) {
            return Some(Secrecy::Secret);
        }
    }
    if mode == Mode::Managed && kind.starts_with("random_") && is_generated_name(name) {
        return Some(Secrecy::Harmless);
    }
    // Generated for a purpose that the object's name tells: `random_string.db_password.result`.
    let generated = kind.ends_with("random_password")
        || kind.starts_with("random_") && meaning_of(name).is_some();
    if mode == Mode::Managed
        && generated
        && matches!(first, Some("result" | "hex" | "b64_url" | "b64_std" | "id"))
        && kind != "random_id"
    {
        return Some(Secrecy::Secret);
    }
    // The object as a whole, where it is nothing but a secret.
    let only_secret = || match mode {
        Mode::Managed => {
            schemas::generated(kind).is_some() || schemas::instead_of_long_lived(kind).is_some()
        }
        _ => schemas::stored_by_data(kind).is_some_and(|stored| !stored.named),
    };
    if first.is_none() && only_secret() {
        return Some(Secrecy::Secret);
    }
    None
}

/// True when the name of an object, or the name it is asked for by, is the name of a secret.
pub(crate) fn is_named_secret(name: &str, block: Option<&Block<'_>>) -> bool {
    if meaning_of(name).is_some() {
        return true;
    }
    // `registry_username`, whatever it is asked for by.
    if identifies(name) {
        return false;
    }
    let Some(block) = block else { return false };
    // `for_each = toset(["github-token"])`: the names are there when `name` only takes them.
    let each = block
        .value("name")
        .is_some_and(|name| name.text().contains("each."));
    let attributes: &[&str] = if each {
        &["name", "path", "arn", "for_each"]
    } else {
        &["name", "path", "arn"]
    };
    attributes
        .iter()
        .filter_map(|attribute| block.value(attribute))
        .any(|expr| {
            // The words of literals and references alike: `"/app/${var.env}/db_password"`,
            // `var.oidc_secret_ssm`.
            expr.text()
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
                .any(|word| meaning_of(word).is_some())
        })
}

fn by_name(name: Option<&str>) -> Secrecy {
    let Some(name) = name else {
        return Secrecy::Unknown;
    };
    match meaning_of(name) {
        _ if HARMLESS.contains(&name) => Secrecy::Harmless,
        Some(meaning) if meaning.strong => Secrecy::Secret,
        Some(_) => Secrecy::Unknown,
        None if is_about(name) => Secrecy::Harmless,
        None => Secrecy::Unknown,
    }
}

/// True for a generated object that makes a part of a name: `random_password.instance_id`.
pub(crate) fn is_generated_name(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "id",
        "ids",
        "identifier",
        "name",
        "names",
        "username",
        "suffix",
        "prefix",
        "subdomain",
        "ssid",
    ];
    let last = name.rsplit(['_', '-']).next().unwrap_or(name);
    is_one_of(last, WORDS)
}

/// Attributes that hold whatever was put in.
fn is_text(attribute: &str) -> bool {
    matches!(
        attribute,
        "value" | "secret_string" | "secret_data" | "plaintext"
    )
}

/// True for names that end like a name, an ARN, an id, an address.
fn is_about(name: &str) -> bool {
    let ends = |ending: &str| {
        name.len() > ending.len()
            && name.as_bytes()[name.len() - ending.len()..].eq_ignore_ascii_case(ending.as_bytes())
    };
    crate::values::is_about(name)
        || is_public(name)
        || ["name", "arn", "_ip", "_ips", "_cidr", ".crt", "_url"]
            .iter()
            .any(|ending| ends(ending))
}

/// The last name of a reference's path.
pub(crate) fn last_key<'r>(reference: &'r Reference<'_>) -> Option<&'r str> {
    reference.path.iter().rev().find_map(|step| match step {
        Step::Key(key) => Some(&**key),
        Step::Index(_) | Step::Any => None,
    })
}

/// True for a block of configuration whose values a person wrote: no plan, no state.
pub(crate) fn is_configuration(block: &Block<'_>) -> bool {
    !block.file.kind.is_record()
}

/// True for a resource block of configuration.
pub(crate) fn is_resource(block: &Block<'_>) -> bool {
    block.role == Role::Resource && is_configuration(block)
}
