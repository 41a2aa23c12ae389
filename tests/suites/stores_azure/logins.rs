//! Every way to log in, and what is said when one is refused.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use e2e::servers::{Algorithm, Material, OidcIssuer, VAULT_TENANT, VaultRole};
use secret_stores::{ErrorKind, Settings, Stores};
use serde_json::json;

use super::*;

const AUDIENCE: &str = "api://AzureADTokenExchange";
const PLACE: &str = "azure-kv://acme-kv/db";

/// Opens twice: one login holds for both.
#[track_caller]
fn logs_in_once(cloud: &Cloud, stores: &Stores) {
    let _ = cloud.azure.granted();
    for _ in 0..2 {
        assert_eq!(open(stores, PLACE).unwrap(), text(CANARY));
    }
    assert_eq!(cloud.azure.granted(), 1);
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[test]
fn a_client_secret_logs_in() {
    let cloud = Cloud::new();
    let app = &cloud.user;
    logs_in_once(&cloud, &cloud.stores(app));
    let folder = tempfile::tempdir().unwrap();
    let id = write(folder.path(), "id", format!("{}\n", app.client));
    let secret = write(folder.path(), "secret", format!("{}\n", app.secret));
    let block = || cloud.block(&cloud.vault.url());
    for variables in [
        [
            ("AZURE_CLIENT_ID", app.client.as_str()),
            ("AZURE_CLIENT_SECRET", app.secret.as_str()),
        ],
        [
            ("ARM_CLIENT_ID_FILE_PATH", id.as_str()),
            ("ARM_CLIENT_SECRET_FILE_PATH", secret.as_str()),
        ],
    ] {
        logs_in_once(&cloud, &with_block(&variables, "azure", block()));
    }
    let settings = block()
        .with("client_id", app.client.as_str())
        .with("client_secret", text(&app.secret));
    logs_in_once(&cloud, &with_block(&[], "azure", settings.clone()));
    let careful = stores(&[])
        .allow_static_credentials(false)
        .with_block("azure", "default", settings);
    refused(
        careful,
        ErrorKind::Config,
        &["static credential in `client_secret`"],
    );

    let expired = cloud.azure.secret(&app.client, true);
    for (secret, word) in [("wrong", "AADSTS7000215"), (&expired, "has expired")] {
        let variables = [
            ("ARM_CLIENT_ID", &*app.client),
            ("ARM_CLIENT_SECRET", secret),
        ];
        let answer = open(&with_block(&variables, "azure", block()), PLACE);
        refused(
            answer,
            ErrorKind::PermissionDenied,
            &[word, "client secret"],
        );
    }
    for (name, tenant, client, word) in [
        ("tenant", "nowhere", app.client.as_str(), "no such tenant"),
        ("client", VAULT_TENANT, "nobody", "no such application"),
    ] {
        let variables = [
            ("ARM_CLIENT_ID", client),
            ("ARM_CLIENT_SECRET", &*app.secret),
        ];
        let stores = with_block(&variables, "azure", block().with("tenant_id", tenant));
        refused(open(&stores, PLACE), ErrorKind::Config, &[word]);
        assert!(!name.is_empty());
    }
}

#[test]
fn a_client_certificate_logs_in() {
    let cloud = Cloud::new();
    let material = Material::new().unwrap();
    let app = &cloud.user;
    let folder = tempfile::tempdir().unwrap();
    let pem = write(folder.path(), "app.pem", material.pem());
    let p12 = write(folder.path(), "app.p12", &material.pkcs12);
    let protected = write(folder.path(), "protected.p12", &material.protected_pkcs12);
    let block = |path: &str| {
        cloud
            .block(&cloud.vault.url())
            .with("client_id", app.client.as_str())
            .with("client_certificate_path", path)
    };
    refused(
        open(&with_block(&[], "azure", block(&pem)), PLACE),
        ErrorKind::PermissionDenied,
        &["does not know the client certificate", "AADSTS700027"],
    );
    cloud.azure.register(&app.client, &material).unwrap();
    logs_in_once(&cloud, &with_block(&[], "azure", block(&pem)));
    logs_in_once(&cloud, &with_block(&[], "azure", block(&p12)));
    let chain = block(&pem).with("send_certificate_chain", true);
    logs_in_once(&cloud, &with_block(&[], "azure", chain));
    let password = block(&protected).with("client_certificate_password", text("p12 password"));
    logs_in_once(&cloud, &with_block(&[], "azure", password));
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let encoded = BASE64_STANDARD.encode(&material.pkcs12);
    let variables = [
        ("ARM_CLIENT_ID", app.client.as_str()),
        ("ARM_CLIENT_CERTIFICATE", &encoded),
    ];
    let settings = cloud.block(&cloud.vault.url());
    logs_in_once(&cloud, &with_block(&variables, "azure", settings));

    let certificate_alone = write(folder.path(), "cert.pem", &material.certificate_pem);
    for (path, word) in [
        (protected.as_str(), "password is another"),
        ("no-such.pem", "cannot be read"),
        (&certificate_alone, "key is not there"),
    ] {
        let answer = open(&with_block(&[], "azure", block(path)), PLACE);
        refused(answer, ErrorKind::Config, &[word]);
    }
}

#[test]
fn federated_tokens_log_in() {
    let cloud = Cloud::new();
    let app = &cloud.user;
    let issuer = OidcIssuer::start(Algorithm::Rs256).unwrap();
    cloud.azure.trust(&app.client, &issuer, "ci", AUDIENCE);
    let token =
        |audience: &str, subject: &str| issuer.token(audience, &json!({ "sub": subject })).unwrap();
    let good = token(AUDIENCE, "ci");
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "token", format!("{good}\n"));
    let block = || {
        cloud
            .block(&cloud.vault.url())
            .with("client_id", app.client.as_str())
    };
    let logins: [(&[(&str, &str)], Settings); 5] = [
        (&[("AZURE_FEDERATED_TOKEN_FILE", &file)], block()),
        (&[], block().with("federated_token_file", file.as_str())),
        (
            &[("SECRETREF_ID_TOKEN", &good)],
            block().with("use_oidc", true),
        ),
        (
            &[("ARM_USE_OIDC", "true"), ("ARM_OIDC_TOKEN", &good)],
            block(),
        ),
        (
            &[("ARM_USE_OIDC", "1"), ("ARM_OIDC_TOKEN_FILE_PATH", &file)],
            block(),
        ),
    ];
    for (variables, settings) in logins {
        logs_in_once(&cloud, &with_block(variables, "azure", settings));
    }
    let url = issuer.actions_request_url();
    let variables = [
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
        (
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            issuer.actions_request_token(),
        ),
    ];
    issuer.set_job_claims(&json!({ "sub": "ci" }));
    let settings = block().with("use_oidc", true);
    logs_in_once(&cloud, &with_block(&variables, "azure", settings));
    assert_eq!(issuer.token_requests(), [AUDIENCE]);

    let stranger = OidcIssuer::start(Algorithm::Es256).unwrap();
    let foreign = stranger.token(AUDIENCE, &json!({ "sub": "ci" })).unwrap();
    let expired = issuer
        .expired_token(AUDIENCE, &json!({ "sub": "ci" }))
        .unwrap();
    for (token, word) in [
        (token(AUDIENCE, "somebody"), "AADSTS700213"),
        (token("other", "ci"), "AADSTS700212"),
        (foreign, "AADSTS700211"),
        (expired, "AADSTS700024"),
    ] {
        let variables = [("ARM_USE_OIDC", "true"), ("ARM_OIDC_TOKEN", token.as_str())];
        let answer = open(&with_block(&variables, "azure", block()), PLACE);
        refused(
            answer,
            ErrorKind::PermissionDenied,
            &[word, "federated token"],
        );
    }
}

#[test]
fn managed_identities_log_in() {
    let cloud = Cloud::new();
    let (client, resource) = cloud.azure.user_identity();
    cloud.vault.allow(&client, VaultRole::User);
    let machine = |group: Settings| {
        let group = group.with("endpoint", cloud.azure.url());
        let settings = cloud
            .block(&cloud.vault.url())
            .with("managed_identity", group);
        with_block(&[], "azure", settings)
    };
    let system = || machine(Settings::new());
    refused(
        open(&system(), PLACE),
        ErrorKind::Config,
        &["managed identity: no identity is assigned here"],
    );
    let principal = cloud.azure.system_identity();
    cloud.vault.allow(&principal, VaultRole::User);
    logs_in_once(&cloud, &system());
    for (name, id) in [
        ("client_id", client.as_str()),
        ("object_id", &client),
        ("resource_id", &resource),
    ] {
        logs_in_once(&cloud, &machine(Settings::new().with(name, id)));
    }
    // No proxy is asked for what is beside this process; only the vault is an exception here.
    let url = cloud.azure.url();
    let endpoint = format!("{url}/metadata/identity/oauth2/token");
    let vault = cloud.vault.url().replace("127.0.0.1", "localhost");
    for variables in [
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", url.as_str()),
        ("ARM_MSI_ENDPOINT", &endpoint),
    ] {
        let variables = [
            variables,
            ("http_proxy", "http://127.0.0.1:1"),
            ("no_proxy", "localhost"),
            ("AZURE_CLIENT_ID", client.as_str()),
        ];
        logs_in_once(
            &cloud,
            &with_block(&variables, "azure", cloud.block(&vault)),
        );
    }
    let block = || cloud.block(&cloud.vault.url());
    let (endpoint, header) = cloud.azure.app_service();
    let app = |header: &str, group: Option<Settings>| {
        let variables = [
            ("IDENTITY_ENDPOINT", endpoint.as_str()),
            ("IDENTITY_HEADER", header),
        ];
        let settings = block().with_some("managed_identity", group);
        with_block(&variables, "azure", settings)
    };
    logs_in_once(&cloud, &app(&header, None));
    for (name, id) in [
        ("client_id", client.as_str()),
        ("object_id", &client),
        ("resource_id", &resource),
    ] {
        let group = Settings::new().with(name, id);
        logs_in_once(&cloud, &app(&header, Some(group)));
    }
    refused(
        open(&app("wrong", None), PLACE),
        ErrorKind::PermissionDenied,
        &["refuses to answer this process"],
    );
    let unknown = app(&header, Some(Settings::new().with("client_id", "x")));
    refused(
        open(&unknown, PLACE),
        ErrorKind::Config,
        &["not assigned here"],
    );
}

#[test]
fn the_azure_command_line_is_run_only_where_that_is_allowed() {
    let cloud = Cloud::new();
    let folder = tempfile::tempdir().unwrap();
    // As documented: a token with its end in seconds, complaints on standard error.
    let token = cloud
        .azure
        .token(&cloud.user.client, "https://vault.azure.net")
        .unwrap();
    let answer = json!({
        "accessToken": token,
        "expiresOn": "2096-01-01 00:00:00.000000",
        "expires_on": 4_000_000_000_u64,
        "subscription": "s",
        "tenant": VAULT_TENANT,
        "tokenType": "Bearer",
    });
    write(folder.path(), "answer.json", answer.to_string());
    let script = write(
        folder.path(),
        "az",
        format!(
            "#!/bin/sh\necho \"$@\" >> {0}/arguments\n\
             [ -e {0}/logged-in ] || {{ echo 'ERROR: Please run \"az login\" to setup account.' >&2; exit 1; }}\n\
             cat {0}/answer.json\n",
            folder.path().display()
        ),
    );
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var_os("PATH").unwrap().display()
    );
    let build = |variables: &[(&str, &str)], settings: Settings| {
        let all: Vec<_> = variables
            .iter()
            .copied()
            .chain([("PATH", path.as_str())])
            .collect();
        with_block(&all, "azure", settings)
    };
    let block = || cloud.block(&cloud.vault.url());
    let allowed = || build(&[], block().with("use_cli", true));
    refused(
        open(&allowed(), PLACE),
        ErrorKind::PermissionDenied,
        &["no login", "az login"],
    );
    write(folder.path(), "logged-in", "");
    assert_eq!(open(&allowed(), PLACE).unwrap(), text(CANARY));
    let arguments = || std::fs::read_to_string(folder.path().join("arguments")).unwrap();
    assert!(
        arguments().ends_with(&format!(
            "account get-access-token --output=json --scope=https://vault.azure.net/.default --tenant={VAULT_TENANT}\n"
        )),
        "{}",
        arguments()
    );
    let before = arguments();
    let nobody = [("IDENTITY_ENDPOINT", "http://127.0.0.1:1")];
    refused(
        open(&build(&nobody, block()), PLACE),
        ErrorKind::Config,
        &[
            "tried client certificate: ",
            "; client secret: ",
            "; federated token: ",
            "; managed identity: ",
            "; Azure CLI: neither `use_cli` nor ARM_USE_CLI is true",
            "use_oidc",
        ],
    );
    assert_eq!(arguments(), before, "`az` was not run");
    let by_variable = [nobody[0], ("ARM_USE_CLI", "true")];
    assert_eq!(
        open(&build(&by_variable, block()), PLACE).unwrap(),
        text(CANARY)
    );
    let without = with_block(
        &[("PATH", "/nowhere")],
        "azure",
        block().with("use_cli", true),
    );
    refused(
        open(&without, PLACE),
        ErrorKind::Config,
        &["`az` cannot be started"],
    );
}

#[test]
fn a_token_that_ended_early_is_replaced() {
    let cloud = Cloud::new();
    let stores = cloud.stores(&cloud.user);
    open(&stores, PLACE).unwrap();
    let (_, _) = (cloud.azure.count(), cloud.vault.count());
    cloud.azure.revoke_all().unwrap();
    assert_eq!(open(&stores, PLACE).unwrap(), text(CANARY));
    assert_eq!(
        (cloud.azure.count(), cloud.vault.count()),
        (1, 2),
        "a read that is refused, a login, a read"
    );
}

#[test]
fn access_tokens_are_made_for_an_application() {
    let cloud = Cloud::new();
    let stores = cloud.stores(&cloud.nobody);
    block_on(stores.metadata(&reference("azure-token://management.azure.com"))).unwrap();
    assert_eq!(cloud.azure.granted(), 0, "facts make no token");
    let place = reference("azure-token://management.azure.com#token");
    let opened = block_on(stores.open(&place, &secret_stores::FetchOptions::default()));
    let opened = opened.unwrap().unwrap();
    let lease = opened.lease.unwrap();
    assert!(!lease.facts.renewable && !lease.facts.revocable);
    assert!(
        (3500..=3600).contains(&lease.facts.ttl.as_secs()),
        "{lease:?}"
    );
    assert!(opened.value.metadata.expires.is_some());
    let answer = open(&stores, "azure-token://unknown.example#token");
    refused(
        answer,
        ErrorKind::Config,
        &["to make a token for", "AADSTS500011"],
    );
    let nothing = with_block(
        &[("IDENTITY_ENDPOINT", "http://127.0.0.1:1")],
        "azure",
        Settings::new(),
    );
    refused(
        block_on(nothing.metadata(&place)),
        ErrorKind::Config,
        &["no login for Azure"],
    );
}
