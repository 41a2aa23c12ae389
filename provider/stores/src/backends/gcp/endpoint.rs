//! Where services listen: as set by hand, else as Google publishes it for the universe and the location.

use url::Url;

use super::settings::{GcpSettings, wrong};
use crate::error::Result;

/// The domain of Google's public cloud.
pub(super) const UNIVERSE: &str = "googleapis.com";

/// Services with an address of their own.
pub(super) const SERVICES: [&str; 6] = [IAM, IAM_CREDENTIALS, METADATA, OAUTH, SECRET_MANAGER, STS];
pub(super) const IAM: &str = "iam";
pub(super) const IAM_CREDENTIALS: &str = "iamcredentials";
pub(super) const METADATA: &str = "metadata";
pub(super) const OAUTH: &str = "oauth2";
pub(super) const SECRET_MANAGER: &str = "secretmanager";
pub(super) const STS: &str = "sts";

/// The address of `service` that the block or a variable sets.
pub(super) fn chosen(settings: &GcpSettings, service: &str) -> Option<Url> {
    let own = settings.endpoints.get(service);
    own.or(settings.endpoint.as_ref()).cloned()
}

/// The address of `service`: the one that is set, else Google's in `universe`; `location` is for services with
/// regional endpoints.
///
/// # Errors
/// `config` for a universe or location that makes no address.
pub(super) fn address(
    settings: &GcpSettings,
    service: &str,
    universe: &str,
    location: Option<&str>,
) -> Result<Url> {
    if let Some(url) = chosen(settings, service) {
        return Ok(url);
    }
    let text = match location {
        Some(location) => format!("https://{service}.{location}.rep.{universe}"),
        None => format!("https://{service}.{universe}"),
    };
    Url::parse(&text).map_err(|_| wrong(format!("`{text}` is no address of a service")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_universe_and_location_until_one_is_set() {
        let mut settings = GcpSettings::default();
        let url = |settings: &GcpSettings, service, location| {
            address(settings, service, "apis.example", location)
                .unwrap()
                .to_string()
        };
        assert_eq!(
            url(&settings, SECRET_MANAGER, Some("europe-west3")),
            "https://secretmanager.europe-west3.rep.apis.example/"
        );
        assert_eq!(url(&settings, STS, None), "https://sts.apis.example/");
        settings.endpoint = Some(Url::parse("http://127.0.0.1:1").unwrap());
        let own = Url::parse("https://private.example/sm").unwrap();
        settings.endpoints.insert(SECRET_MANAGER.to_owned(), own);
        assert_eq!(url(&settings, STS, None), "http://127.0.0.1:1/");
        assert_eq!(
            url(&settings, SECRET_MANAGER, Some("europe-west3")),
            "https://private.example/sm"
        );
    }
}
