//! The words that judgement knows, by what they say. Order within a list is free; tables only.
//!
//! Lists are written compactly: one word a line would bury them.

use crate::values::list::{List, list};

/// Last words that make a name one about a secret, not of a secret: `secret_name`, `token_ttl`.
#[rustfmt::skip]
pub(super) static ABOUT: List = list![
    "name", "names", "address", "addresses", "arn", "arns", "id", "ids", "path", "paths", "file", "files", "filename", "filepath", "dir",
    "directory", "folder", "policy", "policies", "length", "len", "version", "versions", "enabled", "enable",
    "disabled", "rotation", "type", "types", "size", "count", "ttl", "expiry", "expiration", "expires", "days",
    "hours", "minutes", "seconds", "secs", "date", "time", "timeout", "timestamp", "endpoint", "endpoints", "url",
    "urls", "uri", "uris", "validity", "algorithm", "alg", "method", "methods", "mode", "kind", "format", "prefix",
    "suffix", "description", "desc", "label", "labels", "title", "tag", "tags", "permission", "permissions",
    "period", "interval", "duration", "age", "max", "min", "limit", "required", "hash", "digest", "fingerprint",
    "thumbprint", "checksum", "sha", "store", "manager", "provider", "engine", "location", "region", "bucket",
    "ref", "refs", "reference", "selector", "field", "fields", "header", "headers", "param", "parameter",
    "parameters", "env", "environment", "var", "variable", "user", "username", "users", "email", "issuer",
    "audience", "scope", "scopes", "admin", "admins", "owner", "owners", "group", "groups", "role", "roles",
    "namespace", "mount", "extension", "config", "configuration", "settings", "auth", "authentication", "action",
    "actions", "usage", "bits", "spec", "accessor", "number", "index", "service", "services", "host", "hostname",
    "port", "domain", "zone", "template", "placeholder", "hint", "question", "regex", "pattern", "chars",
    "characters", "special", "upper", "lower", "numeric", "keepers", "status", "state", "change", "changes",
    "recovery", "strength", "complexity", "requirements", "history", "reuse", "creation", "created", "updated",
    "rotated", "lambda", "function", "table", "topic", "queue", "source", "sources", "vault", "backend", "access",
    "protection", "support", "rule", "rules", "schedule", "frequency", "window", "statement", "attribute",
    "attributes", "map", "ring", "alias", "key_id", "resolver", "handler", "validator", "generator", "authorizer",
    "operator", "controller", "sidecar", "image", "operation", "strategy", "behavior", "behaviour", "replica",
    "replicas", "identifier", "subject", "from", "exists", "needed", "allowed", "only", "notice", "reason",
    "message", "usages", "claims", "claim", "lifetime", "delay", "retention", "checks", "check", "test", "link",
    "page", "flow", "grant", "grants", "exchange", "introspection", "validation", "budget", "quota", "threshold",
    "unit", "units", "slot", "position", "order", "class", "classes", "override", "encryption", "reader", "writer",
    "readers", "writers", "viewer", "accesses", "sync", "engines", "context", "audiences", "generation",
    "verification", "sharing", "cname", "record", "document", "sid", "phone", "instructions", "suggestion",
    "command", "script", "entries", "model",
];

/// Words that make a name one about a secret wherever they stand.
#[rustfmt::skip]
pub(super) static ABOUT_ANYWHERE: List = list![
    "public", "pub", "path", "existing", "rotated", "rotation", "expiration", "arn", "arns", "fingerprint",
    "thumbprint", "length", "pubkey", "secretname", "authorized", "uri", "pair", "keypair", "expiry",
];

/// First words of switches: `manage_master_user_password`.
#[rustfmt::skip]
pub(super) static SWITCHES: List = list![
    "enable", "enabled", "disable", "disabled", "manage", "managed", "create", "generate", "use", "has", "is",
    "should", "allow", "allowed", "require", "required", "skip", "ignore", "force", "rotate", "reset", "update",
    "show", "min", "max", "num", "number", "enforce", "with", "without", "validate", "override", "preserve", "hide",
    "expose", "include", "exclude", "prevent", "deploy_with", "block", "blocks", "delete", "remove", "recreate",
    "want", "need", "do", "no", "expire", "expires", "can", "forgot", "forgotten", "lost",
];

/// Words that make a name one of a switch wherever they stand before its last word.
#[rustfmt::skip]
pub(super) static SWITCHES_ANYWHERE: List = list![
    "can", "generate", "enable", "enabled", "disable", "disabled", "allow", "require", "requires",
];

/// First words of what gets a secret: `script_get_secret`.
pub(super) static SCRIPTS: List = list!["script", "scripts", "cmd"];

/// Words that say in what form or which one, not what: looked through.
#[rustfmt::skip]
pub(super) static FORM: List = list![
    "wo", "value", "values", "text", "string", "data", "plaintext", "plain", "base", "b", "base64", "raw",
    "content", "contents", "pem", "json", "encoded", "current", "new", "old", "default", "all", "prod",
    "production", "dev", "staging", "stage", "stg", "prd", "hex", "str", "openssh", "encrypted", "binary", "result",
    "body", "input", "initial", "ssm", "decrypted", "v",
];

/// Words that make `…_key` the name of a secret.
#[rustfmt::skip]
pub(super) static KEY_OF: List = list![
    "api", "access", "secret", "private", "encryption", "encrypt", "signing", "sign", "master", "account",
    "storage", "shared", "license", "licence", "app", "auth", "client", "integration", "ingest", "ingestion", "jwt",
    "hmac", "session", "cookie", "cipher", "decryption", "preshared", "subscription", "sas", "consumer", "ssl",
    "tls", "webhook", "insert", "admin", "service", "deploy", "server", "agent", "registration", "unlock",
    "recovery", "root", "psk", "host", "token", "rest", "write", "registry", "fernet", "enc", "unseal", "seal",
    "gossip", "totp",
];

/// Words before `key` that make it a key of a collection, a name or a handle.
#[rustfmt::skip]
pub(super) static KEY_FOR: List = list![
    "kms", "cmk", "vault", "keyvault", "tag", "tags", "label", "annotation", "metadata", "column",
];

/// Words before `token` that make it no credential.
#[rustfmt::skip]
pub(super) static TOKEN_FOR: List = list![
    "creation", "next", "page", "continuation", "http", "idempotency", "event", "source", "start", "end", "max",
    "separator", "verification", "validation", "update", "dkim", "lock", "reload", "redeploy", "restart", "trigger",
    "version", "correlation", "etag",
];

/// Words before `secret` or `secrets` that make it the name of an object of a platform.
#[rustfmt::skip]
pub(super) static SECRET_FOR: List = list![
    "pull", "k8s", "kubernetes", "kube", "user", "manager", "existing", "keyvault", "vault", "use", "repository",
    "managed", "external", "environment", "repo", "secret", "credentials", "credential", "superuser", "tls",
];

/// Compound words that are names of keys without a separator.
#[rustfmt::skip]
pub(super) const GLUED_KEYS: &[&str] = &[
    "apikey", "secretkey", "accesskey", "authkey", "signingkey", "encryptionkey", "masterkey", "sharedkey",
    "accountkey",
];

/// Words nobody but a dummy is made of. With one of these, [`GLUE`] and digits are dummies too.
#[rustfmt::skip]
pub(super) static DUMMY: List = list![
    "password", "passwords", "passwd", "passphrase", "pwd", "pass", "pw", "secret", "secrets", "token", "tokens",
    "apikey", "changeme", "changeit", "changethis", "change", "replaceme", "replace", "replacethis", "fixme",
    "todo", "test", "tests", "testing", "tester", "example", "examples", "sample", "dummy", "fake", "mock", "foo",
    "bar", "baz", "foobar", "foobaz", "qux", "something", "whatever", "value", "none", "default", "redacted",
    "placeholder", "your", "yours", "unset", "undefined", "empty", "fillme", "insert", "enter", "temp", "temporary",
    "tbd", "here", "eight", "characters", "character", "string", "credential", "credentials", "invalid", "masked",
    "hidden", "removed", "sanitized", "obfuscated", "omitted", "notused", "unused", "ignored", "notreal", "bogus",
    "lorem", "ipsum", "demo", "xxx", "abc", "somepassword", "supersecret", "topsecret", "donotuse", "notset",
    "manually", "specify", "provide", "provided", "overwritten", "overridden", "override", "asdf", "blah", "stub",
    "val", "vals", "seecret", "sekret", "passw", "notasecret", "paswd", "psw", "privatekey",
];

/// Words that may stand around dummy words.
#[rustfmt::skip]
pub(super) static GLUE: List = list![
    "a", "an", "the", "my", "this", "that", "is", "in", "to", "be", "for", "of", "with", "must", "should", "not",
    "do", "put", "set", "add", "use", "at", "least", "long", "longer", "than", "and", "or", "very", "super",
    "strong", "secure", "safe", "good", "real", "some", "any", "new", "key", "keys", "code", "by", "it", "me", "on",
    "from", "please", "will", "via", "only", "its", "if", "you", "db", "database", "admin", "administrator", "root",
    "user", "username", "master", "postgres", "postgresql", "mysql", "mssql", "sql", "redis", "mongo", "mongodb",
    "rabbitmq", "prod", "production", "dev", "development", "staging", "stage", "stg", "qa", "uat", "local", "live",
    "api", "app", "access", "private", "public", "client", "auth", "oauth", "jwt", "service", "server", "account",
    "web", "webhook", "encryption", "signing", "session", "cookie", "azure", "aws", "gcp", "google", "github",
    "gitlab", "slack", "id", "one", "two", "three", "wo", "plain", "text", "random", "var", "variable", "env",
    "name", "host", "min", "max", "length", "chars", "char", "symbols", "digits", "generated", "actual", "correct",
    "yet", "no", "non", "need", "needs", "needed", "update", "updated", "created", "later", "own", "input", "login",
    "site", "url", "x", "terraform", "tf", "console", "assumed", "ssm", "vault", "shared", "smtp", "ssh", "sftp",
    "rds", "ok", "twillio", "twilio", "insecure", "unsecure", "hardcoded", "clear", "complex", "like", "simple",
    "weak", "great", "awesome", "mega", "data", "license", "hello", "world", "first", "second", "initial", "docker",
    "hub", "registry", "bot", "file", "gke", "eks", "aks", "cluster", "vm", "out", "entry", "as", "keyin", "field",
    "pre", "connection", "big", "thing", "store", "stored", "sensitive", "email", "manual", "external", "internal",
    "hash", "salt", "number", "bearer", "personal", "project", "organization", "org", "datadog", "grafana",
    "newrelic", "cloudflare", "digitalocean", "secondary", "primary", "modified", "true", "uber", "ultra", "extra", "more", "pick", "choose", "better",
    "stronger", "info", "information", "message", "aad", "microsoft", "base", "encoded", "okta", "keycloak",
    "gitea", "argocd", "linkedin",
];

/// Names that vendors and images use as their first password. Dummies only when alone.
#[rustfmt::skip]
pub(super) const VENDOR_DEFAULTS: &[&str] = &[
    "admin", "root", "postgres", "vagrant", "ubuntu", "temporal", "guest", "user", "minio", "minioadmin", "elastic",
    "rabbitmq", "mysql", "oracle", "docker", "centos", "grafana", "packer", "debian", "airflow", "sa", "keycloak",
    "neo4j", "nomad", "consul", "vault", "cloud", "ansible", "jenkins", "kibana", "postgresql", "mariadb", "redis",
    "mongo", "mongodb", "sonar", "nexus", "vyos", "opnsense", "pfsense", "kali", "rocky", "almalinux", "fedora",
    "raspberry", "tomcat", "zabbix", "rancher", "ubnt", "cisco", "mikrotik", "osboxes", "superset", "metabase",
    "activemq", "artemis", "couchbase", "clickhouse", "strapi", "directus", "gitea", "harbor", "pi", "alpine", "cassandra", "ec2-user", "azureuser", "wordpress", "drupal",
];

/// Published examples: their own text, or a mark inside.
#[rustfmt::skip]
pub(super) const DOCUMENTED: &[&str] = &[
    "EXAMPLEKEY", "AKIAIOSFODNN7EXAM", "EXAMAAA", "bPxRfiCYEX", "IOSFODNN7EX",
];

/// Whole texts, letters only, that are instructions although none of their words is a dummy.
#[rustfmt::skip]
pub(super) static PHRASES: List = list![
    "notset", "tobeset", "tobesetmanually", "setmanually", "setme", "setinconsole", "setviaenv", "setlater", "none",
    "na", "nothing", "notneeded", "notrequired", "managedoutsideterraform", "managedbyterraform",
    "notmanagedbyterraform", "updateme", "updatemanually", "setbyci", "comesfromenv", "required", "yourkey",
    "yourkeyhere", "mykeyhere", "keyhere", "addkeyhere", "putyourkeyhere", "tobemodified", "tobereplaced",
    "tobedefined", "tobechanged", "tobefilled",
];

/// Words that switch or select something.
#[rustfmt::skip]
pub(super) static SETTINGS: List = list![
    "true", "false", "null", "nil", "yes", "no", "on", "off", "enabled", "disabled", "enable", "disable",
    "required", "optional", "all", "latest", "current", "previous", "days", "hours", "minutes", "seconds", "weeks",
    "months", "string", "number", "bool", "any", "securestring", "opaque", "auto", "automatic", "manual", "always",
    "never", "plain", "plaintext", "header", "query", "body", "bearer", "basic", "jwt", "oauth", "oauth2", "oidc",
    "saml", "sharedkey", "codebuild", "service_role", "rsa", "ecdsa", "ed25519", "aes256", "aws_iam", "iam", "mtls",
    "tls", "env", "file", "vault", "kubernetes", "per_request", "sas", "aad", "managed", "psk", "certificate",
    "ssh", "password_auth", "scram-sha-256", "scram-sha-512", "md5", "sha256", "sha512", "unspecified", "n/a",
    "aws_secretsmanager", "secretsmanager", "caller", "ldap", "passwordless", "reader", "writer", "owner",
    "contributor", "editor", "viewer", "system", "inherit", "rotate", "client_credentials", "authorization_code",
    "oobesystem", "specialize", "windowspe", "auditsystem", "audituser", "generalize", "offlineservicing",
];

/// Beginnings of texts that say where a secret is.
#[rustfmt::skip]
pub(super) static REFERENCES: List = list![
    "arn:", "op://", "ref+", "vault:", "vault://", "vault+", "bao://", "aws-sm://", "aws-sm+", "aws-ssm://",
    "aws-ssm+", "gcp-sm://", "gcp-sm+", "azure-kv://", "azure-kv+", "k8s://", "k8s+", "sops://", "local://",
    "local+", "infisical://", "doppler://", "env://", "file://", "secretref://", "sm://", "awssm://", "ssm://",
    "secretsmanager:", "ssm:", "resolve:", "@microsoft.keyvault(", "projects/", "keyvaultref:", "var.", "local.",
    "data.", "module.", "each.", "dependency.", "secret:", "secrets.", "env.", "env:", "path.", "ephemeral.", "$.", "$$.",
    "aws_secretsmanager_secret", "crn:", "ocid1.", "k8s:", "file:", "akv:", "secret://", "ssm-secure:",
    "privatesettingsref:", "request.", "context.", "header:",
];

/// Endings of file names.
#[rustfmt::skip]
pub(super) static FILES: List = list![
    ".pem", ".key", ".json", ".crt", ".cer", ".txt", ".yaml", ".yml", ".p12", ".pfx", ".jks", ".pub", ".sh",
    ".conf", ".tpl", ".tftpl", ".toml", ".ini", ".env", ".zip", ".tf", ".tfvars", ".asc", ".gpg", ".kubeconfig",
    ".ppk", ".hcl", ".py", ".js", ".enc",
];

/// Beginnings of ids that clouds give: `ami-`, followed by hexadecimal digits.
#[rustfmt::skip]
pub(super) const CLOUD_IDS: &[&str] = &[
    "ami-", "vpc-", "subnet-", "sg-", "i-", "vol-", "snap-", "eni-", "igw-", "rtb-", "nat-", "acl-", "eipalloc-",
    "fs-", "ocid1.", "tgw-", "lt-", "vpce-",
];

/// Whose password it is, or what it opens, after the word itself: `sql_password_admin`, `rds_password_gitlab`.
#[rustfmt::skip]
pub(super) static WHOSE: List = list![
    "admin", "app", "master", "owner", "reader", "readonly", "root", "viewer", "writer", "airflow", "argocd", "elastic",
    "esxi", "gitaly", "github", "gitlab", "grafana", "harbor", "jenkins", "keycloak", "kibana", "linux", "mariadb",
    "minio", "mongo", "mongodb", "mssql", "mysql", "nexus", "nextcloud", "oracle", "postgres", "postgresql", "proxmox",
    "rabbitmq", "rancher", "redis", "sonar", "sonarqube", "ubuntu", "vcenter", "windows", "wordpress", "zabbix",
];
