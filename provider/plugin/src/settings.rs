//! From the provider block, or the command line, and the environment to stores that can be used: the one
//! place that decides which policy, which environment and which access log apply.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secret_policy::Policy;
use secret_policy::policy::discover;
use secret_stores::audit::{AuditContext, AuditLog, AuditOptions};
use secret_stores::identity::IdentityTokens;
use secret_stores::layers::{Guard, Identity, Layers};
use secret_stores::local::Passphrase;
use secret_stores::{Environment, ErrorKind, Operation, StoreError, Stores};

use crate::identity::{IdentityChoice, IdentityError, WorkloadIdentity};
use crate::store_blocks::ConfiguredStore;

/// How long what was read serves others that name the same secret: a hundred resources, of which Terraform opens
/// ten at a time, are one read. Longer than that takes, short enough that a run sees what others write.
const REUSE: Duration = Duration::from_secs(3);

/// What was chosen explicitly; `None` leaves it to the environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// The environment of the policy.
    pub(crate) environment: Option<String>,
    /// The policy file.
    pub(crate) policy: Option<String>,
    /// Where the identity token is.
    pub(crate) identity: IdentityChoice,
    /// The access log.
    pub(crate) audit_path: Option<String>,
    /// Whether an access that cannot be recorded is refused.
    pub(crate) audit_required: bool,
    /// Whether blocks of stores may hold secrets; `None` leaves it to the environment.
    pub(crate) static_credentials: Option<bool>,
    /// The blocks of stores.
    pub(crate) stores: Vec<ConfiguredStore>,
}

/// Why nothing can be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum SettingsError {
    /// The policy has mistakes; all of them, a line each.
    #[error("{0}")]
    Policy(#[from] secret_policy::PolicyError),
    /// The policy cannot be read.
    #[error("the policy {} cannot be read: {reason}", path.display())]
    PolicyFile {
        /// Which file, or the folder where the search began.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The identity is not known although a token was named.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A store or the access log cannot be set up.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The policy; `None` when there is none.
pub(crate) fn policy(
    surroundings: &Environment,
    chosen: Option<&str>,
) -> Result<Option<Policy>, SettingsError> {
    let Some(file) = policy_file(surroundings, chosen)? else {
        return Ok(None);
    };
    Ok(Some(Policy::parse(&file.shown, &file.text)?))
}

/// The text of the policy file.
pub(crate) struct PolicyText {
    /// Its path as people see it.
    pub(crate) shown: String,
    /// What it says.
    pub(crate) text: String,
}

/// Finds and reads the policy file: the chosen one, else the one of the surroundings.
pub(crate) fn policy_file(
    surroundings: &Environment,
    chosen: Option<&str>,
) -> Result<Option<PolicyText>, SettingsError> {
    let named = chosen
        .map(|path| surroundings.directory().join(path))
        .or_else(|| surroundings.path("SECRETREF_POLICY"));
    let (path, text) = match named {
        Some(path) => {
            let text =
                std::fs::read_to_string(&path).map_err(|reason| SettingsError::PolicyFile {
                    path: path.clone(),
                    reason,
                })?;
            (path, text)
        }
        None => {
            let folder = surroundings.directory();
            match discover(folder).map_err(|reason| SettingsError::PolicyFile {
                path: folder.to_owned(),
                reason,
            })? {
                Some(found) => (found.path, found.text),
                None => return Ok(None),
            }
        }
    };
    let shown = shown(surroundings.directory(), &path);
    Ok(Some(PolicyText { shown, text }))
}

/// The environment of the policy to work in.
pub(crate) fn environment(surroundings: &Environment, chosen: Option<&str>) -> Option<String> {
    chosen
        .map(str::to_owned)
        .or_else(|| surroundings.text("SECRETREF_ENVIRONMENT"))
}

/// Where accesses are recorded.
pub(crate) fn audit_options(
    surroundings: &Environment,
    path: Option<&str>,
) -> Result<AuditOptions, StoreError> {
    let mut options = AuditOptions::locate(surroundings)?;
    if let Some(path) = path {
        options.path = surroundings.directory().join(path);
    }
    Ok(options)
}

/// Stores and what they are guarded with.
#[derive(Debug)]
pub(crate) struct Guarded {
    /// The stores behind their layers.
    pub(crate) stores: Stores,
    /// The environment that was chosen.
    pub(crate) environment: Option<String>,
    /// Who runs this process.
    pub(crate) identity: Option<WorkloadIdentity>,
    /// The longest time since a value was changed, as the environment demands.
    pub(crate) max_age: Option<std::time::Duration>,
}

/// Stores for Terraform: guarded by the policy, recorded in the access log. Nothing is contacted.
///
/// # Errors
/// What is wrong, naming the file.
pub(crate) fn guarded_stores(
    surroundings: &Environment,
    settings: &Settings,
) -> Result<Guarded, SettingsError> {
    let identity = WorkloadIdentity::find(surroundings, &settings.identity, Timestamp::now())?;
    let environment = environment(surroundings, settings.environment.as_deref());
    let guard = policy(surroundings, settings.policy.as_deref())?.map(|policy| Guard {
        policy: Arc::new(policy),
        environment: environment.clone(),
        identity: identity.as_ref().map_or(Identity::Unidentified, |found| {
            Identity::Claims(found.claims.clone())
        }),
    });
    let max_age = guard.as_ref().and_then(|guard| {
        let chosen = guard.policy.environment(environment.as_deref()?)?;
        chosen.max_age()
    });
    let mut context = AuditContext::from_environment(surroundings);
    context.environment.clone_from(&environment);
    context.identity = identity
        .as_ref()
        .map(WorkloadIdentity::recorded)
        .unwrap_or_default();
    Ok(Guarded {
        stores: stores(surroundings, settings, guard, context)?,
        environment,
        identity,
        max_age,
    })
}

/// Stores for whoever manages them by hand: recorded in the access log, not judged by the policy.
///
/// # Errors
/// What is wrong, naming the file.
pub(crate) fn unguarded_stores(
    surroundings: &Environment,
    passphrase: Passphrase,
) -> Result<Stores, SettingsError> {
    let mut context = AuditContext::from_environment(surroundings);
    context.environment = environment(surroundings, None);
    let stores = stores(surroundings, &Settings::default(), None, context)?;
    Ok(stores.with_passphrase(passphrase))
}

fn stores(
    surroundings: &Environment,
    settings: &Settings,
    guard: Option<Guard>,
    context: AuditContext,
) -> Result<Stores, SettingsError> {
    let mut options = audit_options(surroundings, settings.audit_path.as_deref())?;
    options.fail_closed = settings.audit_required;
    let layers = Layers {
        guard,
        audit: Some(Arc::new(AuditLog::open(options, context)?)),
        reuse: REUSE,
        ..Layers::default()
    };
    let mut stores = Stores::new(surroundings.clone(), layers)
        .with_identity(Arc::new(IdentityTokens::new(
            surroundings,
            settings.identity.source(),
        )))
        .allow_static_credentials(static_credentials(surroundings, settings)?);
    for store in &settings.stores {
        stores = stores.with_block(store.block, &store.label, store.settings.clone())?;
    }
    Ok(stores)
}

/// Whether blocks of stores may hold secrets.
fn static_credentials(surroundings: &Environment, settings: &Settings) -> Result<bool, StoreError> {
    const VARIABLE: &str = "SECRETREF_ALLOW_STATIC_CREDENTIALS";
    if let Some(chosen) = settings.static_credentials {
        return Ok(chosen);
    }
    match surroundings.text(VARIABLE).as_deref() {
        None | Some("0" | "false") => Ok(false),
        Some("1" | "true") => Ok(true),
        Some(_) => Err(StoreError::new(
            ErrorKind::Config,
            Operation::Configure,
            format!("the variable `{VARIABLE}` is neither `true` nor `false`"),
        )),
    }
}

/// The path as people see it: relative to the working directory where that is shorter.
fn shown(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder)
        .unwrap_or(path)
        .display()
        .to_string()
}
