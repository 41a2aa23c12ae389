//! The store block `vault` as data.

use secret_policy::Scheme;

use crate::blocks::{Setting, SettingKind, StoreBlock};

pub(crate) static BLOCK: StoreBlock = StoreBlock {
    name: "vault",
    summary: "A HashiCorp Vault or OpenBao server or cluster. Everything has the environment variables of their \
              command-line programs as default; where both are set, `BAO_…` wins over `VAULT_…`.",
    schemes: &[Scheme::Vault],
    settings: SETTINGS,
};

const fn setting(name: &'static str, kind: SettingKind, doc: &'static str) -> Setting {
    Setting::new(name, kind, doc)
}

const SETTINGS: &[Setting] = &[
    Setting::text(
        "address",
        "Address of the server, `https://host:port`. Default: `BAO_ADDR` or `VAULT_ADDR`.",
    ),
    setting(
        "allow_plain_http",
        SettingKind::Bool,
        "Send tokens and secrets without encryption to a server that is not on this machine. Default false.",
    ),
    setting(
        "auth",
        SettingKind::Group(AUTH),
        "How to log in; at most one method. Default: the token in `BAO_TOKEN` or `VAULT_TOKEN`, else the token helper \
         of the command-line program, else the file `~/.vault-token`.",
    ),
    Setting::text(
        "ca_cert",
        "File with the certificate authorities to trust instead of those of the system, PEM. Default: `BAO_CACERT` \
         or `VAULT_CACERT`.",
    ),
    Setting::text(
        "ca_path",
        "Folder with such files. Default: `BAO_CAPATH` or `VAULT_CAPATH`.",
    ),
    Setting::text(
        "ca_pem",
        "The authorities themselves, PEM. Default: `BAO_CACERT_BYTES` or `VAULT_CACERT_BYTES`.",
    ),
    Setting::text(
        "client_cert",
        "File with the certificate chain of this client, PEM. Default: `BAO_CLIENT_CERT` or `VAULT_CLIENT_CERT`.",
    ),
    Setting::text(
        "client_key",
        "File with the private key of this client, PEM. Default: `BAO_CLIENT_KEY` or `VAULT_CLIENT_KEY`.",
    ),
    setting(
        "kv1_mounts",
        SettingKind::TextList,
        "Mounts that are key-value engines of version 1, such as `team/kv`. The server is not asked what they are.",
    ),
    setting(
        "kv2_mounts",
        SettingKind::TextList,
        "The same for version 2.",
    ),
    setting(
        "max_retries",
        SettingKind::Number,
        "How often to try again what may succeed later (412, 429, 5xx, no answer). Default: `BAO_MAX_RETRIES` or \
         `VAULT_MAX_RETRIES`, else 2. A cluster that is choosing a leader is given up to 20 s all the same, unless this \
         is 0; a sealed server is reported at once.",
    ),
    Setting::text(
        "namespace",
        "Namespace that paths are seen from, such as `team1/app`. Default: `BAO_NAMESPACE` or `VAULT_NAMESPACE`.",
    ),
    Setting::text(
        "proxy",
        "Proxy for all requests. Default: `BAO_PROXY_ADDR` or `VAULT_PROXY_ADDR`, else `HTTPS_PROXY` and the like.",
    ),
    setting(
        "redirect_hosts",
        SettingKind::TextList,
        "Further hosts of the cluster, `host:port`, to which a standby may redirect; the token is sent there. \
         Redirects to other hosts are refused.",
    ),
    setting(
        "skip_verify",
        SettingKind::Bool,
        "Trust any certificate: for tests only. Default: `BAO_SKIP_VERIFY` or `VAULT_SKIP_VERIFY`, else false.",
    ),
    setting(
        "timeout",
        SettingKind::Duration,
        "Longest time for one request with all its attempts, at most 28s. Default: `BAO_CLIENT_TIMEOUT` or \
         `VAULT_CLIENT_TIMEOUT`, else 28s.",
    ),
    Setting::text(
        "tls_server_name",
        "The name that the server is asked for (SNI) and that its certificate must have, instead of the host. Default: \
         `BAO_TLS_SERVER_NAME` or `VAULT_TLS_SERVER_NAME`.",
    ),
    setting(
        "token_ttl",
        SettingKind::Duration,
        "Time to live of the token of the run, under which leased credentials are made. It is extended while the run \
         lasts and revoked at its end; after a crash it ends by itself within this time, and all its leases with it. \
         Default 10m.",
    ),
];

const MOUNT: &str = "Where the auth method is mounted. Default: its name.";

const AUTH: &[Setting] = &[
    setting(
        "approle",
        SettingKind::Group(&[
            Setting::text("mount", MOUNT),
            Setting::text("role_id", "The role id."),
            setting("secret_id", SettingKind::Secret, "The secret id."),
            Setting::text(
                "secret_id_env",
                "Name of the variable that holds the secret id.",
            ),
            Setting::text("secret_id_file", "File that holds the secret id."),
            Setting::text(
                "wrapped_creation_path",
                "The secret id is a wrapping token, which must have been made by this path, such as \
                 `auth/approle/role/ci/secret-id`. It is opened once, so `terraform plan -out` and `terraform apply` \
                 of the plan need one each.",
            ),
        ]),
        "AppRole. The secret id comes from exactly one of `secret_id`, `secret_id_env` and `secret_id_file`; none for \
         roles without.",
    ),
    setting(
        "aws",
        SettingKind::Group(&[
            Setting::text(
                "header_value",
                "Value of the header `X-Vault-AWS-IAM-Server-ID` that the method demands.",
            ),
            Setting::text("mount", MOUNT),
            Setting::text(
                "region",
                "Region whose token service is named in the proof, as the auth method expects it. Default `us-east-1`, \
                 which is the service without a region.",
            ),
            Setting::text(
                "role",
                "The role. Default: the name of the AWS role or user.",
            ),
        ]),
        "AWS identity (`iam`): a signed request that proves who runs this process. Credentials from the \
         environment, a web identity, the container service or the instance.",
    ),
    setting(
        "azure",
        SettingKind::Group(&[
            Setting::text(
                "jwt_file",
                "File with an access token. Default: the token service of the machine.",
            ),
            Setting::text("mount", MOUNT),
            Setting::text(
                "resource",
                "The application that the token is for. Default `https://management.azure.com/`.",
            ),
            Setting::text("resource_group_name", "Resource group of the machine."),
            Setting::text("role", "The role."),
            Setting::text("subscription_id", "Subscription of the machine."),
            Setting::text("vm_name", "Name of the machine."),
            Setting::text("vmss_name", "Name of the scale set of the machine."),
        ]),
        "Azure managed identity.",
    ),
    setting(
        "cert",
        SettingKind::Group(&[
            Setting::text("mount", MOUNT),
            Setting::text(
                "name",
                "The certificate role; default: the first that fits.",
            ),
        ]),
        "The client certificate of `client_cert` and `client_key`.",
    ),
    setting(
        "gcp",
        SettingKind::Group(&[
            Setting::text(
                "jwt_file",
                "File with a signed token. Default: the metadata service of the machine.",
            ),
            Setting::text("mount", MOUNT),
            Setting::text("role", "The role."),
            Setting::text(
                "service_account",
                "Service account of the machine whose identity is shown. Default `default`.",
            ),
        ]),
        "Google Cloud identity (`gce`, or `iam` with a token in a file).",
    ),
    setting(
        "inline",
        SettingKind::Bool,
        "Prove the identity with each read of key-value secrets instead of logging in, so that no token is stored \
         anywhere (OpenBao 2.4 or newer). Name their mounts in `kv2_mounts` or `kv1_mounts`: asking the server what is \
         mounted needs a login, and so does everything that makes leases. Default false.",
    ),
    setting(
        "jwt",
        SettingKind::Group(&[
            Setting::text(
                "audience",
                "Audience of the identity token. Default: the one that the automation gives.",
            ),
            Setting::text("mount", MOUNT),
            Setting::text("role", "The role. Default: the default role of the method."),
        ]),
        "The identity token of this run (GitHub Actions, GitLab, any OpenID Connect issuer), see `identity`.",
    ),
    setting(
        "kubernetes",
        SettingKind::Group(&[
            Setting::text("mount", MOUNT),
            Setting::text("role", "The role."),
            Setting::text(
                "token_file",
                "File with the service account token, read anew for every login. Default \
                 `/var/run/secrets/kubernetes.io/serviceaccount/token`.",
            ),
        ]),
        "The service account of a Kubernetes pod.",
    ),
    setting(
        "ldap",
        SettingKind::Group(PASSWORD),
        "User name and password of a directory.",
    ),
    setting(
        "token",
        SettingKind::Group(&[
            Setting::text("env", "Name of the variable that holds the token."),
            Setting::text("file", "File that holds the token, read anew when it ends."),
            setting(
                "revoke",
                SettingKind::Bool,
                "The token was made for this run alone: revoke it at the end, and all leases with it, when credentials \
                 were opened with it. Terraform plans and applies in two processes, so open them with `applying = \
                 terraform.applying`. Default false.",
            ),
            setting("value", SettingKind::Secret, "The token."),
        ]),
        "A token that somebody else made; where it is not said where, it is looked for as without a block.",
    ),
    setting(
        "userpass",
        SettingKind::Group(PASSWORD),
        "User name and password.",
    ),
];

const PASSWORD: &[Setting] = &[
    Setting::text("mount", MOUNT),
    setting("password", SettingKind::Secret, "The password."),
    Setting::text(
        "password_env",
        "Name of the variable that holds the password.",
    ),
    Setting::text("password_file", "File that holds the password."),
    Setting::text("username", "The user name."),
];
