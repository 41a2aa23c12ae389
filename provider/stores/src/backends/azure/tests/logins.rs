//! Which login is taken, and what is said when there is none.

use super::super::login::steps;
use super::super::settings::{AzureSettings, BLOCK, Source};
use crate::blocks::Settings;
use crate::environment::Environment;
use crate::error::{ErrorKind, Result};

const TENANT: (&str, &str) = ("ARM_TENANT_ID", "tenant");
const CLIENT: (&str, &str) = ("ARM_CLIENT_ID", "client");

/// Names of the logins in their order; those that are not there in parentheses.
fn order(settings: &Settings, variables: &[(&str, &str)]) -> Result<Vec<String>> {
    BLOCK.check(settings)?;
    let environment = Environment::fixed("/nowhere", variables.iter().copied());
    let source = Source {
        environment: &environment,
        settings,
    };
    let read = AzureSettings::read(source)?;
    let steps = steps(source, &read)?;
    Ok(steps
        .into_iter()
        .map(|step| match step.login {
            Ok(_) => step.name.to_owned(),
            Err(_) => format!("({})", step.name),
        })
        .collect())
}

fn secret(text: &str) -> secret_value::Secret {
    secret_value::Secret::from_text(text.to_owned())
}

#[test]
fn variables_are_looked_at_in_a_fixed_order() {
    let none = Settings::new();
    assert_eq!(
        order(&none, &[]).unwrap(),
        [
            "(client certificate)",
            "(client secret)",
            "(federated token)",
            "managed identity",
            "(Azure CLI)"
        ]
    );
    let all = [
        TENANT,
        CLIENT,
        ("AZURE_CLIENT_CERTIFICATE_PATH", "c.pem"),
        ("AZURE_CLIENT_SECRET", "s"),
        ("AZURE_FEDERATED_TOKEN_FILE", "t"),
        ("ARM_USE_CLI", "true"),
    ];
    assert_eq!(
        order(&none, &all).unwrap(),
        [
            "client certificate",
            "client secret",
            "federated token",
            "managed identity",
            "Azure CLI"
        ]
    );
    // Without a tenant no application can log in.
    assert_eq!(
        order(&none, &all[1..]).unwrap()[..3],
        [
            "(client certificate)",
            "(client secret)",
            "(federated token)"
        ]
    );
}

#[test]
fn what_the_block_names_goes_alone() {
    let variables = [TENANT, CLIENT, ("ARM_CLIENT_SECRET", "s")];
    for (settings, expected) in [
        (
            Settings::new().with("use_oidc", true),
            vec!["federated token"],
        ),
        (
            Settings::new().with("managed_identity", Settings::new()),
            vec!["managed identity"],
        ),
        (Settings::new().with("use_cli", true), vec!["Azure CLI"]),
        (
            Settings::new()
                .with("client_certificate_path", "c.pem")
                .with("use_cli", true),
            vec!["client certificate", "Azure CLI"],
        ),
        (
            Settings::new().with("client_secret", secret("s")),
            vec!["client secret"],
        ),
        (
            Settings::new().with("federated_token_file", "t"),
            vec!["federated token"],
        ),
    ] {
        assert_eq!(
            order(&settings, &variables).unwrap(),
            expected,
            "{settings:?}"
        );
    }
    // Tenant and client alone choose no login.
    let settings = Settings::new()
        .with("tenant_id", "t")
        .with("client_id", "c");
    assert_eq!(order(&settings, &variables).unwrap().len(), 5);
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let group = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        let group = pairs.fold(Settings::new(), |group, (name, value)| {
            group.with(name, *value)
        });
        Settings::new().with("managed_identity", group)
    };
    for (settings, variables, word) in [
        (Settings::new().with("cloud", "mars"), vec![], "`mars`"),
        (
            Settings::new(),
            vec![("ARM_USE_OIDC", "maybe")],
            "ARM_USE_OIDC",
        ),
        (
            Settings::new().with("authority_host", "http://login.example"),
            vec![],
            "not encrypted",
        ),
        (
            Settings::new().with(
                "vault_urls",
                std::collections::BTreeMap::from([(
                    "kv".to_owned(),
                    "http://kv.example".to_owned(),
                )]),
            ),
            vec![],
            "vault_urls.kv",
        ),
        (
            group(&[("client_id", "a"), ("object_id", "b")]),
            vec![],
            "more than one way",
        ),
        (
            group(&[("endpoint", "nowhere")]),
            vec![],
            "managed_identity.endpoint",
        ),
    ] {
        let error = order(&settings, &variables).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
        assert!(format!("{error:?}").contains(word), "{word}: {error:?}");
    }
}

#[test]
fn clouds_decide_where_to_log_in_and_what_vaults_are_called() {
    let read = |settings: &Settings, variables: &[(&str, &str)]| {
        let environment = Environment::fixed("/nowhere", variables.iter().copied());
        AzureSettings::read(Source {
            environment: &environment,
            settings,
        })
        .unwrap()
    };
    let none = Settings::new();
    let public = read(&none, &[]);
    assert_eq!(
        public.authority.as_str(),
        "https://login.microsoftonline.com/"
    );
    assert_eq!(
        public.vault("Acme-KV").unwrap().as_str(),
        "https://acme-kv.vault.azure.net/"
    );
    let government = read(&none, &[("ARM_ENVIRONMENT", "usgovernment")]);
    assert_eq!(
        government.authority.as_str(),
        "https://login.microsoftonline.us/"
    );
    assert_eq!(
        government.vault("kv-1").unwrap().as_str(),
        "https://kv-1.vault.usgovcloudapi.net/"
    );
    let urls = std::collections::BTreeMap::from([("KV".to_owned(), "https://10.0.0.4".to_owned())]);
    let named = read(
        &Settings::new()
            .with("vault_urls", urls)
            .with("vault_dns_suffix", ".vault.example")
            .with("authority_host", "login.example"),
        &[("ARM_AUXILIARY_TENANT_IDS", "a; b;")],
    );
    assert_eq!(named.vault("kv").unwrap().as_str(), "https://10.0.0.4/");
    assert_eq!(
        named.vault("other").unwrap().as_str(),
        "https://other.vault.example/"
    );
    assert_eq!(named.authority.as_str(), "https://login.example/");
    assert_eq!(named.auxiliary_tenants, ["a", "b"]);
}
