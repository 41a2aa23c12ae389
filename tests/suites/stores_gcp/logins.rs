//! Every kind of credentials, and the tokens that are made with them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use e2e::servers::{Algorithm, Google, GoogleRole, OidcIssuer};
use secret_stores::{ErrorKind, FetchOptions, Result, Settings, Stores};
use secret_value::Secret;
use serde_json::{Value, json};

use super::bench::{CANARY, block_on, open, reference, refused, text, with_block};
use super::{PROJECT, block, double};

const STORAGE: &str = "https://www.googleapis.com/auth/devstorage.read_only";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

fn place() -> String {
    format!("gcp-sm://{PROJECT}/PW")
}

/// A double, a folder for files, and an account `ci` that may read.
struct Desk {
    google: Google,
    folder: tempfile::TempDir,
    ci: String,
}

impl Desk {
    fn new() -> Self {
        let google = double();
        let ci = google.service_account("ci");
        google.grant(&ci, GoogleRole::Accessor);
        Self {
            google,
            folder: tempfile::tempdir().unwrap(),
            ci,
        }
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    fn block(&self) -> Settings {
        block(&self.google.url())
    }

    /// Stores with `variables` and a block that says where the double is.
    fn stores(&self, variables: &[(&str, &str)]) -> Stores {
        with_block(variables, "gcp", self.block())
    }

    /// Stores whose credentials are `json` in a file.
    fn with_file(&self, json: &Value, variables: &[(&str, &str)]) -> Stores {
        let file = self.file("credentials.json", &json.to_string());
        let mut all = vec![("GOOGLE_APPLICATION_CREDENTIALS", file.as_str())];
        all.extend_from_slice(variables);
        self.stores(&all)
    }

    fn impersonation_url(&self, email: &str) -> String {
        let url = self.google.url();
        format!("{url}/v1/projects/-/serviceAccounts/{email}:generateAccessToken")
    }
}

#[track_caller]
fn reads(stores: &Stores) {
    assert_eq!(open(stores, &place()).unwrap(), text(CANARY));
}

#[test]
fn a_key_is_found_wherever_people_put_it_and_logs_in_once() {
    let desk = Desk::new();
    let key = desk.google.key(&desk.ci).unwrap();
    let file = desk.file("key.json", &key);
    let home = desk.folder.path().join("home");
    let config = home.join(".config/gcloud");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("application_default_credentials.json"), &key).unwrap();
    let home = home.display().to_string();
    for variables in [
        ("GOOGLE_CREDENTIALS", key.as_str()),
        ("GOOGLE_CREDENTIALS", file.as_str()),
        ("GOOGLE_APPLICATION_CREDENTIALS", file.as_str()),
        ("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", file.as_str()),
        ("HOME", home.as_str()),
    ] {
        reads(&desk.stores(&[variables]));
    }
    let settings = desk
        .block()
        .with("credentials", Secret::from_text(key.clone()));
    let stores = with_block(&[], "gcp", settings);
    let _ = desk.google.take_log();
    // The project is that of the key.
    assert_eq!(open(&stores, "gcp-sm://PW").unwrap(), text(CANARY));
    reads(&stores);
    assert_eq!(desk.google.take_log().len(), 3, "one login, two reads");
    desk.google.revoke_tokens();
    reads(&stores);
    assert_eq!(
        desk.google.take_log().len(),
        3,
        "a read that is refused, a login, a read"
    );
}

#[test]
fn a_key_that_google_does_not_take_says_why_it_may_be() {
    let desk = Desk::new();
    let key = desk.google.key(&desk.ci).unwrap();
    let mut other: Value = serde_json::from_str(&key).unwrap();
    other["private_key_id"] = "removed".into();
    refused(
        open(&desk.with_file(&other, &[]), &place()),
        ErrorKind::PermissionDenied,
        &["invalid_grant", "the key was removed"],
    );
    other["private_key"] = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".into();
    refused(
        open(&desk.with_file(&other, &[]), &place()),
        ErrorKind::Config,
        &["private key", "ci@acme"],
    );
    let missing = desk.stores(&[("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")]);
    let optional = format!("{}?optional=true", place());
    refused(
        open(&missing, &optional),
        ErrorKind::Config,
        &["/nowhere/key.json"],
    );
    let universe = desk.block().with("universe_domain", "apis.example");
    let stores = with_block(&[("GOOGLE_CREDENTIALS", &key)], "gcp", universe);
    refused(
        open(&stores, &place()),
        ErrorKind::Config,
        &["`googleapis.com`", "`apis.example`"],
    );
}

#[test]
fn a_clock_that_is_wrong_is_corrected_by_googles() {
    let desk = Desk::new();
    let key = desk.google.key(&desk.ci).unwrap();
    desk.google.set_clock(7200, true);
    let _ = desk.google.take_log();
    reads(&desk.stores(&[("GOOGLE_CREDENTIALS", &key)]));
    assert_eq!(desk.google.take_log().len(), 3, "two logins, one read");
}

#[test]
fn a_person_and_a_machine_log_in() {
    let desk = Desk::new();
    desk.google.grant("ana", GoogleRole::Accessor);
    let person: Value = serde_json::from_str(&desk.google.person("ana")).unwrap();
    reads(&desk.with_file(&person, &[]));
    let mut wrong = person.clone();
    wrong["client_secret"] = "other".into();
    refused(
        open(&desk.with_file(&wrong, &[]), &place()),
        ErrorKind::PermissionDenied,
        &["invalid_client"],
    );
    // A person has no identity tokens for others, and an impersonated account has.
    refused(
        open(
            &desk.with_file(&person, &[]),
            "gcp-id-token://default/service.example#token",
        ),
        ErrorKind::Config,
        &["no service account"],
    );
    desk.google.set_machine(&desk.ci);
    let host = desk.google.metadata_host();
    let machine = desk.stores(&[("GCE_METADATA_HOST", &host)]);
    assert_eq!(open(&machine, "gcp-sm://PW").unwrap(), text(CANARY));
    // No proxy stands before the machine's own server.
    let local = host.replace("127.0.0.1", "localhost");
    reads(&desk.stores(&[
        ("GCE_METADATA_HOST", &local),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("NO_PROXY", "127.0.0.1"),
    ]));
    // Whoever answers there without saying what it is, is no machine.
    let issuer = OidcIssuer::start(Algorithm::Es256).unwrap();
    let other = issuer.url();
    let host = other.trim_start_matches("http://");
    refused(
        open(&desk.stores(&[("GCE_METADATA_HOST", host)]), &place()),
        ErrorKind::Config,
        &["no credentials for Google Cloud", "workload_identity"],
    );
}

#[test]
fn the_identity_of_the_run_is_exchanged_without_a_file() {
    let desk = Desk::new();
    let issuer = OidcIssuer::start(Algorithm::Rs256).unwrap();
    let (provider, identity) = desk.google.trust(&issuer, "repo:acme/infra");
    let audience = format!("https://iam.googleapis.com/{provider}");
    let claims = json!({ "sub": "repo:acme/infra" });
    let login = |token: &str, service_account: Option<&str>| {
        let group = Settings::new()
            .with("provider", provider.as_str())
            .with_some("service_account", service_account);
        let settings = desk.block().with("workload_identity", group);
        with_block(&[("SECRETREF_ID_TOKEN", token)], "gcp", settings)
    };
    let token = issuer.token(&audience, &claims).unwrap();
    desk.google.delegate(&identity, &desk.ci);
    reads(&login(&token, Some(&desk.ci)));
    refused(
        open(&login(&token, None), &place()),
        ErrorKind::PermissionDenied,
        &["secretmanager.versions.access"],
    );
    desk.google.grant(&identity, GoogleRole::Accessor);
    reads(&login(&token, None));
    let stranger = issuer
        .token(&audience, &json!({ "sub": "repo:evil/infra" }))
        .unwrap();
    let elsewhere = issuer.token("elsewhere", &claims).unwrap();
    let expired = issuer.expired_token(&audience, &claims).unwrap();
    for (token, kind, word) in [
        (stranger, ErrorKind::PermissionDenied, "unauthorized_client"),
        (elsewhere, ErrorKind::Config, "not for"),
        (expired, ErrorKind::PermissionDenied, "expired"),
    ] {
        refused(open(&login(&token, None), &place()), kind, &[word]);
    }
    let nobody = desk.google.service_account("nobody");
    refused(
        open(&login(&token, Some(&nobody)), &place()),
        ErrorKind::PermissionDenied,
        &["iam.serviceAccounts.getAccessToken", "nobody@acme"],
    );
}

#[test]
fn proofs_come_from_files_addresses_programs_and_aws() {
    let desk = Desk::new();
    let issuer = OidcIssuer::start(Algorithm::Es256).unwrap();
    let (provider, identity) = desk.google.trust(&issuer, "job");
    let audience = format!("https://iam.googleapis.com/{provider}");
    issuer.set_job_claims(&json!({ "sub": "job" }));
    desk.google.delegate(&identity, &desk.ci);
    let token = issuer.token(&audience, &json!({ "sub": "job" })).unwrap();
    let external = |source: Value| {
        json!({
            "type": "external_account",
            "audience": format!("//iam.googleapis.com/{provider}"),
            "subject_token_type": JWT,
            "token_url": format!("{}/v1/token", desk.google.url()),
            "service_account_impersonation_url": desk.impersonation_url(&desk.ci),
            "credential_source": source,
        })
    };
    let file = desk.file("token", &format!("{token}\n"));
    let member = desk.file("token.json", &json!({ "id": token }).to_string());
    let format = |name: &str| json!({ "type": "json", "subject_token_field_name": name });
    reads(&desk.with_file(&external(json!({ "file": file })), &[]));
    reads(&desk.with_file(
        &external(json!({ "file": member, "format": format("id") })),
        &[],
    ));
    // As the action of Google for GitHub writes it.
    let bearer = format!("bearer {}", issuer.actions_request_token());
    let url = format!("{}&audience={audience}", issuer.actions_request_url());
    reads(&desk.with_file(
        &external(json!({
            "url": url,
            "headers": { "authorization": bearer },
            "format": format("value"),
        })),
        &[],
    ));
    programs(&desk, &external, &token);
    let gone = external(json!({ "file": "/nowhere/token" }));
    refused(
        open(
            &desk.with_file(&gone, &[]),
            &format!("{}?optional=true", place()),
        ),
        ErrorKind::Config,
        &["/nowhere/token"],
    );
    let mut unknown = external(json!({ "file": file }));
    unknown["audience"] =
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/x/providers/y"
            .into();
    refused(
        open(&desk.with_file(&unknown, &[]), &place()),
        ErrorKind::PermissionDenied,
        &["invalid_target"],
    );
}

/// Programs run where that is allowed, and nowhere else.
fn programs(desk: &Desk, external: &dyn Fn(Value) -> Value, token: &str) {
    let answer = |answer: Value| {
        let file = desk.file("answer.json", &answer.to_string());
        let credentials = external(
            json!({ "executable": { "command": format!("cat {file}"), "timeout_millis": 5000 } }),
        );
        (
            credentials,
            std::env::var_os("PATH").unwrap().into_string().unwrap(),
        )
    };
    let good = json!({ "version": 1, "success": true, "token_type": JWT, "id_token": token });
    let allowed = ("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1");
    let (credentials, path) = answer(good.clone());
    reads(&desk.with_file(&credentials, &[allowed, ("PATH", &path)]));
    refused(
        open(&desk.with_file(&credentials, &[("PATH", &path)]), &place()),
        ErrorKind::Config,
        &["not allowed", "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"],
    );
    let mut expired = good.clone();
    expired["expiration_time"] = 1_000_000.into();
    let refusal = json!({ "version": 1, "success": false, "code": "401", "message": CANARY });
    for (said, word) in [
        (expired, "expired"),
        (refusal, "gave no token"),
        (json!({ "version": 2, "success": true }), "another kind"),
        (json!(CANARY), "something else"),
    ] {
        let (credentials, path) = answer(said);
        refused(
            open(
                &desk.with_file(&credentials, &[allowed, ("PATH", &path)]),
                &place(),
            ),
            ErrorKind::PermissionDenied,
            &[word],
        );
    }
    // What the program kept is used while it holds; the program is not run then.
    let mut kept = good;
    kept["expiration_time"] = (jiff::Timestamp::now().as_second() + 600).into();
    let kept = desk.file("kept.json", &kept.to_string());
    let credentials = external(json!({
        "executable": { "command": "false", "timeout_millis": 5000, "output_file": kept }
    }));
    reads(&desk.with_file(&credentials, &[allowed, ("PATH", &path)]));
}

#[test]
fn an_identity_of_aws_is_proved_by_a_signed_request() {
    let desk = Desk::new();
    let key = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let (provider, identity) = desk.google.trust_aws(key, "role");
    desk.google.grant(&identity, GoogleRole::Accessor);
    let credentials = json!({
        "type": "external_account",
        "audience": format!("//iam.googleapis.com/{provider}"),
        "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
        "token_url": format!("{}/v1/token", desk.google.url()),
        "credential_source": {
            "environment_id": "aws1",
            "region_url": "http://169.254.169.254/latest/meta-data/placement/availability-zone",
            "url": "http://169.254.169.254/latest/meta-data/iam/security-credentials",
            "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
        },
    });
    let with = |secret: &str| {
        desk.with_file(
            &credentials,
            &[
                ("AWS_ACCESS_KEY_ID", key.0),
                ("AWS_SECRET_ACCESS_KEY", secret),
                ("AWS_REGION", "eu-west-1"),
                ("AWS_EC2_METADATA_DISABLED", "true"),
            ],
        )
    };
    reads(&with(key.1));
    refused(
        open(&with("another"), &place()),
        ErrorKind::PermissionDenied,
        &["invalid_grant"],
    );
}

#[test]
fn service_accounts_are_impersonated_over_a_chain() {
    let desk = Desk::new();
    let (start, middle) = (
        desk.google.service_account("start"),
        desk.google.service_account("middle"),
    );
    desk.google.delegate(&start, &middle);
    desk.google.delegate(&middle, &desk.ci);
    let key = desk.google.key(&start).unwrap();
    let chain = |delegates: Vec<String>| {
        let settings = desk
            .block()
            .with("impersonate_service_account", desk.ci.as_str())
            .with("impersonate_service_account_delegates", delegates)
            .with(
                "impersonate_service_account_lifetime",
                Duration::from_secs(600),
            );
        with_block(&[("GOOGLE_CREDENTIALS", &key)], "gcp", settings)
    };
    reads(&chain(vec![middle.clone()]));
    refused(
        open(&chain(Vec::new()), &place()),
        ErrorKind::PermissionDenied,
        &["iam.serviceAccounts.getAccessToken", "ci@acme"],
    );
    // The same from a file that `gcloud` writes.
    let source: Value = serde_json::from_str(&key).unwrap();
    let wrapped = json!({
        "type": "impersonated_service_account",
        "delegates": [format!("projects/-/serviceAccounts/{middle}")],
        "service_account_impersonation_url": desk.impersonation_url(&desk.ci),
        "source_credentials": source,
    });
    reads(&desk.with_file(&wrapped, &[]));
    let missing = with_block(
        &[("GOOGLE_CREDENTIALS", &key)],
        "gcp",
        desk.block().with(
            "impersonate_service_account",
            "none@acme.iam.gserviceaccount.com",
        ),
    );
    refused(
        open(&missing, &format!("{}?optional=true", place())),
        ErrorKind::PermissionDenied,
        &["none@acme"],
    );
}

#[test]
fn calls_are_counted_against_the_quota_project() {
    let desk = Desk::new();
    let key = desk.google.key(&desk.ci).unwrap();
    let with = |variables: &[(&str, &str)]| {
        let mut all = vec![("GOOGLE_CREDENTIALS", key.as_str())];
        all.extend_from_slice(variables);
        desk.stores(&all)
    };
    reads(&with(&[("GOOGLE_CLOUD_QUOTA_PROJECT", PROJECT)]));
    reads(&with(&[("GOOGLE_BILLING_PROJECT", "other")]));
    for variables in [
        &[("GOOGLE_CLOUD_QUOTA_PROJECT", "other")][..],
        &[
            ("GOOGLE_BILLING_PROJECT", "other"),
            ("USER_PROJECT_OVERRIDE", "true"),
        ],
    ] {
        refused(
            open(&with(variables), &place()),
            ErrorKind::PermissionDenied,
            &["USER_PROJECT_DENIED", "quota"],
        );
    }
}

fn made(
    stores: &Stores,
    text: &str,
    arguments: Settings,
    ttl: Option<Duration>,
) -> Result<BTreeMap<String, String>> {
    let options = FetchOptions {
        ttl,
        arguments,
        ..FetchOptions::default()
    };
    let opened = block_on(stores.open(&reference(&format!("{text}#/")), &options))?.unwrap();
    #[expect(clippy::disallowed_methods, reason = "test: the token is looked at")]
    let fields = serde_json::from_slice(opened.value.value.expose()).unwrap();
    Ok(fields)
}

#[test]
fn access_tokens_have_the_scopes_and_the_life_that_were_asked_for() {
    let desk = Desk::new();
    let start = desk.google.service_account("start");
    desk.google.delegate(&start, &desk.ci);
    let key = desk.google.key(&start).unwrap();
    let stores = desk.stores(&[("GOOGLE_CREDENTIALS", &key)]);
    let scopes = || Settings::new().with("scopes", vec![STORAGE.to_owned()]);
    let own = made(&stores, "gcp-token://default", scopes(), None).unwrap();
    let other = format!("gcp-token://{}", desk.ci);
    let short = Some(Duration::from_secs(300));
    let made_for = made(&stores, &other, scopes(), short).unwrap();
    for (fields, holder) in [(&own, &start), (&made_for, &desk.ci)] {
        let (who, with) = desk.google.holder(&fields["token"]).unwrap();
        assert_eq!((&who, with), (holder, vec![STORAGE.to_owned()]));
    }
    let ends: jiff::Timestamp = made_for["expires_at"].parse().unwrap();
    let left = ends.as_second() - jiff::Timestamp::now().as_second();
    assert!((290..=300).contains(&left), "{left}");
    // A token is made for every opening.
    let again = made(&stores, "gcp-token://default", scopes(), None).unwrap();
    assert_ne!(own["token"], again["token"]);
    refused(
        made(
            &stores,
            &other,
            Settings::new(),
            Some(Duration::from_secs(7200)),
        ),
        ErrorKind::InvalidReference,
        &["INVALID_ARGUMENT", "ci@acme"],
    );
    let wrong = Settings::new().with("scopes", vec!["everything".to_owned()]);
    refused(
        made(&stores, "gcp-token://default", wrong, None),
        ErrorKind::PermissionDenied,
        &["invalid_scope"],
    );
    // A plan asks for the right and makes no token.
    let _ = desk.google.take_log();
    block_on(stores.metadata(&reference(&other))).unwrap();
    let log = desk.google.take_log();
    assert!(log.iter().all(|call| !call.contains("generate")), "{log:?}");
    let nobody = desk.google.service_account("nobody");
    refused(
        block_on(stores.metadata(&reference(&format!("gcp-token://{nobody}")))),
        ErrorKind::PermissionDenied,
        &["roles/iam.serviceAccountTokenCreator"],
    );
    // Whose token it is, is for somebody else to say.
    let given = desk.stores(&[("GOOGLE_OAUTH_ACCESS_TOKEN", &own["token"])]);
    let same = made(&given, "gcp-token://default", Settings::new(), None).unwrap();
    assert_eq!(same["token"], own["token"]);
    refused(
        made(&given, "gcp-token://default", scopes(), None),
        ErrorKind::Config,
        &["scopes cannot be chosen"],
    );
}

#[test]
fn identity_tokens_are_for_the_audience_of_the_reference() {
    let desk = Desk::new();
    let start = desk.google.service_account("start");
    desk.google.delegate(&start, &desk.ci);
    let key = desk.google.key(&start).unwrap();
    let stores = desk.stores(&[("GOOGLE_CREDENTIALS", &key)]);
    let named = format!("gcp-id-token://{}/app.run.app", desk.ci);
    let exact = || Settings::new().with("audience", "https://app.run.app");
    let claims = |fields: BTreeMap<String, String>| desk.google.claims(&fields["token"]).unwrap();
    let plain = claims(made(&stores, &named, Settings::new(), None).unwrap());
    assert_eq!(
        (plain["aud"].as_str(), plain.get("email")),
        (Some("app.run.app"), None)
    );
    let whole = exact().with("include_email", true);
    let whole = claims(made(&stores, &named, whole, None).unwrap());
    assert_eq!(
        (whole["aud"].as_str(), whole["email"].as_str()),
        (Some("https://app.run.app"), Some(desk.ci.as_str()))
    );
    let own = made(&stores, "gcp-id-token://default/app.run.app", exact(), None).unwrap();
    assert!(own.contains_key("expires_at"));
    assert_eq!(claims(own)["email"], start.as_str());
    refused(
        made(
            &stores,
            &named,
            Settings::new().with("audience", "https://evil.example"),
            None,
        ),
        ErrorKind::InvalidReference,
        &["evil.example", "app.run.app"],
    );
    desk.google.set_machine(&desk.ci);
    let host = desk.google.metadata_host();
    let machine = desk.stores(&[("GCE_METADATA_HOST", &host)]);
    let of_machine = made(
        &machine,
        "gcp-id-token://default/app.run.app",
        exact(),
        None,
    )
    .unwrap();
    assert_eq!(claims(of_machine)["aud"], "https://app.run.app");
}
