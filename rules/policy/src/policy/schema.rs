//! The shape of `secretref.toml` as a JSON Schema, for completion and checks in an editor. It
//! describes; [`super::Policy::parse`] decides. A test keeps both in step.

#![expect(dead_code, reason = "the types are described, never built")]

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// The JSON Schema of a policy file, as text that ends with a newline.
pub fn json_schema() -> String {
    format!("{:#}\n", schemars::schema_for!(PolicyFile).as_value())
}

/// Which environment may use which secret, under which identity.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[schemars(title = "secretref.toml")]
struct PolicyFile {
    /// What holds for every environment.
    #[schemars(default)]
    defaults: Defaults,
    /// The environments by name. The provider chooses one; the linter finds it by `paths`.
    #[schemars(default)]
    environments: BTreeMap<String, Environment>,
    /// What environments may knowingly share.
    #[schemars(default)]
    shared: Shared,
    /// Cases that `policy test` checks.
    #[schemars(default)]
    tests: Vec<Test>,
    /// Stores of the provider's command line, by kind and name, with the settings of the provider block. They
    /// decide nothing.
    #[schemars(default)]
    stores: BTreeMap<String, BTreeMap<String, BTreeMap<String, serde_json::Value>>>,
    /// Which secrets the credential helpers of the command line hand out. They decide nothing.
    #[schemars(default)]
    credentials: Credentials,
}

/// What the credential helpers hand out, by the protocol that asks.
#[derive(Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Credentials {
    /// Logins for `credential git`.
    #[schemars(default)]
    git: Vec<Login>,
    /// Logins for `credential docker`.
    #[schemars(default)]
    docker: Vec<Login>,
}

/// A login for a server.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Login {
    /// The server, such as `https://github.com/acme` or `registry.example.com`.
    url: String,
    /// The password or token, or a secret whose keys are `username` and `password`.
    r#ref: String,
    /// The user name, where the secret does not hold it.
    #[schemars(default)]
    username: String,
}

/// What holds for every environment.
#[derive(Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Defaults {
    /// References that nobody may use.
    #[schemars(default)]
    deny: Vec<Pattern>,
    /// The longest lease, where an environment does not say otherwise.
    #[schemars(default)]
    max_ttl: Length,
    /// The longest time since the last change, where an environment does not say otherwise.
    #[schemars(default)]
    max_age: Length,
    /// What every environment demands.
    #[schemars(default)]
    require: Vec<Requirement>,
}

/// What one environment may do.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Environment {
    /// Another environment whose lists are added and whose limits apply where none are set here.
    #[schemars(default)]
    extends: String,
    /// Globs of the files that belong to the environment, relative to this file.
    #[schemars(default)]
    paths: Vec<String>,
    /// References that may be read.
    #[schemars(default)]
    refs: Vec<Pattern>,
    /// References that may not be used; stronger than every other list.
    #[schemars(default)]
    deny: Vec<Pattern>,
    /// References that may be written.
    #[schemars(default)]
    writes: Vec<Pattern>,
    /// Who may use the environment; one of them must match. Empty means anybody.
    #[schemars(default)]
    identities: Vec<Identity>,
    /// The longest lease.
    #[schemars(default)]
    max_ttl: Length,
    /// The longest time since the value was last changed.
    #[schemars(default)]
    max_age: Length,
    /// Further demands.
    #[schemars(default)]
    require: Vec<Requirement>,
}

/// A reference in which `*` stands for a part of a name and `**` for any number of names.
#[derive(JsonSchema)]
#[schemars(extend("examples" = ["vault+prod://kv/**", "aws-sm://prod/*#password", "env://**"]))]
struct Pattern(String);

/// A length of time.
#[derive(Default, JsonSchema)]
#[schemars(extend("pattern" = "^(\\d+w)?(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?$", "examples" = ["1h30m", "90d"]))]
struct Length(String);

/// Something that an environment may demand.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Requirement {
    /// The access log is written.
    Audited,
    /// An identity is in use; static credentials are refused.
    Identity,
    /// The value comes with a lease that ends.
    Leased,
    /// The reference names a version or stage.
    Pinned,
}

/// An issuer, matched exactly, and claims with `*` as a wildcard. Every claim must match.
#[derive(Default, JsonSchema)]
struct Identity {
    /// Who vouches for the identity.
    issuer: String,
    /// The other claims by name.
    #[schemars(flatten)]
    claims: BTreeMap<String, Claim>,
}

/// What a claim must be.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Claim {
    /// A text, in which `*` stands for any run of characters.
    Text(String),
    /// A claim that is true or false.
    Flag(bool),
    /// A claim that is a whole number.
    Number(i64),
}

/// What environments may knowingly share.
#[derive(Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Shared {
    /// The shared references.
    #[schemars(default)]
    refs: Vec<SharedRef>,
    /// Identities under which several environments act. For the linter.
    #[schemars(default)]
    identities: Vec<SharedIdentity>,
    /// Values written in several environments that are meant to be the same. For the linter.
    #[schemars(default)]
    values: Vec<SharedValue>,
}

/// A reference that environments may share.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SharedRef {
    /// The reference or pattern.
    r#ref: Pattern,
    /// Why it may be shared.
    reason: String,
    /// Who may use it; every environment when left out.
    #[schemars(default)]
    environments: Vec<String>,
}

/// An identity under which several environments may act.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SharedIdentity {
    /// The role, service account or client id; `*` stands for any run of characters.
    #[schemars(extend("examples" = ["arn:aws:iam::123456789012:role/deploy"]))]
    identity: String,
    /// Why it may be shared.
    reason: String,
    /// Who may act under it; every environment when left out.
    #[schemars(default)]
    environments: Vec<String>,
}

/// A value that several environments may hold.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct SharedValue {
    /// Where the value stands, as the linter reports it; `*` stands for any run of characters.
    #[schemars(extend("examples" = ["var.maps_browser_key", "module.*.license_key"]))]
    address: String,
    /// Why it may be shared.
    reason: String,
    /// Who may hold it; every environment when left out.
    #[schemars(default)]
    environments: Vec<String>,
}

/// References that an environment must allow or refuse.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Test {
    /// A name for the output.
    #[schemars(default)]
    name: String,
    /// The environment.
    environment: String,
    /// What is done; `open` when left out.
    #[schemars(default)]
    operation: Operation,
    /// Who asks; when left out, the identity is not looked at.
    #[schemars(default)]
    identity: Identity,
    /// References that must be allowed.
    #[schemars(default)]
    allow: Vec<String>,
    /// References that must be refused.
    #[schemars(default)]
    deny: Vec<String>,
}

/// What is done to a secret.
#[derive(Default, JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Operation {
    /// Its value is read.
    #[default]
    Open,
    /// Its version and times are read.
    Metadata,
    /// It is created, changed or removed.
    Write,
}
