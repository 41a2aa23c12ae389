//! Names that the clouds print: ARNs, Google Cloud resource names, Azure Key Vault URIs.

use super::{Converted, Notation, Source};
use crate::reference::{ReferenceError, Scheme, Selector};

/// An ARN keeps account and region when no store block is named; with one, the plain name is enough.
pub(super) fn arn(source: Source<'_>) -> Result<Converted, ReferenceError> {
    let fields: Vec<_> = source.text.splitn(6, ':').collect();
    match fields[..] {
        [_, _, "secretsmanager", region, account, rest] if rest.starts_with("secret:") => {
            secrets_manager(source, rest, &place(region, account))
        }
        [_, _, "ssm", region, account, rest] if rest.starts_with("parameter/") => {
            parameter(source, rest, &place(region, account))
        }
        _ => Err(source.error(
            "this ARN names neither a secret of Secrets Manager nor an SSM parameter",
            "give the ARN of the secret itself",
        )),
    }
}

fn place(region: &str, account: &str) -> String {
    format!("region and account ({region}, {account})")
}

/// `secret:NAME-XXXXXX`, and as ECS has it `secret:NAME-XXXXXX:JSON-KEY:STAGE:VERSION`.
fn secrets_manager(
    source: Source<'_>,
    rest: &str,
    place: &str,
) -> Result<Converted, ReferenceError> {
    let parts: Vec<_> = rest.split(':').collect();
    let given = |index: usize| {
        parts
            .get(index)
            .filter(|part| !part.is_empty())
            .map(|part| (*part).to_owned())
    };
    let full_name =
        given(1).ok_or_else(|| source.error("the ARN names no secret", "give the whole ARN"))?;
    if parts.len() > 5 {
        return Err(source.error(
            "the ARN has too many parts",
            "give the ARN as AWS prints it",
        ));
    }
    let (path, notes) = match &source.target.store {
        Some(_) => (
            without_suffix(&full_name).to_owned(),
            vec![source.into_store_block(place, "")?],
        ),
        None => {
            let prefix = &source.text[..source.text.len() - rest.len()];
            (format!("{prefix}secret:{full_name}"), Vec::new())
        }
    };
    let mut draft = source.draft(Scheme::AwsSm, path);
    draft.selector = given(2).and_then(|key| Selector::from_steps(vec![key]));
    draft.stage = given(3);
    draft.version = given(4);
    source.finish(Notation::Arn, draft, notes)
}

/// AWS appends `-` and six letters or digits to every name.
fn without_suffix(name: &str) -> &str {
    match name.rsplit_once('-') {
        Some((stem, suffix))
            if suffix.len() == 6 && suffix.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            stem
        }
        _ => name,
    }
}

fn parameter(source: Source<'_>, rest: &str, place: &str) -> Result<Converted, ReferenceError> {
    let (name, notes) = match &source.target.store {
        Some(_) => (
            rest.strip_prefix("parameter/").unwrap_or(rest),
            vec![source.into_store_block(place, "")?],
        ),
        None => (source.text, Vec::new()),
    };
    source.finish(Notation::Arn, source.draft(Scheme::AwsSsm, name), notes)
}

/// `projects/P[/locations/L]/secrets/S[/versions/V]`, also as a full resource name.
pub(super) fn google(source: Source<'_>) -> Result<Converted, ReferenceError> {
    let name = source
        .text
        .trim_start_matches("//secretmanager.googleapis.com/");
    let mut notes = Vec::new();
    let parts: Vec<_> = name.split('/').collect();
    let (project, rest) = match parts[..] {
        ["projects", project, "locations", location, ref rest @ ..] => {
            notes.push(source.into_store_block(&format!("location ({location})"), location)?);
            (project, rest)
        }
        ["projects", project, ref rest @ ..] => (project, rest),
        _ => (name, &[][..]),
    };
    let (secret, version) = match *rest {
        ["secrets", secret] => (secret, None),
        ["secrets", secret, "versions", version] => (secret, Some(version.to_owned())),
        _ => {
            return Err(source.error(
                "this resource name is not that of a secret",
                "give projects/PROJECT/secrets/SECRET, with or without /versions/VERSION",
            ));
        }
    };
    let mut draft = source.draft(Scheme::GcpSm, format!("{project}/{secret}"));
    draft.version = version;
    source.finish(Notation::GoogleCloud, draft, notes)
}

/// `https://VAULT.vault.azure.net/secrets/NAME[/VERSION]`, bare or as App Service has it.
pub(super) fn azure(source: Source<'_>) -> Result<Converted, ReferenceError> {
    let Some(inside) = source.text.strip_prefix("@Microsoft.KeyVault(") else {
        return azure_uri(source, source.text);
    };
    let inside = inside.trim_end_matches(')');
    let field = |name: &str| {
        let mut pairs = inside.split(';').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    };
    match (field("SecretUri"), field("VaultName"), field("SecretName")) {
        (Some(uri), _, _) => azure_uri(source, uri),
        (None, Some(vault), Some(secret)) => azure_secret(
            source,
            &format!("{vault}/{secret}"),
            field("SecretVersion"),
            Vec::new(),
        ),
        _ => Err(source.error(
            "the Key Vault reference names no secret",
            "give SecretUri, or VaultName and SecretName",
        )),
    }
}

fn azure_uri(source: Source<'_>, uri: &str) -> Result<Converted, ReferenceError> {
    let not_a_secret = || {
        source.error(
            "this URL is not that of a secret in a key vault",
            "give https://VAULT.vault.azure.net/secrets/NAME, with or without /VERSION",
        )
    };
    let rest = uri.strip_prefix("https://").ok_or_else(not_a_secret)?;
    let (host, path) = rest.split_once('/').ok_or_else(not_a_secret)?;
    let (vault, cloud) = host
        .trim_end_matches(":443")
        .split_once('.')
        .ok_or_else(not_a_secret)?;
    if !cloud.starts_with("vault.") {
        return Err(not_a_secret());
    }
    let mut notes = Vec::new();
    if cloud != "vault.azure.net" {
        notes.push(source.into_store_block(&format!("cloud ({cloud})"), cloud)?);
    }
    let parts: Vec<_> = path.trim_end_matches('/').split('/').collect();
    let (name, version) = match parts[..] {
        ["secrets", name] => (name, None),
        ["secrets", name, version] => (name, Some(version)),
        _ => return Err(not_a_secret()),
    };
    azure_secret(source, &format!("{vault}/{name}"), version, notes)
}

fn azure_secret(
    source: Source<'_>,
    path: &str,
    version: Option<&str>,
    notes: Vec<String>,
) -> Result<Converted, ReferenceError> {
    let mut draft = source.draft(Scheme::AzureKv, path);
    draft.version = version.map(str::to_owned);
    source.finish(Notation::AzureKeyVault, draft, notes)
}
