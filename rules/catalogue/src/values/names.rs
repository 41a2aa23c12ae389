//! Is a name (of an attribute, variable, map key, output, parameter) the name of a secret?
//!
//! Decided by words, in one place and by tables. The last word that carries meaning says what the
//! thing is (`db_password`), words after or before it can say that it is about a secret without
//! being one (`db_password_length`, `manage_password`, `public_key`).

use crate::values::list::Search;
use crate::values::tokens::{Tokens, ends_with, is_one_of};
use crate::values::words::{
    ABOUT, ABOUT_ANYWHERE, FORM, GLUED_KEYS, KEY_FOR, KEY_OF, SCRIPTS, SECRET_FOR, SWITCHES,
    SWITCHES_ANYWHERE, TOKEN_FOR, WHOSE,
};

/// What kind of secret a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `password`, `passphrase`, `pwd`: chosen by people, so weak values are real.
    Password,
    /// `token`, `jwt`.
    Token,
    /// `api_key`, `secret_key`, `encryption_key`: long and random where they are real.
    Key,
    /// `private_key`: PEM text.
    PrivateKey,
    /// `secret`, `client_secret`.
    Secret,
    /// `connection_string`, `dsn`: secret by the password inside.
    Connection,
    /// `credentials`, `kubeconfig`: a document with secrets inside.
    Credentials,
    /// `webhook_url`: a URL that is a capability.
    Webhook,
}

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The kind of secret.
    pub kind: Kind,
    /// False where the same name is often given to things that are no secrets
    /// (`credentials`, `secrets`, `salt`, `webhook_url`).
    pub strong: bool,
}

/// What a name says about its value: `None` when it names no secret.
///
/// ```
/// use secretlint_rules::values::{Kind, meaning_of};
/// assert_eq!(meaning_of("rds_password").map(|m| m.kind), Some(Kind::Password));
/// assert_eq!(meaning_of("rds_password_length"), None);
/// ```
#[must_use]
pub fn meaning_of(name: &str) -> Option<Meaning> {
    if !may_promise(name) {
        return None;
    }
    let tokens = Tokens::of(name);
    let words = before_purpose(tokens.words());
    let last = *words.last()?;
    // `kube_dbpw_admin`: two letters say so much at the end of a name only.
    let head = |words: &[&str]| {
        let short = words.last().is_some_and(|word| ends_with(word, "pw"));
        head(words).filter(|_| !short || ends_with(name, "pw"))
    };
    let webhook = webhook(words);
    if webhook.is_some() {
        return webhook;
    }
    if let Some(connection) = connection(words) {
        return Some(connection);
    }
    if let [before @ .., _] = words
        && WHOSE.contains(last)
        && before.last().is_some_and(|word| is_password(word))
    {
        return head(before);
    }
    // `public_portal_password`: what is public there is not the password.
    let speaks = |word: &&&str| !(is_password(last) && is_one_of(word, &["public", "pub"]));
    let mut about = words.iter().filter(speaks);
    if ABOUT.contains(last) || about.any(|word| ABOUT_ANYWHERE.contains(word)) {
        return None;
    }
    if words.len() > 1 && (SWITCHES.contains(words[0]) || SCRIPTS.contains(words[0])) {
        return None;
    }
    // `app_client_generate_secret`
    if let [_, between @ .., _] = words
        && between.iter().any(|word| SWITCHES_ANYWHERE.contains(word))
    {
        return None;
    }
    // Encrypted with a key of somebody else, or a hash for `/etc/shadow`.
    if words
        .iter()
        .any(|word| is_one_of(word, &["encrypted", "hashed"]))
    {
        return None;
    }
    let policy = words
        .windows(2)
        .any(|pair| is_one_of(pair[0], &["password"]) && is_one_of(pair[1], &["policy"]));
    if policy {
        return None;
    }
    // `ssm_parameter_db_password`, `secret_name_client_secret`: the name of the parameter.
    let named = words.windows(2).any(|pair| {
        is_one_of(pair[0], &["ssm"]) && is_one_of(pair[1], &["parameter", "param"])
            || is_one_of(pair[0], &["secret"]) && is_one_of(pair[1], &["name"])
    });
    if named {
        return None;
    }
    let mut rest = words;
    while let [front @ .., form] = rest {
        if front.is_empty() || !FORM.contains(form) {
            break;
        }
        rest = front;
    }
    head(rest)
}

/// `vault_token_for_boundary`: what a secret is for stands after it.
fn before_purpose<'w, 'n>(words: &'w [&'n str]) -> &'w [&'n str] {
    let purpose = words
        .iter()
        .position(|word| word.eq_ignore_ascii_case("for"));
    match purpose {
        Some(at)
            if words
                .get(at + 1)
                .is_some_and(|next| !next.eq_ignore_ascii_case("each"))
                && head(&words[..at]).is_some() =>
        {
            &words[..at]
        }
        _ => words,
    }
}

/// Every name that promises a secret has one of these stems; most names have none, and this is
/// asked for each value of each file.
static STEMS: Search<21> = Search::new([
    "pas", "pwd", "psw", "sec", "tok", "key", "cre", "psk", "jwt", "kub", "coo", "sal", "pep",
    "pat", "sas", "con", "dsn", "hoo", "url", "uri", "jdb",
]);

fn may_promise(name: &str) -> bool {
    STEMS.may_be_in(name) || ends_with(name, "pw")
}

/// True for a name that ends like one of a name, an address, a setting: `db_username`.
#[must_use]
pub fn is_about(name: &str) -> bool {
    Tokens::of(name)
        .words()
        .last()
        .is_some_and(|last| ABOUT.contains(last))
}

/// True for a name that says of its value that everybody may know it: `ssh_public_key`.
#[must_use]
pub fn is_public(name: &str) -> bool {
    let public = |word: &&str| is_one_of(word, &["public", "pub", "pubkey"]);
    let tokens = Tokens::of(name);
    let words = tokens.words();
    words.iter().any(public) && !words.last().is_some_and(|last| is_password(last))
}

/// The last word of a name that is more than digits: `ID` of `ClientID2`.
#[must_use]
pub fn last_word(name: &str) -> &str {
    Tokens::of(name).words().last().copied().unwrap_or(name)
}

/// True for a name of an id, an address, a person: `admin_username`, `ClientID`, `auth0_client_id_m2m`.
#[must_use]
pub fn identifies(name: &str) -> bool {
    const LAST: &[&str] = &[
        "username", "user", "id", "ids", "arn", "arns", "name", "names", "email", "host",
        "hostname", "port", "endpoint", "region", "domain", "address", "login", "sid", "phone",
        "alias",
    ];
    const OWNERS: &[&str] = &["client", "tenant", "account", "app", "application"];
    let tokens = Tokens::of(name);
    let words = tokens.words();
    let owned = |pair: &[&str]| is_one_of(pair[0], OWNERS) && is_one_of(pair[1], &["id"]);
    // `sql_username_app`
    let person = |word: &&str| is_one_of(word, &["username"]);
    (words.last().is_some_and(|last| is_one_of(last, LAST))
        || words.windows(2).any(owned)
        || words.iter().any(person))
        && meaning_of(name).is_none()
}

/// True for a name of an identifier that comes with a secret: `aws_access_key_id`.
#[must_use]
pub fn is_key_id(name: &str) -> bool {
    let tokens = Tokens::of(name);
    matches!(tokens.words(), [.., access, key, id]
        if access.eq_ignore_ascii_case("access") && key.eq_ignore_ascii_case("key") && id.eq_ignore_ascii_case("id"))
}

fn head(words: &[&str]) -> Option<Meaning> {
    let (&last, before) = words.split_last()?;
    let previous = before.last().copied().unwrap_or_default();
    let strong = |kind| Some(Meaning { kind, strong: true });
    let weak = |kind| {
        Some(Meaning {
            kind,
            strong: false,
        })
    };
    if is_password(last) {
        return strong(Kind::Password);
    }
    if ends_with(last, "privatekey") || (is_one_of(last, &["key", "keys"]) && has_private(before)) {
        return strong(Kind::PrivateKey);
    }
    // `github_app_id_kvsecret`: the name of a secret in a key vault.
    if ends_with(last, "kvsecret") {
        return None;
    }
    if ends_with(last, "secret") {
        // `db_password_secret`: the secret that keeps the password.
        let handle = SECRET_FOR.contains(previous) || is_password(previous);
        return if handle { None } else { strong(Kind::Secret) };
    }
    if is_one_of(last, &["secrets"]) {
        return if SECRET_FOR.contains(previous) {
            None
        } else {
            weak(Kind::Secret)
        };
    }
    if ends_with(last, "token") || is_one_of(last, &["jwt", "tok"]) {
        let handle = TOKEN_FOR.contains(previous) || is_one_of(last, &["tok"]);
        return if handle { None } else { strong(Kind::Token) };
    }
    if is_one_of(last, &["tokens"]) {
        return if TOKEN_FOR.contains(previous) {
            None
        } else {
            weak(Kind::Token)
        };
    }
    // Nodes of Erlang show it to each other; people choose it.
    if is_one_of(last, &["cookie"]) && is_one_of(previous, &["erlang"]) {
        return strong(Kind::Password);
    }
    if GLUED_KEYS.iter().any(|key| ends_with(last, key)) {
        return strong(Kind::Key);
    }
    if is_one_of(last, &["key", "keys"]) {
        return key(last, before);
    }
    if is_one_of(
        last,
        &[
            "credential",
            "credentials",
            "creds",
            "kubeconfig",
            "salt",
            "pepper",
            "pat",
            "sas",
        ],
    ) {
        let kind = if is_one_of(last, &["salt", "pepper", "pat", "sas"]) {
            Kind::Key
        } else {
            Kind::Credentials
        };
        return weak(kind);
    }
    (is_one_of(last, &["config"]) && is_one_of(previous, &["kube"])).then_some(Meaning {
        kind: Kind::Credentials,
        strong: false,
    })
}

fn key(last: &str, before: &[&str]) -> Option<Meaning> {
    // `GOOGLE_API_JSON_KEY`: words of form are looked through here, too.
    let previous = before
        .iter()
        .rev()
        .find(|word| !is_one_of(word, &["json", "base64"]))
        .copied()?;
    // `vault_unseal_key` opens the vault, other keys of one are only named after it.
    let named_after = !is_one_of(previous, &["unseal", "seal"])
        && before.iter().any(|word| KEY_FOR.contains(word));
    if named_after || !KEY_OF.contains(previous) {
        return None;
    }
    // `smtp_kubernetes_secret_key`: the key within a secret of a platform.
    let platform = [
        "kubernetes",
        "k8s",
        "kube",
        "existing",
        "external",
        "pull",
        "secret",
    ];
    if let [.., owner, secret] = before
        && is_one_of(secret, &["secret"])
        && is_one_of(owner, &platform)
    {
        return None;
    }
    let several = is_one_of(last, &["keys"]);
    let handle = is_one_of(
        previous,
        &[
            "account",
            "storage",
            "host",
            "service",
            "admin",
            "app",
            "root",
            "server",
            "session",
            "agent",
            "registration",
            "client",
            "auth",
            "encryption",
        ],
    );
    Some(Meaning {
        kind: Kind::Key,
        strong: !several && !handle,
    })
}

fn has_private(before: &[&str]) -> bool {
    const NETWORKS: &[&str] = &[
        "subnet", "subnets", "snet", "vnet", "vpc", "zone", "network",
    ];
    // `private_ssh_key`, but not `private_subnets_id_key`, `private_subnet_key`.
    if before.last().is_some_and(|word| is_one_of(word, NETWORKS)) {
        return false;
    }
    before
        .iter()
        .rev()
        .take(2)
        .any(|word| is_one_of(word, &["private", "priv", "pri"]))
}

/// Ends of words that mean a password.
pub(crate) const PASSWORD_ENDINGS: &[&str] = &[
    "password",
    "passwords",
    "passwd",
    "passwort",
    "passphrase",
    "passcode",
    "pwd",
    "psw",
    "pswd",
    "paswd",
];
/// Words that mean one only as a whole.
pub(crate) const PASSWORDS: &[&str] = &[
    "pass",
    "pw",
    "psk",
    "dbpass",
    "dbpw",
    "adminpw",
    "rootpw",
    "userpw",
    "mysqlpass",
    "rootpass",
    "userpass",
    "pgpass",
    "adminpass",
    "smtppass",
];

fn is_password(word: &str) -> bool {
    PASSWORD_ENDINGS
        .iter()
        .any(|ending| ends_with(word, ending))
        || is_one_of(word, PASSWORDS)
}

fn connection(words: &[&str]) -> Option<Meaning> {
    let mut end = words.len();
    while end > 1 && is_one_of(words[end - 1], &["wo", "value"]) {
        end -= 1;
    }
    let (&last, before) = words[..end].split_last()?;
    let previous = before.last().copied().unwrap_or_default();
    let strong = ends_with(last, "connectionstring")
        || (is_one_of(last, &["string", "strings", "str"])
            && is_one_of(previous, &["connection", "conn"]));
    let weak = is_one_of(last, &["dsn"])
        || (is_one_of(last, &["url", "uri", "string"])
            && is_one_of(
                previous,
                &[
                    "database",
                    "db",
                    "mongo",
                    "mongodb",
                    "redis",
                    "postgres",
                    "jdbc",
                    "amqp",
                    "mysql",
                    "connection",
                ],
            ));
    let about = words.iter().any(|word| {
        is_one_of(
            word,
            &[
                "name",
                "path",
                "arn",
                "keyvault",
                "insights",
                "applicationinsights",
                "appinsights",
                "zookeeper",
            ],
        )
    });
    (!about && (strong || weak)).then_some(Meaning {
        kind: Kind::Connection,
        strong,
    })
}

fn webhook(words: &[&str]) -> Option<Meaning> {
    let (&last, before) = words.split_last()?;
    let previous = before.last().copied().unwrap_or_default();
    let first = before.first().copied().unwrap_or_default();
    let named = is_one_of(last, &["url", "uri"])
        && is_one_of(previous, &["webhook", "hook", "webhooks"])
        || is_one_of(last, &["webhook"]) && is_one_of(previous, &["slack", "discord", "teams"]);
    (named && !SWITCHES.contains(first)).then_some(Meaning {
        kind: Kind::Webhook,
        strong: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        let cases: &[(Kind, &[&str])] = &[
            (
                Kind::Password,
                &[
                    "password",
                    "PASSWORD",
                    "db_password",
                    "dbPassword",
                    "rds-password",
                    "master_user_password",
                    "POSTGRES_PWD",
                    "SSH_PSW",
                    "GIT_PSW",
                    "DBPASS",
                    "es_pass",
                    "admin_password_wo",
                    "mysqlpassword",
                    "administrator_login_password",
                    "passphrase",
                    "saml_private_key_password",
                    "RDS_PASSWORD",
                    "rds.dev.master_password",
                    "db_app_password_text",
                    "LOGIN_RADIUS_KEYSTORE_PASS",
                    "initial_password",
                    "sql_server_password_admin",
                    "backup_tde_password",
                    "basic-auth-password",
                    "ipsec_psk",
                    "password2",
                    "rds_password_gitlab",
                    "password_for_backups",
                ],
            ),
            (
                Kind::Secret,
                &[
                    "secret",
                    "client_secret",
                    "clientSecret",
                    "secret_string",
                    "secret_data",
                    "secret_value",
                    "oidc_google_secret_text",
                    "webhook_secret",
                    "ADFS_SECRET",
                    "mega_secret",
                    "SecretString",
                    "AUTH_JWT_SECRET",
                    "google_oidc_client_secret",
                ],
            ),
            (
                Kind::Token,
                &[
                    "token",
                    "github_token",
                    "authToken",
                    "ecs_secret_token",
                    "SLACK_OAUTH_ACCESS_TOKEN",
                    "DOPPLER_TOKEN_ALL",
                    "GRAFANA_MASTER_POLICY_TOKEN",
                    "twilio_auth_token",
                    "oauth_token",
                    "access_token",
                    "digitalocean_token",
                ],
            ),
            (
                Kind::Key,
                &[
                    "api_key",
                    "apiKey",
                    "APIKey",
                    "iamAPIKey",
                    "GOOGLE_MAPS_API_KEY",
                    "secret_key",
                    "aws_secret_access_key",
                    "access_key",
                    "primary_access_key",
                    "encryption_key",
                    "preshared_key",
                    "GOOGLE_API_JSON_KEY",
                    "storage_account_key",
                    "model_jwt_secret_key",
                    "new-relic-license-key",
                    "EC2_ACCESS_KEY",
                    "api_secret_salt",
                    "canary_api_key",
                    "service_account_key",
                ],
            ),
            (
                Kind::PrivateKey,
                &[
                    "private_key",
                    "private_key_pem",
                    "ssh_private_key",
                    "privateKey",
                    "certificate_private_key",
                    "private_ssh_key",
                ],
            ),
            (
                Kind::Connection,
                &[
                    "connection_string",
                    "primary_connection_string",
                    "EVENTHUB_CONNECTION_STRING",
                    "DB_DSN",
                    "DATABASE_URL",
                    "MONGO_URL",
                    "DB_JDBC_STRING",
                ],
            ),
            (
                Kind::Credentials,
                &["credentials", "kubeconfig", "gcp_creds"],
            ),
            (
                Kind::Webhook,
                &[
                    "webhook_url",
                    "slack_hook_url",
                    "security_channel_slack_webhook",
                ],
            ),
        ];
        for (kind, names) in cases {
            for name in *names {
                assert_eq!(
                    meaning_of(name).map(|meaning| meaning.kind),
                    Some(*kind),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn names_about_secrets() {
        let names = [
            "",
            "name",
            "key",
            "value",
            "secret_name",
            "k8s_secret_name",
            "secret_id",
            "secret_arn",
            "secret_arns",
            "serviceaccount_token_rotated_date",
            "private_key_path",
            "PATH_TO_PRIVATE_KEY",
            "http_tokens",
            "private_ip_address_allocation",
            "partition_key_path",
            "key_id",
            "kms_key_id",
            "kms_key_arn",
            "kms_key",
            "kms_master_key",
            "hash_key",
            "range_key",
            "vnet_key",
            "resource_group_key",
            "license_model",
            "disable_password_authentication",
            "manage_master_user_password",
            "temporary_password_validity_days",
            "password_policy",
            "password_length",
            "token_endpoint",
            "token_url",
            "image_pull_secrets",
            "image_pull_credentials_type",
            "client_token_type",
            "creation_token",
            "ssh_public_key",
            "public_key_data",
            "key_vault_secret_id",
            "master_user_secret",
            "existing_secret",
            "secret_store_name",
            "db_password_arn",
            "db_password_param_name",
            "random_password_override_special",
            "secret_permissions",
            "secretRef",
            "secretEnv",
            "event_source_token",
            "key_pair_name",
            "create_random_password",
            "PASSWORD_RESET_URL",
            "s3_key",
            "object_key",
            "topology_key",
            "bypass",
            "compass",
            "secret_string_wo_version",
            "author",
            "custom_webhook_payload",
            "AWS_KMS_KEY",
            "user_password_arn",
            "access_token_validity",
            "private_subnets",
            "token_policy",
            "domain_validation_token",
            "ssm_private_subnets_id_key",
            "private_snet_key",
            "gateway_password_secret",
            "secret_policy_document",
            "DB_SECRET_ARN",
            "password_field",
            "secret_prefix",
            "password_auth",
            "token_ttl",
            "authorized_key",
            "APPLICATIONINSIGHTS_CONNECTION_STRING",
            "APPINSIGHTS_INSTRUMENTATIONKEY",
            "policy_update_token",
            "verification_token",
            "encrypted_secret",
            "forgotPasswordText",
            "identity_can_use_console_password",
            "user_pool_client_generate_secret",
            "maintenance_event_correlation_token",
            "github_app_id_kvsecret",
            "app_hashed_client_secret",
            "iam_account_password_policy_expire_passwords",
            "zookeeper_connect_string",
            "can_use_console_password",
            "user_can_use_console_password",
            "user_pool_client_generate_secret",
            "REQUIRE_AUTH_TOKEN",
            "script_get_secret",
            "secret_name_client_secret",
            "table_version_tokens",
            "event_correlation_token",
            "smtp_kubernetes_secret_key",
            "client_secret_secret",
            "client_secret_secret_key",
            "velero_credentials_secret",
            "gateway_tls_secret",
            "secrets_for_each",
            "kube_dbpw_admin",
            "kube_pw_for_backups",
            "kube_dbpw_value",
        ];
        for name in names {
            assert_eq!(meaning_of(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_are_used_for_other_things_are_weak() {
        for name in [
            "credentials",
            "secrets",
            "webhook_url",
            "api_keys",
            "DATABASE_URL",
        ] {
            assert_eq!(
                meaning_of(name).map(|meaning| meaning.strong),
                Some(false),
                "{name}"
            );
        }
    }

    #[test]
    fn names_of_what_is_kept_beside_secrets() {
        for name in [
            "admin_username",
            "ClientID",
            "PrometheusClientID",
            "auth0_client_id_m2m",
            "AUTH0_CLIENT_ID_M2M",
            "xpay_apikey_alias",
            "sql_username_app",
        ] {
            assert!(identifies(name), "{name}");
        }
        for name in ["client_id_secret", "ClientPassword", "db", "grid"] {
            assert!(!identifies(name), "{name}");
        }
        assert!(is_public("ssh_public_key") && is_public("sshPublicKey"));
        assert!(!is_public("republic") && !is_public("publisher_key"));
    }

    #[test]
    fn identifiers_of_keys() {
        assert!(is_key_id("aws_access_key_id"));
        assert!(is_key_id("accessKeyId"));
        assert!(!is_key_id("kms_key_id"));
    }
}
