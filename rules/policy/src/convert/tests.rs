//! Inputs as the other tools document them.

use super::*;

fn check(text: &str, store: Option<&str>, expected: Result<&str, &str>) {
    let target = Target {
        store: store.map(str::to_owned),
    };
    match (convert(text, &target), expected) {
        (Ok(converted), Ok(reference)) => {
            assert_eq!(converted.reference.to_string(), reference, "{text}");
        }
        (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{text}: {error}"),
        (result, expected) => panic!("{text}: got {result:?}, expected {expected:?}"),
    }
}

#[test]
fn vals() {
    for (text, store, expected) in [
        (
            "ref+vault://kv/payments/db#/password",
            None,
            Ok("vault://kv/payments/db#password"),
        ),
        (
            "ref+vault://kv/db?version=3#/a/b",
            None,
            Ok("vault://kv/db?version=3#/a/b"),
        ),
        (
            "secretref+vault://kv/db#/password+",
            None,
            Ok("vault://kv/db#password"),
        ),
        (
            "ref+vault://kv/db#/p?address=https://vault.acme.com:8200",
            None,
            Err("for example named `vault-acme-com`"),
        ),
        (
            "ref+vault://kv/db?address=https://vault.acme.com:8200#/p",
            Some("acme"),
            Ok("vault+acme://kv/db#p"),
        ),
        (
            "ref+vault://kv/db?role_id=x&secret_id=y#/p",
            Some("acme"),
            Err("credential in `secret_id`"),
        ),
        (
            "ref+awssecrets://prod/db?version_stage=AWSPREVIOUS#/password",
            None,
            Ok("aws-sm://prod/db?stage=AWSPREVIOUS#password"),
        ),
        (
            "ref+awssecrets://prod/db?region=eu-west-1",
            None,
            Err("`eu-west-1`"),
        ),
        (
            "ref+awsssm://prod/db#/password",
            None,
            Ok("aws-ssm://prod/db/password"),
        ),
        (
            "ref+awsssm://prod/db?mode=singleparam#/password",
            None,
            Ok("aws-ssm://prod/db#password"),
        ),
        (
            "ref+gcpsecrets://acme/db?version=2#/a",
            None,
            Ok("gcp-sm://acme/db?version=2#a"),
        ),
        (
            "ref+azurekeyvault://acme-kv/db/4387e9f3d6e14c459867679a90fd0f79",
            None,
            Ok("azure-kv://acme-kv/db?version=4387e9f3d6e14c459867679a90fd0f79"),
        ),
        (
            "ref+azurekeyvault://acme-kv.vault.azure.net/db",
            None,
            Ok("azure-kv://acme-kv/db"),
        ),
        (
            "ref+sops://env/prod.enc.yaml#/db/password",
            None,
            Ok("sops://env/prod.enc.yaml#/db/password"),
        ),
        (
            "ref+sops://abc?key_type=base64",
            None,
            Err("put it into a file"),
        ),
        (
            "ref+file:///etc/x.yaml#/a",
            None,
            Ok("file:///etc/x.yaml#a"),
        ),
        ("ref+envsubst://$DB_PASSWORD", None, Ok("env://DB_PASSWORD")),
        (
            "ref+op://Prod/db/password",
            None,
            Ok("op://Prod/db/password"),
        ),
        (
            "ref+doppler://payments/prd/DB",
            None,
            Ok("doppler://payments/prd/DB"),
        ),
        (
            "ref+k8s://v1/Secret/payments/db/password",
            None,
            Ok("k8s://payments/db#password"),
        ),
        (
            "ref+k8s://v1/ConfigMap/payments/db/password",
            None,
            Err("v1/Secret"),
        ),
        ("ref+tfstate://x#/y", None, Err("no scheme here")),
        ("ref+vault", None, Err("not a vals expression")),
    ] {
        check(text, store, expected);
    }
}

#[test]
fn clouds() {
    for (text, store, expected) in [
        (
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
            None,
            Ok("aws-sm://arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"),
        ),
        (
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf",
            Some("prod"),
            Ok("aws-sm+prod://prod/db"),
        ),
        (
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf:password:AWSPREVIOUS:",
            Some("prod"),
            Ok("aws-sm+prod://prod/db?stage=AWSPREVIOUS#password"),
        ),
        (
            "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db",
            None,
            Ok("aws-ssm://arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db"),
        ),
        (
            "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db",
            Some("prod"),
            Ok("aws-ssm+prod://prod/db"),
        ),
        (
            "arn:aws:iam::123456789012:role/x",
            None,
            Err("neither a secret"),
        ),
        ("projects/acme/secrets/db", None, Ok("gcp-sm://acme/db")),
        (
            "projects/123/secrets/db/versions/latest",
            None,
            Ok("gcp-sm://123/db?version=latest"),
        ),
        (
            "//secretmanager.googleapis.com/projects/acme/secrets/db",
            None,
            Ok("gcp-sm://acme/db"),
        ),
        (
            "projects/acme/locations/europe-west3/secrets/db",
            None,
            Err("`europe-west3`"),
        ),
        (
            "projects/acme/locations/europe-west3/secrets/db",
            Some("eu"),
            Ok("gcp-sm+eu://acme/db"),
        ),
        ("projects/acme/topics/x", None, Err("not that of a secret")),
        (
            "https://acme-kv.vault.azure.net/secrets/db",
            None,
            Ok("azure-kv://acme-kv/db"),
        ),
        (
            "https://acme-kv.vault.azure.net/secrets/db/4387e9f3/",
            None,
            Ok("azure-kv://acme-kv/db?version=4387e9f3"),
        ),
        (
            "https://acme-kv.vault.azure.cn/secrets/db",
            None,
            Err("cloud (vault.azure.cn)"),
        ),
        (
            "https://acme-kv.vault.azure.net/keys/db",
            None,
            Err("not that of a secret"),
        ),
        (
            "https://example.com/secrets/db",
            None,
            Err("not that of a secret"),
        ),
        (
            "@Microsoft.KeyVault(SecretUri=https://acme-kv.vault.azure.net/secrets/db/)",
            None,
            Ok("azure-kv://acme-kv/db"),
        ),
        (
            "@Microsoft.KeyVault(VaultName=acme-kv;SecretName=db)",
            None,
            Ok("azure-kv://acme-kv/db"),
        ),
        (
            "@Microsoft.KeyVault(VaultName=acme-kv)",
            None,
            Err("names no secret"),
        ),
        (
            "op://My Vault/db/password",
            None,
            Ok("op://My%20Vault/db/password"),
        ),
        ("bao://kv/db", None, Ok("vault://kv/db")),
        ("hunter2", None, Err("not a secret reference")),
    ] {
        check(text, store, expected);
    }
}

#[test]
fn external_secrets() {
    use ExternalProvider as P;
    for (provider, json, scope, expected) in [
        (
            P::Vault,
            r#"{"key":"payments/db","property":"password","version":"3"}"#,
            Some("kv"),
            Ok("vault://kv/payments/db?version=3#password"),
        ),
        (
            P::Vault,
            r#"{"key":"kv/db","property":"tls\\.crt"}"#,
            None,
            Ok("vault://kv/db#tls.crt"),
        ),
        (
            P::AwsSecretsManager,
            r#"{"key":"prod/db","property":"a.b","version":"AWSPREVIOUS"}"#,
            None,
            Ok("aws-sm://prod/db?stage=AWSPREVIOUS#/a/b"),
        ),
        (
            P::AwsSecretsManager,
            r#"{"key":"prod/db","version":"uuid/0d1c"}"#,
            None,
            Ok("aws-sm://prod/db?version=0d1c"),
        ),
        (
            P::AwsParameterStore,
            r#"{"key":"/prod/db","version":"2"}"#,
            None,
            Ok("aws-ssm://prod/db?version=2"),
        ),
        (
            P::GoogleCloud,
            r#"{"key":"db"}"#,
            Some("acme"),
            Ok("gcp-sm://acme/db"),
        ),
        (
            P::AzureKeyVault,
            r#"{"key":"secret/db"}"#,
            Some("acme-kv"),
            Ok("azure-kv://acme-kv/db"),
        ),
        (
            P::AzureKeyVault,
            r#"{"key":"cert/db"}"#,
            Some("acme-kv"),
            Err("no secrets"),
        ),
        (
            P::AzureKeyVault,
            r#"{"key":"db"}"#,
            None,
            Err("give the name of the key vault"),
        ),
        (
            P::Kubernetes,
            r#"{"key":"db","property":"password"}"#,
            Some("payments"),
            Ok("k8s://payments/db#password"),
        ),
        (
            P::OnePassword,
            r#"{"key":"db","property":"password"}"#,
            Some("Prod"),
            Ok("op://Prod/db/password"),
        ),
        (
            P::Doppler,
            r#"{"key":"DB"}"#,
            Some("payments/prd"),
            Ok("doppler://payments/prd/DB"),
        ),
        (
            P::Vault,
            r##"{"key":"kv/db","property":"users.#.name"}"##,
            None,
            Err("a query"),
        ),
    ] {
        let mut remote: RemoteRef = serde_json::from_str(json).unwrap();
        remote.scope = scope.map(str::to_owned);
        match (remote.convert(provider, &Target::default()), expected) {
            (Ok(converted), Ok(reference)) => {
                assert_eq!(converted.reference.to_string(), reference);
            }
            (Err(error), Err(words)) => {
                assert!(error.to_string().contains(words), "{json}: {error}");
            }
            (result, expected) => panic!("{json}: got {result:?}, expected {expected:?}"),
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_text_converts_or_is_refused(head in proptest::sample::select(vec!["ref+vault://", "ref+k8s://", "arn:aws:", "projects/", "https://", "@Microsoft.KeyVault(", ""]), tail in "[a-z/?#&=:.;+]{0,30}|\\PC{0,20}") {
        let text = format!("{head}{tail}");
        for store in [None, Some("s".to_owned())] {
            if let Err(error) = convert(&text, &Target { store }) {
                proptest::prop_assert!(text.trim().get(error.span.start..error.span.end).is_some());
            }
        }
    }
}
