//! The example `examples/vault` does what its README says.

use e2e::Sandbox;
use e2e::sandbox::Installation;
use e2e::servers::{Algorithm, OidcIssuer, OpenBao, Postgres};
use serde_json::json;

/// What the README tells to set up.
fn set_up(bao: &OpenBao, postgres: &Postgres, jobs: &OidcIssuer) {
    postgres
        .query("CREATE ROLE owner NOLOGIN; GRANT CREATE ON SCHEMA public TO owner")
        .unwrap();
    let admin = bao.admin();
    admin.connect_database("database", postgres).unwrap();
    admin
        .write(
            "database/roles/migrations",
            &json!({
                "db_name": "postgres",
                "default_ttl": "15m",
                "max_ttl": "1h",
                "creation_statements": [
                    "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE owner"
                ],
                "revocation_statements": ["DROP ROLE \"{{name}}\""],
            }),
        )
        .unwrap();
    admin
        .policy(
            "migrations",
            "path \"database/creds/migrations\" { capabilities = [\"read\"] }",
        )
        .unwrap();
    admin.enable_auth("jwt", "jwt").unwrap();
    admin
        .write(
            "auth/jwt/config",
            &json!({ "oidc_discovery_url": jobs.url() }),
        )
        .unwrap();
    admin
        .write(
            "auth/jwt/role/migrations",
            &json!({
                "role_type": "jwt",
                "user_claim": "repository",
                "bound_audiences": ["vault"],
                "bound_claims": { "repository": "acme/infra", "ref": "refs/heads/main" },
                "token_policies": ["migrations"],
                "token_ttl": "10m",
            }),
        )
        .unwrap();
}

#[test]
fn the_example_migrates_a_database_with_a_user_for_one_apply() {
    let bao = OpenBao::dev().unwrap();
    let postgres = Postgres::start().unwrap();
    let jobs = OidcIssuer::start(Algorithm::Rs256).unwrap();
    set_up(&bao, &postgres, &jobs);
    let tokens = bao.admin().token_accessors().unwrap();

    let mut sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    let project = sandbox.copy_example("vault").unwrap();
    let path = std::env::join_paths(
        std::iter::once(postgres.programs().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    for (name, value) in [
        ("PATH", path.unwrap().to_str().unwrap()),
        ("VAULT_ADDR", bao.address()),
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &jobs.actions_request_url()),
        (
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            jobs.actions_request_token(),
        ),
        ("TF_VAR_database_host", "127.0.0.1"),
        ("TF_VAR_database_port", &postgres.port().to_string()),
    ] {
        sandbox.set_env(name, value);
    }
    for arguments in [
        &["fmt", "-check", "-diff"][..],
        &["apply", "-auto-approve", "-no-color", "-input=false"],
    ] {
        sandbox
            .terraform(&project, arguments)
            .unwrap()
            .expect_code(0)
            .unwrap();
    }
    let owner = postgres
        .query("SELECT tableowner FROM pg_tables WHERE tablename = 'payments'")
        .unwrap();
    assert_eq!(owner, [[Some("owner".to_owned())]]);
    assert_eq!(postgres.roles().unwrap(), [""; 0]);
    assert_eq!(bao.admin().leases("database").unwrap(), [""; 0]);
    assert_eq!(bao.admin().token_accessors().unwrap(), tokens);
}
