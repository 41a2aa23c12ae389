//! `ref …`: references on their own, without any store.

use std::io::Write as _;

use anyhow::anyhow;
use secret_policy::SecretRef;
use secret_policy::convert::{ExternalProvider, RemoteRef, Target};

use super::arguments::{ConvertArguments, ProviderName, RefCommand};
use super::output;

pub(super) fn execute(command: &RefCommand) -> anyhow::Result<()> {
    match command {
        RefCommand::Parse { reference } => show(&parse(reference)?),
        RefCommand::Convert(arguments) => convert(arguments),
    }
}

/// Parses a reference; what is unusual about it goes to standard error.
pub(super) fn parse(text: &str) -> anyhow::Result<SecretRef> {
    // The text is not repeated: what was typed in the wrong place may be a credential.
    let parsed = SecretRef::parse(text).map_err(|error| {
        anyhow!(
            "not a secret reference (at byte {}): {error}",
            error.span.start
        )
    })?;
    for warning in &parsed.warnings {
        let _ = writeln!(
            std::io::stderr(),
            "warning: {}; write `{}`",
            warning.message,
            warning.fix
        );
    }
    Ok(parsed.reference)
}

fn convert(arguments: &ConvertArguments) -> anyhow::Result<()> {
    let target = Target {
        store: arguments.store.clone(),
    };
    let converted = match arguments.provider {
        Some(provider) => remote_ref(arguments)?.convert(external(provider), &target),
        None => secret_policy::convert::convert(&arguments.text, &target),
    };
    let converted = converted.map_err(|error| {
        anyhow!(
            "cannot be written as a reference (at byte {}): {error}",
            error.span.start
        )
    })?;
    for note in &converted.notes {
        let _ = writeln!(std::io::stderr(), "note: {note}");
    }
    Ok(output::line(&converted.reference.to_string())?)
}

/// The `remoteRef` from its fields, or from JSON.
fn remote_ref(arguments: &ConvertArguments) -> anyhow::Result<RemoteRef> {
    let written = if arguments.text.trim_start().starts_with('{') {
        // The error names a place and an expectation, never the text.
        serde_json::from_str(&arguments.text).map_err(|error| {
            anyhow!(
                "not a remoteRef (line {}, column {}): write {{\"key\": …, \"property\": …, \"version\": …}}",
                error.line(),
                error.column()
            )
        })?
    } else {
        RemoteRef {
            key: arguments.text.clone(),
            ..RemoteRef::default()
        }
    };
    Ok(RemoteRef {
        property: arguments.property.clone().or(written.property),
        version: arguments.version.clone().or(written.version),
        scope: arguments.scope.clone(),
        key: written.key,
    })
}

fn external(provider: ProviderName) -> ExternalProvider {
    match provider {
        ProviderName::AwsSecretsManager => ExternalProvider::AwsSecretsManager,
        ProviderName::AwsParameterStore => ExternalProvider::AwsParameterStore,
        ProviderName::Azurekv => ExternalProvider::AzureKeyVault,
        ProviderName::Doppler => ExternalProvider::Doppler,
        ProviderName::Gcpsm => ExternalProvider::GoogleCloud,
        ProviderName::Kubernetes => ExternalProvider::Kubernetes,
        ProviderName::Onepassword => ExternalProvider::OnePassword,
        ProviderName::Vault => ExternalProvider::Vault,
    }
}

fn show(reference: &SecretRef) -> anyhow::Result<()> {
    let mut rows = vec![
        ("reference", reference.to_string()),
        ("scheme", reference.scheme().name().to_owned()),
    ];
    let optional = [
        ("store", reference.store().map(str::to_owned)),
        ("path", Some(reference.path())),
        ("version", reference.version().map(str::to_owned)),
        ("stage", reference.stage().map(str::to_owned)),
        ("selector", reference.selector().map(ToString::to_string)),
    ];
    rows.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    Ok(output::table(&rows)?)
}
