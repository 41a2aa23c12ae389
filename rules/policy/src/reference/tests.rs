//! Tables of references as people write them, and properties over everything they could write.

use proptest::prelude::*;

use super::*;

fn canonical(text: &str) -> String {
    match SecretRef::parse(text) {
        Ok(parsed) => parsed.reference.to_string(),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn refused(text: &str) -> ReferenceError {
    match SecretRef::parse(text) {
        Ok(parsed) => panic!("{text} was read as {}", parsed.reference),
        Err(error) => error,
    }
}

#[test]
fn canonical_references_stay_as_they_are() {
    for text in [
        "vault+prod://kv/payments/db?version=3#password",
        "vault://kv/payments/db",
        "aws-sm://prod/payments?stage=AWSPREVIOUS#/db/password",
        "aws-sm:///prod/payments",
        "aws-sm://arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf#password",
        "aws-ssm://prod/db/password?version=4",
        "aws-ssm://db-password",
        "aws-ssm:///db-password",
        "aws-ssm://arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db",
        "gcp-sm://acme-prod/db-password?version=latest",
        "gcp-sm://db-password",
        "azure-kv://acme-prod/db-password?version=4387e9f3d6e14c459867679a90fd0f79",
        "k8s://payments/db-credentials#password",
        "k8s+eu.west-1://payments/tls#tls.crt",
        "sops://env/prod.enc.yaml#/db/password",
        "sops:///etc/secrets.yaml#/a~1b/c~0d",
        "age://secrets/key.age",
        "local://dev/db#password",
        "op://Prod/db/password",
        "op://Prod/db/admin/password",
        "op://Prod/a%2Fb/password",
        "infisical://payments/prod/db/PASSWORD",
        "doppler://payments/prd/DB_PASSWORD",
        "env://DB_PASSWORD?optional=true",
        "file:///run/secrets/db?encoding=base64",
        "vault://kv/grün/naïve#schlüssel",
        "vault://Kv/Payments/DB#Password",
    ] {
        let parsed = SecretRef::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(parsed.reference.to_string(), text);
        assert_eq!(parsed.warnings, [], "{text}");
    }
}

#[test]
fn other_ways_to_write_it_have_one_canonical_form() {
    for (text, expected) in [
        ("bao+prod://kv/db#password", "vault+prod://kv/db#password"),
        (
            "vault://kv/db?optional&version=3",
            "vault://kv/db?version=3&optional=true",
        ),
        (
            "vault://kv/db?optional=false&encoding=text",
            "vault://kv/db",
        ),
        ("vault://k%76/db#p%61ss", "vault://kv/db#pass"),
        ("aws-ssm:///prod/db/password", "aws-ssm://prod/db/password"),
        ("op://My Vault/db/password", "op://My%20Vault/db/password"),
        ("vault://kv/a%2a%3f%23%25", "vault://kv/a%2A%3F%23%25"),
        ("vault://kv/a$%7Bb}", "vault://kv/a$%7Bb}"),
        ("vault://kv/a+b", "vault://kv/a+b"),
        ("vault://kv/db#a b", "vault://kv/db#a%20b"),
    ] {
        assert_eq!(canonical(text), expected, "{text}");
    }
}

#[test]
fn misplaced_marks_are_understood_with_a_fix() {
    for (text, span, fix) in [
        (
            "vault://kv/db#password?version=3",
            "version=3",
            "vault://kv/db?version=3#password",
        ),
        (
            "vault://kv/db?version=3?optional=true#a",
            "optional=true",
            "vault://kv/db?version=3&optional=true#a",
        ),
        (
            "vault://kv/db?optional=true#a?version=3",
            "version=3",
            "vault://kv/db?version=3&optional=true#a",
        ),
    ] {
        let parsed = SecretRef::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let [warning] = &parsed.warnings[..] else {
            panic!("{text}: {:?}", parsed.warnings)
        };
        assert_eq!(&text[warning.span.start..warning.span.end], span, "{text}");
        assert_eq!(warning.fix, fix);
        assert_eq!(
            SecretRef::parse(fix).map(|parsed| parsed.warnings.len()),
            Ok(0)
        );
    }
}

#[test]
fn errors_say_where_and_why() {
    use ReferenceErrorKind as Kind;
    for (text, kind, at, words) in [
        ("", Kind::Scheme, "", "no `scheme://`"),
        ("hunter2", Kind::Scheme, "hunter2", "not a secret reference"),
        (
            "valt://kv/db",
            Kind::Scheme,
            "valt",
            "did you mean `vault`?",
        ),
        (
            "Vault://kv/db",
            Kind::Scheme,
            "Vault",
            "did you mean `vault`?",
        ),
        (
            "consul://kv/db",
            Kind::Scheme,
            "consul",
            "use one of age, aws-ecr",
        ),
        (
            "ref+vault://kv/db#/a",
            Kind::Scheme,
            "ref",
            "notation of vals",
        ),
        ("://kv/db", Kind::Scheme, "", "missing"),
        ("vault+://kv/db", Kind::Store, "", "no store name"),
        (
            "vault+Prod://kv/db",
            Kind::Store,
            "Prod",
            "not a store name",
        ),
        ("vault+a+b://kv/db", Kind::Store, "a+b", "not a store name"),
        ("vault://kv", Kind::Path, "kv", "too few"),
        ("vault://", Kind::Path, "", "empty"),
        ("vault:///kv/db", Kind::Path, "", "empty"),
        ("vault://kv//db", Kind::Path, "", "empty"),
        ("vault://kv/db/", Kind::Path, "", "empty"),
        ("vault://kv/dev/../prod", Kind::Path, "..", "`..`"),
        ("vault://kv/dev/%2e%2E/prod", Kind::Path, "%2e%2E", "`..`"),
        (
            "vault://kv/dev%2F..%2Fprod",
            Kind::Path,
            "dev%2F..%2Fprod",
            "slash",
        ),
        ("vault://kv/*", Kind::Path, "*", "patterns"),
        ("env://A/B", Kind::Path, "A/B", "too many"),
        ("env://1A", Kind::Path, "1A", "environment variable"),
        ("k8s://Payments/db", Kind::Path, "Payments", "namespace"),
        ("k8s://db", Kind::Path, "db", "k8s://namespace/name"),
        ("azure-kv://a/db", Kind::Path, "a", "key vault"),
        (
            "azure-kv://acme/db_password",
            Kind::Path,
            "db_password",
            "letters, digits and `-`",
        ),
        (
            "gcp-sm://projects/p/secrets/s",
            Kind::Path,
            "projects/p/secrets/s",
            "ref convert",
        ),
        (
            "op://Prod/db",
            Kind::Path,
            "Prod/db",
            "op://vault/item/[section/]field",
        ),
        (
            "aws-sm://arn:aws:s3:::bucket/key",
            Kind::Path,
            "arn:aws:s3:::bucket/key",
            "not an ARN",
        ),
        ("aws-ssm://pro d", Kind::Path, "pro d", "SSM parameter"),
        (
            "vault://kv/db?ttl=1h",
            Kind::Query,
            "ttl",
            "takes version, encoding, optional",
        ),
        (
            "vault://kv/db?verson=1",
            Kind::Query,
            "verson",
            "did you mean `version`?",
        ),
        (
            "vault://kv/db?stage=AWSCURRENT",
            Kind::Query,
            "stage",
            "no `stage`",
        ),
        (
            "k8s://a/b?version=1",
            Kind::Query,
            "version",
            "no `version`",
        ),
        (
            "vault://kv/db?version=1&version=2",
            Kind::Query,
            "version",
            "twice",
        ),
        ("vault://kv/db?version=", Kind::Query, "version", "no value"),
        ("vault://kv/db?version=0", Kind::Query, "0", "1, 2, 3"),
        ("vault://kv/db?version=03", Kind::Query, "03", "1, 2, 3"),
        (
            "vault://kv/db?optional=yes",
            Kind::Query,
            "yes",
            "true or false",
        ),
        ("vault://kv/db?encoding=b64", Kind::Query, "b64", "encoding"),
        ("vault://kv/db?", Kind::Query, "", "missing"),
        (
            "aws-sm://a?version=1&stage=b",
            Kind::Query,
            "stage",
            "contradict",
        ),
        ("vault://kv/db#", Kind::Selector, "", "nothing follows"),
        ("vault://kv/db#a#b", Kind::Selector, "a#b", "one `#`"),
        ("vault://kv/db#/a~2", Kind::Selector, "/a~2", "`~`"),
        ("vault://kv/db#pass?word", Kind::Query, "word", "%3F"),
        (
            "vault://vault.acme.com/kv/db",
            Kind::Host,
            "vault.acme.com",
            "store block",
        ),
        (
            "vault://10.0.0.1/kv/db",
            Kind::Host,
            "10.0.0.1",
            "store block",
        ),
        ("vault://[::1]/kv/db", Kind::Host, "[::1]", "store block"),
        (
            "vault://localhost/kv/db",
            Kind::Host,
            "localhost",
            "store block",
        ),
        (
            "vault://active:8200/kv/db",
            Kind::Host,
            "active:8200",
            "store block",
        ),
        ("vault://https://v/kv", Kind::Host, "https://v/kv", "URL"),
        (
            "azure-kv://acme.vault.azure.net/db",
            Kind::Host,
            "acme.vault.azure.net",
            "store block",
        ),
        (
            "vault://kv/db?address=x",
            Kind::Host,
            "address",
            "where the store is",
        ),
        (
            "aws-sm://db?region=eu-west-1",
            Kind::Host,
            "region",
            "where the store is",
        ),
        (
            "vault://s.abc@kv/db",
            Kind::Credential,
            "s.abc@kv",
            "before `@`",
        ),
        (
            "aws-sm://user:pass@host/db",
            Kind::Credential,
            "user:pass@host",
            "before `@`",
        ),
        (
            "vault://kv/db?token=s.abcdef",
            Kind::Credential,
            "token",
            "authentication parameter",
        ),
        (
            "vault://kv/db?secret-id=x",
            Kind::Credential,
            "secret-id",
            "authentication parameter",
        ),
        ("vault://kv/\u{0}db", Kind::Character, "\u{0}", "control"),
        ("vault://kv/%00db", Kind::Character, "%00db", "control"),
        (
            "vault://kv/\u{202e}db",
            Kind::Character,
            "\u{202e}",
            "invisible",
        ),
        (" vault://kv/db", Kind::Character, " vault://kv/db", "blank"),
        ("vault://kv/db\n", Kind::Character, "\n", "control"),
        ("vault://kv/100%", Kind::Character, "%", "%25"),
        ("vault://kv/%zz", Kind::Character, "%", "%25"),
        ("vault://kv/%é", Kind::Character, "%", "%25"),
        ("vault://kv/%ff", Kind::Character, "%ff", "UTF-8"),
        (
            "vault://kv/${var.env}/db",
            Kind::Character,
            "${",
            "template",
        ),
    ] {
        let error = refused(text);
        assert_eq!(error.kind, kind, "{text}: {error}");
        assert_eq!(
            &text[error.span.start..error.span.end],
            at,
            "{text}: {error}"
        );
        assert!(error.to_string().contains(words), "{text}: {error}");
    }
}

#[test]
fn names_of_secrets_may_look_like_mail_addresses_and_domains() {
    for text in [
        "aws-sm://prod/user@example.com",
        "aws-sm://user@example.com",
        "aws-sm://api.example.com/key",
        "vault://kv/certs/api.example.com",
        "vault://secrets.dev/db",
        "op://Team/mail@example.com/password",
        "sops://secrets.prod.yaml#/a",
        "gcp-sm://example.com:acme/db",
    ] {
        assert_eq!(canonical(text), text);
    }
}

#[test]
fn errors_never_repeat_what_may_be_a_credential() {
    const CANARY: &str = "S3cr3tCanary";
    for text in [
        format!("vault://kv/db?token={CANARY}"),
        format!("vault://kv/db?{CANARY}"),
        format!("vault://kv/db?version={CANARY}"),
        format!("vault://user:{CANARY}@host/kv"),
        format!("vault://{CANARY}@kv/db"),
        format!("{CANARY}/abc+def=://x"),
        CANARY.to_owned(),
        format!("postgres://u:{CANARY}@db/x"),
        format!("env://{CANARY}-x"),
        format!("vault+{CANARY}://kv/db"),
    ] {
        let error = refused(&text);
        assert!(!error.to_string().contains(CANARY), "{error}");
    }
}

#[test]
fn length_is_bounded_in_both_forms() {
    let fits = format!("vault://kv/{}", "a".repeat(SecretRef::MAX_BYTES - 11));
    assert_eq!(canonical(&fits), fits);
    assert_eq!(
        refused(&format!("{fits}a")).kind,
        ReferenceErrorKind::TooLong
    );
    let grows = format!("vault://kv/x{}x", " ".repeat(1000));
    assert_eq!(refused(&grows).kind, ReferenceErrorKind::TooLong);
}

#[test]
fn parts_are_accessible() {
    let reference: SecretRef = "aws-ssm+eu://prod/db?stage=live&encoding=hex&optional#/a~1b/c"
        .parse()
        .unwrap();
    assert_eq!(reference.scheme(), Scheme::AwsSsm);
    assert_eq!(reference.store(), Some("eu"));
    assert_eq!(reference.path(), "/prod/db");
    assert_eq!(reference.segments(), ["prod", "db"]);
    assert_eq!(reference.version(), None);
    assert_eq!(reference.stage(), Some("live"));
    assert_eq!(reference.encoding(), Encoding::Hex);
    assert!(reference.optional());
    assert_eq!(reference.selector().unwrap().steps(), ["a/b", "c"]);
    assert_eq!(
        reference.without_selector().to_string(),
        "aws-ssm+eu://prod/db?stage=live"
    );
    let third = reference.with_version(Some("3")).unwrap();
    assert_eq!(
        third.to_string(),
        "aws-ssm+eu://prod/db?version=3&encoding=hex&optional=true#/a~1b/c"
    );
    assert_eq!(third.with_version(None).unwrap().version(), None);
    assert!(reference.with_version(Some("x")).is_err());
    let file: SecretRef = "file://a/b".parse().unwrap();
    assert_eq!(file.path(), "a/b");
    assert!(file.with_version(Some("1")).is_err());
}

#[test]
fn serde_uses_the_canonical_text() {
    let reference: SecretRef = serde_json::from_str(r#""bao://kv/db#a""#).unwrap();
    assert_eq!(
        serde_json::to_string(&reference).unwrap(),
        r#""vault://kv/db#a""#
    );
    assert!(serde_json::from_str::<SecretRef>(r#""db""#).is_err());
}

/// Texts close to references: valid pieces, traps and noise in any order.
fn near_reference() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "vault",
            "aws-sm",
            "aws-ssm",
            "op",
            "env",
            "file",
            "+prod",
            "://",
            "/",
            "//",
            "..",
            "%2F",
            "%2e",
            "%",
            "?",
            "#",
            "&",
            "=",
            "version",
            "=3",
            "optional",
            "~1",
            "~",
            "*",
            "${",
            "@",
            ":",
            " ",
            "é",
            "\u{202e}",
            "\0",
            "kv",
            "db",
            "arn:aws:ssm:r:1:parameter",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
    ];
    let scheme = prop::sample::select(Scheme::ALL.map(|scheme| format!("{scheme}://")).to_vec());
    (
        prop::option::of(scheme),
        prop::collection::vec(piece, 0..12),
    )
        .prop_map(|(scheme, pieces)| scheme.unwrap_or_default() + &pieces.concat())
}

proptest! {
    #[test]
    fn any_text_gives_a_reference_or_an_error_inside_it(text in prop_oneof![near_reference(), any::<String>()]) {
        match SecretRef::parse(&text) {
            Ok(parsed) => {
                for warning in &parsed.warnings {
                    prop_assert!(text.get(warning.span.start..warning.span.end).is_some());
                }
            }
            Err(error) => prop_assert!(text.get(error.span.start..error.span.end).is_some(), "{error:?}"),
        }
    }

    #[test]
    fn display_reads_back_the_same(text in near_reference()) {
        if let Ok(parsed) = SecretRef::parse(&text) {
            let shown = parsed.reference.to_string();
            let again = SecretRef::parse(&shown).map_err(|error| TestCaseError::fail(format!("{shown}: {error}")))?;
            prop_assert_eq!(&again.reference, &parsed.reference);
            prop_assert_eq!(again.reference.to_string(), shown);
            prop_assert!(again.warnings.is_empty());
        }
    }

    #[test]
    fn no_reference_climbs_out_of_its_folder(text in near_reference()) {
        if let Ok(parsed) = SecretRef::parse(&text)
            && parsed.reference.scheme() != Scheme::Op
        {
            let path = parsed.reference.path();
            prop_assert!(path.split('/').all(|step| step != ".." && step != "."), "{}", path);
        }
    }
}
