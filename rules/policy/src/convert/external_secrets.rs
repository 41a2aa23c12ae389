//! The `remoteRef` of an ExternalSecret: what its provider means by key, property and version.

use super::{Converted, Notation, Source, Target};
use crate::reference::{Draft, ReferenceError, Scheme, Selector};

/// The provider of the SecretStore that a `remoteRef` is read from, by its key in `spec.provider`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExternalProvider {
    /// `vault`.
    Vault,
    /// `aws` with `service: SecretsManager`.
    AwsSecretsManager,
    /// `aws` with `service: ParameterStore`.
    AwsParameterStore,
    /// `gcpsm`.
    GoogleCloud,
    /// `azurekv`.
    AzureKeyVault,
    /// `kubernetes`.
    Kubernetes,
    /// `onepassword` and `onepasswordSDK`.
    OnePassword,
    /// `doppler`.
    Doppler,
}

/// The fields of a `remoteRef`, as in YAML or JSON.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteRef {
    /// Name or path of the secret.
    pub key: String,
    /// Which part of it; steps are separated by dots, `\.` is a dot.
    #[serde(default)]
    pub property: Option<String>,
    /// Version, stage or alias, as the provider has it.
    #[serde(default)]
    pub version: Option<String>,
    /// What the SecretStore puts in front of the key, not part of the `remoteRef`: Vault mount,
    /// Google Cloud project, name of the key vault, Kubernetes namespace, 1Password vault, or
    /// Doppler `project/config`.
    #[serde(skip)]
    pub scope: Option<String>,
}

impl RemoteRef {
    /// Converts to a reference.
    ///
    /// # Errors
    /// A scope is needed and missing, or the reference cannot say what the fields say.
    pub fn convert(
        &self,
        provider: ExternalProvider,
        target: &Target,
    ) -> Result<Converted, ReferenceError> {
        let source = Source {
            text: &self.key,
            target,
        };
        let mut draft = source.draft(scheme(provider), self.path(provider, source)?);
        draft.selector = self.selector(provider, source, &mut draft.path)?;
        self.add_version(provider, &mut draft);
        source.finish(Notation::ExternalSecrets, draft, Vec::new())
    }

    fn path(
        &self,
        provider: ExternalProvider,
        source: Source<'_>,
    ) -> Result<String, ReferenceError> {
        use ExternalProvider as P;
        let key = match provider {
            P::AwsSecretsManager | P::AwsParameterStore => return Ok(self.key.clone()),
            P::AzureKeyVault => match self.key.split_once('/') {
                None => self.key.as_str(),
                Some(("secret", name)) => name,
                Some(_) => {
                    return Err(source.error(
                        "keys and certificates of a key vault are no secrets",
                        "refer to `secret/NAME`",
                    ));
                }
            },
            _ => self.key.trim_matches('/'),
        };
        match (&self.scope, needs_scope(provider)) {
            (Some(scope), _) => Ok(format!("{}/{key}", scope.trim_matches('/'))),
            (None, None) => Ok(key.to_owned()),
            (None, Some(what)) => Err(source.error(
                format!("the key is complete only together with {what} of its SecretStore"),
                format!("give {what} as well"),
            )),
        }
    }

    fn selector(
        &self,
        provider: ExternalProvider,
        source: Source<'_>,
        path: &mut String,
    ) -> Result<Option<Selector>, ReferenceError> {
        let Some(property) = self
            .property
            .as_deref()
            .filter(|property| !property.is_empty())
        else {
            return Ok(None);
        };
        if provider == ExternalProvider::OnePassword {
            path.push('/');
            path.push_str(property);
            return Ok(None);
        }
        // The property is a gjson path; what is more than steps has no counterpart.
        if property.contains(['*', '?', '|', '#', '@', '{', '[', '!']) {
            return Err(source.error(
                "the property is a query, not a key",
                "select one key, and take it apart in the configuration",
            ));
        }
        Ok(Selector::from_steps(dotted(property)))
    }

    fn add_version(&self, provider: ExternalProvider, draft: &mut Draft) {
        let version = self.version.clone().filter(|version| !version.is_empty());
        match version {
            Some(stage) if provider == ExternalProvider::AwsSecretsManager => {
                match stage.strip_prefix("uuid/") {
                    Some(id) => draft.version = Some(id.to_owned()),
                    None => draft.stage = Some(stage),
                }
            }
            version => draft.version = version,
        }
    }
}

fn scheme(provider: ExternalProvider) -> Scheme {
    match provider {
        ExternalProvider::Vault => Scheme::Vault,
        ExternalProvider::AwsSecretsManager => Scheme::AwsSm,
        ExternalProvider::AwsParameterStore => Scheme::AwsSsm,
        ExternalProvider::GoogleCloud => Scheme::GcpSm,
        ExternalProvider::AzureKeyVault => Scheme::AzureKv,
        ExternalProvider::Kubernetes => Scheme::K8s,
        ExternalProvider::OnePassword => Scheme::Op,
        ExternalProvider::Doppler => Scheme::Doppler,
    }
}

/// What must be known beside the key. A Vault key may hold its mount; Google Cloud has a default.
fn needs_scope(provider: ExternalProvider) -> Option<&'static str> {
    match provider {
        ExternalProvider::AzureKeyVault => Some("the name of the key vault"),
        ExternalProvider::Kubernetes => Some("the namespace"),
        ExternalProvider::OnePassword => Some("the 1Password vault"),
        ExternalProvider::Doppler => Some("project and config"),
        _ => None,
    }
}

fn dotted(property: &str) -> Vec<String> {
    let mut steps = vec![String::new()];
    let mut characters = property.chars();
    while let Some(character) = characters.next() {
        match (character, steps.last_mut()) {
            ('.', _) => steps.push(String::new()),
            ('\\', Some(step)) => step.extend(characters.next()),
            (character, Some(step)) => step.push(character),
            (_, None) => {}
        }
    }
    steps
}
