//! What can be typed. Values of secrets are never arguments: they would stand in the process list and
//! in shell histories.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

const AFTER_HELP: &str = "\
Terraform and OpenTofu start this program themselves, without arguments.
Variables: SECRETREF_STORE, SECRETREF_IDENTITY_FILE, SECRETREF_IDENTITY, SECRETREF_PASSPHRASE,
SECRETREF_AUTHOR, SECRETREF_ENVIRONMENT, SECRETREF_POLICY, SECRETREF_AUDIT_LOG, SECRETREF_LEASES,
SECRETREF_ID_TOKEN, SECRETREF_ID_TOKEN_FILE.";

/// Opens secret references just in time for Terraform and OpenTofu; by hand, manages the local store,
/// the audit log and the policy.
#[derive(Debug, Parser)]
#[command(name = "terraform-provider-secretref", version, after_help = AFTER_HELP)]
#[command(arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Serve without being started by Terraform, and print the variable with which any Terraform attaches.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = crate::serve::ADDRESS)]
    pub(crate) debug: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Manage the encrypted local store.
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Show and verify the log of accesses.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// List and end leases that killed runs left behind.
    Lease {
        #[command(subcommand)]
        command: LeaseCommand,
    },
    /// Check, explain and test the policy.
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Look at and convert references.
    Ref {
        #[command(subcommand)]
        command: RefCommand,
    },
    /// Run a command with secrets in its environment, and give back what was opened when it ends.
    Run(Run),
    /// Hand a secret to a program that asks for it in a protocol of its own.
    Credential {
        #[command(subcommand)]
        command: CredentialCommand,
    },
}

/// What decides about the access.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Access {
    /// The environment of the policy. Default: `SECRETREF_ENVIRONMENT`.
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// The policy. Default: `SECRETREF_POLICY`, else the nearest `secretref.toml` above.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Set a variable to the secret at a reference; may be repeated.
    #[arg(short, long, value_name = "NAME=REF")]
    pub(crate) env: Vec<String>,
    /// Set the variables of a file of NAME=VALUE lines; values that are references are opened. May be repeated: later
    /// files count more, --env most.
    #[arg(long = "env-file", value_name = "FILE")]
    pub(crate) env_files: Vec<String>,
    /// Also open variables of this process whose whole value is a reference, but file:// and env://.
    #[arg(long)]
    pub(crate) inherited: bool,
    /// Where secrets are masked in what the command writes.
    #[arg(long, value_enum, default_value_t = Masking::Auto)]
    pub(crate) masking: Masking,
    /// The same as --masking never.
    #[arg(long, conflicts_with = "masking")]
    pub(crate) no_masking: bool,
    #[command(flatten)]
    pub(crate) access: Access,
    /// The command and its arguments, after `--`.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Where output is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Masking {
    /// Where the output is no terminal: in logs, files and pipes.
    Auto,
    /// Everywhere; programs then see that they write to no terminal.
    Always,
    /// Nowhere.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// For git: `git config credential.helper '!terraform-provider-secretref credential git'`.
    Git(ServerLogin),
    /// For docker, as a program called `docker-credential-NAME` on PATH: a link to this one does.
    Docker(ServerLogin),
    /// For AWS programs: `credential_process = terraform-provider-secretref credential aws REF`.
    Aws(Reference),
    /// For kubectl and other clients of Kubernetes: the `exec` of a user in the kubeconfig.
    Kubernetes(Reference),
}

#[derive(Debug, Args)]
pub(crate) struct ServerLogin {
    /// The server that the login is for, besides those in `secretref.toml`.
    #[arg(long, requires = "reference")]
    pub(crate) url: Option<String>,
    /// Its password or token, or a secret with the keys `username` and `password`.
    #[arg(long = "ref", value_name = "REF", requires = "url")]
    pub(crate) reference: Option<String>,
    /// The user name, where the secret does not hold it.
    #[arg(long, value_name = "NAME", requires = "reference")]
    pub(crate) username: Option<String>,
    #[command(flatten)]
    pub(crate) access: Access,
    /// What is asked for, which the program adds: `get`, `store`, `erase`, `list`.
    pub(crate) operation: String,
}

#[derive(Debug, Args)]
pub(crate) struct Reference {
    /// What to hand out.
    pub(crate) reference: String,
    /// How long it should last, such as `15m`. Default: what the store gives.
    #[arg(long, value_name = "PERIOD")]
    pub(crate) ttl: Option<String>,
    #[command(flatten)]
    pub(crate) access: Access,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Make a new store in this folder, and a key outside of it if there is none.
    Init(Init),
    /// Store a value: from standard input, or asked for on a terminal.
    Set(Set),
    /// Write a value to standard output.
    Get(Get),
    /// List references, versions and times; no values.
    List(Listing),
    /// List the versions of one reference; no values.
    History(History),
    /// Erase a value, or the one version that the reference names.
    Remove(Target),
    /// Make a new key and encrypt the store to it instead of the old one.
    RotateKey(Named),
    /// List, add or remove the people and machines that can open the store.
    Recipients {
        #[command(subcommand)]
        command: Recipients,
    },
    /// Trust the store as it is, although this machine saw a newer or another one before.
    Accept(Named),
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Name of the store, for projects with several.
    #[arg(long, value_name = "NAME")]
    pub(crate) store: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    #[command(flatten)]
    pub(crate) named: Named,
    /// Let this public key open the store too (age1…); may be repeated. `KEY=NAME` gives it a name.
    #[arg(long = "recipient", value_name = "KEY[=NAME]")]
    pub(crate) recipients: Vec<String>,
    /// Protect a newly made key with a passphrase, which is asked for.
    #[arg(long)]
    pub(crate) passphrase: bool,
    /// Keep no plain list of names, versions and times; metadata then needs the key.
    #[arg(long)]
    pub(crate) no_index: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Where to store, such as `local://dev/db` or `local://dev/db#password` for one key of a JSON object.
    pub(crate) reference: String,
    /// Keep every byte of standard input; otherwise one line end at the end is dropped.
    #[arg(long)]
    pub(crate) raw: bool,
    /// Store only where nothing is stored yet.
    #[arg(long)]
    pub(crate) if_absent: bool,
    /// When the value ends: RFC 3339 time, or a duration from now such as `90d`.
    #[arg(long, value_name = "WHEN")]
    pub(crate) expires: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// What to open.
    pub(crate) reference: String,
    /// Show the value although standard output is a terminal.
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Write the value as base64.
    #[arg(long)]
    pub(crate) base64: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Listing {
    #[command(flatten)]
    pub(crate) named: Named,
    /// How to write the list.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// Whose versions.
    pub(crate) reference: String,
    /// How to write the list.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Target {
    /// What to remove; with `?version=` only that version.
    pub(crate) reference: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Recipients {
    /// List them.
    List(Listing),
    /// Let a public key (age1…) open the store.
    Add {
        /// The public key.
        key: String,
        /// Whose key it is.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        named: Named,
    },
    /// Encrypt the store without this public key or name from now on.
    Remove {
        /// Public key or name.
        recipient: String,
        #[command(flatten)]
        named: Named,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RefCommand {
    /// Show the parts of a reference and its canonical form.
    Parse {
        /// The reference.
        reference: String,
    },
    /// Write what other tools call a secret as a reference: `ref+vault://…`, `op://…`, ARNs, Google Cloud
    /// resource names, Azure Key Vault URIs, a `remoteRef` of External Secrets.
    Convert(ConvertArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ConvertArguments {
    /// What the other tool says; with `--provider` the `key` of a `remoteRef`, or the whole as JSON.
    pub(crate) text: String,
    /// The store block that has the address, region or account of it.
    #[arg(long, value_name = "NAME")]
    pub(crate) store: Option<String>,
    /// Read a `remoteRef` of External Secrets, whose SecretStore has this provider.
    #[arg(long, value_enum)]
    pub(crate) provider: Option<ProviderName>,
    /// The `property` of the `remoteRef`.
    #[arg(long, requires = "provider")]
    pub(crate) property: Option<String>,
    /// The `version` of the `remoteRef`.
    #[arg(long = "ref-version", value_name = "VERSION", requires = "provider")]
    pub(crate) version: Option<String>,
    /// What the SecretStore puts in front of the key: Vault mount, Google Cloud project, key vault, namespace,
    /// 1Password vault, or Doppler project and config.
    #[arg(long, requires = "provider")]
    pub(crate) scope: Option<String>,
}

/// Providers of External Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProviderName {
    /// `aws` with `service: SecretsManager`.
    AwsSecretsManager,
    /// `aws` with `service: ParameterStore`.
    AwsParameterStore,
    /// `azurekv`.
    Azurekv,
    /// `doppler`.
    Doppler,
    /// `gcpsm`.
    Gcpsm,
    /// `kubernetes`.
    Kubernetes,
    /// `onepassword` and `onepasswordSDK`.
    Onepassword,
    /// `vault`.
    Vault,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show accesses, oldest first.
    Show(Show),
    /// Prove that no line was changed, removed or added.
    Verify(AuditFile),
}

#[derive(Debug, Args)]
pub(crate) struct AuditFile {
    /// The log. Default: `SECRETREF_AUDIT_LOG`, else `.secretref/audit.jsonl` of the project.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) file: AuditFile,
    /// How to write the list.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Not before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Timestamp>,
    /// Before this time (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Timestamp>,
    /// References that start with this.
    #[arg(long, value_name = "START")]
    pub(crate) reference: Option<String>,
    /// Accesses of this environment.
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// Also what the log says about itself.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LeaseCommand {
    /// List tokens and leases that were not given back; no values.
    List(LeaseListing),
    /// End them, with the login of the environment (VAULT_ADDR, VAULT_TOKEN and so on).
    Revoke(RevokeLeases),
}

#[derive(Debug, Args)]
pub(crate) struct LeaseListing {
    /// How to write the list.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeLeases {
    /// Which ones, as `lease list` shows them.
    #[arg(
        value_name = "ID",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pub(crate) ids: Vec<String>,
    /// Everything that is left over.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Read the policy and report every mistake.
    Check(PolicyFile),
    /// Say which line decides about a reference, and why.
    Explain(Explain),
    /// Run the `[[tests]]` that the policy carries.
    Test(PolicyFile),
}

#[derive(Debug, Args)]
pub(crate) struct PolicyFile {
    /// The policy. Default: `SECRETREF_POLICY`, else the nearest `secretref.toml` above.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The reference.
    pub(crate) reference: String,
    /// The environment. Default: `SECRETREF_ENVIRONMENT`.
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<String>,
    /// What is to be done.
    #[arg(long, value_enum, default_value_t = OperationName::Open)]
    pub(crate) operation: OperationName,
    #[command(flatten)]
    pub(crate) file: PolicyFile,
}

/// What can be done to a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OperationName {
    /// Read its value.
    Open,
    /// Read facts about it.
    Metadata,
    /// Write or remove it.
    Write,
}

/// How lists are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table for people.
    Text,
    /// One JSON value a line.
    Json,
}
