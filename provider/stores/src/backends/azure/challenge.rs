//! What a key vault says about who may log in: `Bearer authorization="https://…/TENANT", resource="https://…"`.

use url::Url;

/// The answer of a vault to who comes without a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    /// The application that tokens must be for, without a final slash.
    pub(super) resource: String,
    /// The tenant of the vault.
    pub(super) tenant: Option<String>,
}

impl Challenge {
    /// Reads the header `WWW-Authenticate`; `None` when it is no challenge of a vault.
    pub(super) fn read(header: &str) -> Option<Self> {
        let (scheme, parameters) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (mut resource, mut authorization) = (None, None);
        for parameter in parameters.split(',') {
            let Some((name, value)) = parameter.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "resource" => resource = Some(value),
                "scope" => resource = resource.or(value.strip_suffix("/.default")),
                "authorization" | "authorization_uri" => authorization = Some(value),
                _ => {}
            }
        }
        let tenant = authorization.and_then(|text| {
            let url = Url::parse(text).ok()?;
            let first = url.path_segments()?.next()?;
            (!first.is_empty()).then(|| first.to_owned())
        });
        Some(Self {
            resource: resource?.trim_end_matches('/').to_owned(),
            tenant,
        })
    }

    /// Whether a token may be shown to who says this, where vaults end with `suffix`.
    pub(super) fn is_for(&self, suffix: &str) -> bool {
        self.resource
            .strip_prefix("https://")
            .is_some_and(|host| host.eq_ignore_ascii_case(suffix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_of_vaults_are_read() {
        let tenant = "72f988bf-86f1-41af-91ab-2d7cd011db47";
        for header in [
            format!(
                "Bearer authorization=\"https://login.windows.net/{tenant}\", resource=\"https://vault.azure.net\""
            ),
            format!(
                "bearer resource=\"https://vault.azure.net/\",authorization=\"https://login.microsoftonline.com/{tenant}\""
            ),
            format!(
                "Bearer authorization=\"https://login.windows.net/{tenant}\", scope=\"https://vault.azure.net/.default\""
            ),
        ] {
            let found = Challenge::read(&header).unwrap();
            assert_eq!(found.tenant.as_deref(), Some(tenant), "{header}");
            assert!(found.is_for("vault.azure.net"), "{header}");
            assert!(!found.is_for("vault.azure.cn"), "{header}");
        }
    }

    #[test]
    fn other_challenges_get_no_token() {
        for header in [
            "",
            "Basic realm=\"x\"",
            "Bearer",
            "Bearer realm=\"x\"",
            "Bearer authorization=\"https://login.windows.net/t\"",
        ] {
            assert_eq!(Challenge::read(header), None, "{header}");
        }
        for resource in [
            "https://vault.azure.net.evil.example",
            "https://evil.example/vault.azure.net",
            "http://vault.azure.net",
            "https://vault.azure.net:8443",
            "https://management.azure.com",
            "vault.azure.net",
            "",
        ] {
            let header = format!("Bearer authorization=\"https://x/t\", resource=\"{resource}\"");
            let found = Challenge::read(&header).unwrap();
            assert!(!found.is_for("vault.azure.net"), "{resource}");
        }
    }
}
