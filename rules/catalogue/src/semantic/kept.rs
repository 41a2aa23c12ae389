//! Stores of secrets keep other things, too: ids, addresses, user names, certificates.

use secret_policy::environments::canonical;
use secretlint_core::facts::{Block, constant_string};

use crate::values::{is_one_of, is_public, last_word, meaning_of};

/// Last words of names of what is no secret in any store.
#[rustfmt::skip]
const ALWAYS: &[&str] = &[
    "id", "ids", "identifier", "arn", "arns", "email", "emails", "address", "addresses", "username", "usernames",
    "hostname", "hostnames", "host", "hosts", "port", "endpoint", "endpoints", "region", "url", "urls", "phone",
    "domain", "domains", "list", "blocklist", "allowlist", "path", "paths", "prefix", "alias", "label", "issuer",
    "audience", "channel", "fingerprint", "names", "templates", "organization", "organisation",
];

/// More of them where a secret is one value. A secret of AWS is often a document with a user's password.
const SINGLE: &[&str] = &["user", "usr", "users", "name", "login", "fqdn", "uri"];

/// Words that say it wherever they stand.
const ANYWHERE: &[&str] = &["ip", "ips", "phone"];

/// Two words that say it wherever they stand.
#[rustfmt::skip]
const PAIRS: &[(&str, &str)] = &[
    ("account", "id"), ("account", "ids"), ("account", "no"), ("account", "number"), ("account", "numbers"),
    ("app", "id"), ("application", "id"), ("blocked", "domains"), ("client", "id"), ("known", "hosts"),
    ("tenant", "id"),
];

/// Ends of names that say for whom or which: looked through.
const WHICH: &[&str] = &[
    "spa", "m2m", "web", "mobile", "backend", "frontend", "current",
];

/// True when the name of what a store keeps says that it is no secret.
pub(crate) fn keeps_something_else(kind: &str, block: &Block<'_>) -> bool {
    let single = match kind {
        "azurerm_key_vault_secret"
        | "google_secret_manager_secret_version"
        | "google_secret_manager_secret_version_access" => true,
        "aws_secretsmanager_secret_version" => false,
        _ => return false,
    };
    let named = ["name", "secret_id", "secret"]
        .iter()
        .filter_map(|attribute| block.value(attribute))
        .filter_map(constant_string)
        .any(|name| meaning_of(&name).is_some());
    let version = block.name().strip_suffix("_version");
    // The version of an application; elsewhere the word belongs to the type.
    let of_app = kind == "azurerm_key_vault_secret"
        && version.is_some_and(|name| meaning_of(name).is_none());
    let name = version.unwrap_or(block.name());
    !named && meaning_of(name).is_none() && (of_app || is_other(name, single))
}

fn is_other(name: &str, single: bool) -> bool {
    let words: Vec<&str> = name.split(['_', '-']).collect();
    let mut rest = words.as_slice();
    while let [front @ .., last] = rest
        && !front.is_empty()
        && (is_one_of(last, WHICH) || canonical(last).is_some())
    {
        rest = front;
    }
    // `alerts-webhook-url-test`
    if rest.len() < words.len() && meaning_of(&rest.join("_")).is_some() {
        return false;
    }
    let last = last_word(rest.last().copied().unwrap_or(name));
    let pair = words.windows(2).any(|pair| {
        PAIRS
            .iter()
            .any(|(first, second)| is_one_of(pair[0], &[first]) && is_one_of(pair[1], &[second]))
    });
    is_one_of(last, ALWAYS)
        || single && (is_one_of(last, SINGLE) || is_one_of(last, &["database"]) && words.len() > 1)
        || pair
        || words.iter().any(|word| is_one_of(word, ANYWHERE))
        || is_public_part(name)
}

/// `ssh_public_key`, `tls_ca_bundle`, `api_signed_certificate`: what everybody may know of a pair.
fn is_public_part(name: &str) -> bool {
    const KEY: &[&str] = &["key", "keys", "pem", "openssh", "pub", "pubkey"];
    const CERTIFICATE: &[&str] = &["cert", "certificate", "crt", "bundle", "chain"];
    let last = last_word(name);
    let before = name
        .rsplit(['_', '-'])
        .skip(1)
        .find(|word| !is_one_of(word, CERTIFICATE))
        .is_some_and(|word| is_one_of(word, &["ca", "signed", "root"]));
    is_public(name) && (is_one_of(last, KEY) || is_one_of(last, CERTIFICATE))
        || is_one_of(last, CERTIFICATE) && before
        || is_one_of(last, &["cacrt", "cacert"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_beside_secrets() {
        for name in [
            "caller_ip_addresses",
            "partner_ip_ingress",
            "auth0_domain_m2m",
            "auth0_client_id_spa",
            "staging_account_no",
            "costs_phone_numbers_notifications",
            "access-ssh-known-hosts",
            "db_usr",
            "ca_cert_bundle",
            "AppClientID",
        ] {
            assert!(is_other(name, true), "{name}");
        }
        for name in ["database", "admin_user"] {
            assert!(!is_other(name, false), "{name}");
        }
        for name in [
            "server",
            "database",
            "alerts-webhook-url-test",
            "domain_admin",
            "vm_certificate",
            "support_email_account",
            "this",
        ] {
            assert!(!is_other(name, true), "{name}");
        }
    }
}
