//! `store …`: the encrypted local store.

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use secret_policy::{Scheme, SecretRef};
use secret_stores::local::{
    InitOptions, Listed, LocalOptions, LocalStore, Passphrase, Recipient, VersionInfo,
};
use secret_stores::{Environment, ErrorKind, StoreError};
use secret_value::Secret;
use serde::Serialize;

use super::arguments::{Format, History, Init, Listing, Named, Recipients, StoreCommand, Target};
use super::{access, input, output};

pub(super) fn execute(environment: &Environment, command: &StoreCommand) -> anyhow::Result<()> {
    match command {
        StoreCommand::Init(arguments) => init(environment, arguments),
        StoreCommand::Set(arguments) => access::set(environment, arguments),
        StoreCommand::Get(arguments) => access::get(environment, arguments),
        StoreCommand::List(arguments) => list(environment, arguments),
        StoreCommand::History(arguments) => history(environment, arguments),
        StoreCommand::Remove(Target { reference }) => access::remove(environment, reference),
        StoreCommand::RotateKey(named) => rotate_key(environment, named),
        StoreCommand::Recipients { command } => recipients(environment, command),
        StoreCommand::Accept(named) => {
            let options = locate(environment, named.store.as_deref())?;
            LocalStore::accept(&options)?;
            Ok(output::line(&format!(
                "Trusting {} as it is now.",
                options.store.display()
            ))?)
        }
    }
}

/// The options of the store called `name`; a protected key asks for its passphrase on the terminal.
pub(super) fn locate(
    environment: &Environment,
    name: Option<&str>,
) -> anyhow::Result<LocalOptions> {
    let mut options = LocalOptions::locate(environment, name)?;
    if environment.text("SECRETREF_PASSPHRASE").is_none() {
        options.passphrase = ask_for_passphrase();
    }
    Ok(options)
}

/// Asks for the passphrase of a protected key on the terminal; nobody can be asked without one.
pub(super) fn ask_for_passphrase() -> Passphrase {
    Passphrase::from_fn(|file| {
        rpassword::prompt_password(format!("Passphrase of {}: ", file.display()))
            .ok()
            .map(Secret::from_text)
    })
}

/// Parses a reference that must name a secret of a local store.
pub(super) fn local_reference(text: &str) -> anyhow::Result<SecretRef> {
    let reference = super::reference::parse(text)?;
    if reference.scheme() != Scheme::Local {
        bail!(
            "`{reference}` is not in a local store: `store` manages references that start with local://"
        );
    }
    Ok(reference)
}

fn init(environment: &Environment, arguments: &Init) -> anyhow::Result<()> {
    let options = locate(environment, arguments.named.store.as_deref())?;
    let store = LocalStore::init(
        &options,
        &InitOptions {
            passphrase: new_passphrase(environment, arguments)?,
            recipients: arguments
                .recipients
                .iter()
                .map(|text| recipient(text))
                .collect::<Result<_, _>>()?,
            index: !arguments.no_index,
        },
    )?;
    output::line(&format!("Store: {}", store.path().display()))?;
    output::line(&format!(
        "Key:   {} (keep it; never commit it)",
        store.identity_origin()
    ))?;
    output::line(&format!("Public key: {}", store.public_key()))?;
    Ok(())
}

fn new_passphrase(environment: &Environment, arguments: &Init) -> anyhow::Result<Option<Secret>> {
    if !arguments.passphrase {
        return Ok(None);
    }
    match environment.text("SECRETREF_PASSPHRASE") {
        Some(text) => Ok(Some(Secret::from_text(text))),
        None => input::new_passphrase().map(Some),
    }
}

fn recipient(text: &str) -> Result<Recipient, StoreError> {
    match text.split_once('=') {
        Some((key, name)) => Recipient::new(key, Some(name)),
        None => Recipient::new(text, None),
    }
}

/// One secret or version as JSON lines show it.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    version: u64,
    versions: Option<u64>,
    created: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<Timestamp>,
}

impl<'a> Row<'a> {
    fn new(reference: &'a str, info: &'a VersionInfo, versions: Option<u64>) -> Self {
        Self {
            reference,
            version: info.number,
            versions,
            created: info.created,
            author: info.author.as_deref(),
            expires: info.expires,
            removed: info.removed,
        }
    }

    fn cells(&self) -> Vec<String> {
        let state = match (self.removed, self.expires) {
            (Some(when), _) => format!("removed {}", output::moment(when)),
            (None, Some(when)) => format!("expires {}", output::moment(when)),
            (None, None) => String::new(),
        };
        vec![
            self.reference.to_owned(),
            self.version.to_string(),
            output::moment(self.created),
            self.author.unwrap_or_default().to_owned(),
            state,
        ]
    }
}

fn show(format: Format, rows: &[Row<'_>]) -> anyhow::Result<()> {
    if format == Format::Json {
        return rows.iter().try_for_each(output::json);
    }
    let heading = ["REFERENCE", "VERSION", "STORED", "AUTHOR", ""]
        .map(str::to_owned)
        .to_vec();
    let mut lines = vec![heading];
    lines.extend(rows.iter().map(Row::cells));
    Ok(output::table(&lines)?)
}

fn list(environment: &Environment, arguments: &Listing) -> anyhow::Result<()> {
    let name = arguments.named.store.as_deref();
    let options = locate(environment, name)?;
    let secrets = without_key_if_possible(LocalStore::list_without_identity(&options), || {
        LocalStore::open(&options)?.list()
    })?;
    let references: Vec<_> = secrets
        .iter()
        .map(|secret| shown_reference(name, secret))
        .collect();
    let rows: Vec<_> = secrets
        .iter()
        .zip(&references)
        .map(|(secret, reference)| Row::new(reference, &secret.current, Some(secret.versions)))
        .collect();
    show(arguments.format, &rows)
}

fn shown_reference(name: Option<&str>, secret: &Listed) -> String {
    match name {
        Some(name) => format!("local+{name}://{}", secret.path),
        None => format!("local://{}", secret.path),
    }
}

fn history(environment: &Environment, arguments: &History) -> anyhow::Result<()> {
    let reference = local_reference(&arguments.reference)?;
    let options = locate(environment, reference.store())?;
    let path = reference.path();
    let versions = without_key_if_possible(
        LocalStore::history_without_identity(&options, &path),
        || LocalStore::open(&options)?.history(&path),
    )?;
    let shown = reference.without_selector().to_string();
    let rows: Vec<_> = versions
        .iter()
        .rev()
        .map(|info| Row::new(&shown, info, None))
        .collect();
    show(arguments.format, &rows)
}

/// Names and times need no key where the store keeps an index; a store without one is opened.
fn without_key_if_possible<T>(
    from_index: Result<T, StoreError>,
    from_store: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match from_index {
        Err(error) if error.kind() == ErrorKind::Config => from_store(),
        other => other,
    }
}

fn rotate_key(environment: &Environment, named: &Named) -> anyhow::Result<()> {
    let mut store = LocalStore::open(&locate(environment, named.store.as_deref())?)?;
    let rotated = store.rotate_key()?;
    output::line(&format!("Public key: {}", rotated.new))?;
    for key in &rotated.retired {
        output::line(&format!("Retired:    {key}"))?;
    }
    output::line(
        "Older copies of the store stay readable with the retired key. If it leaked, replace the values too.",
    )?;
    Ok(())
}

fn recipients(environment: &Environment, command: &Recipients) -> anyhow::Result<()> {
    match command {
        Recipients::List(arguments) => {
            let store = LocalStore::open(&locate(environment, arguments.named.store.as_deref())?)?;
            let known = store.recipients().context("cannot list the recipients")?;
            match arguments.format {
                Format::Json => known.iter().try_for_each(|recipient| {
                    output::json(
                        &serde_json::json!({ "key": recipient.key, "name": recipient.name }),
                    )
                }),
                Format::Text => {
                    let rows: Vec<_> = known
                        .into_iter()
                        .map(|recipient| vec![recipient.name.unwrap_or_default(), recipient.key])
                        .collect();
                    Ok(output::table(&rows)?)
                }
            }
        }
        Recipients::Add { key, name, named } => {
            let store = LocalStore::open(&locate(environment, named.store.as_deref())?)?;
            let recipient = Recipient::new(key, name.as_deref())?;
            store.add_recipient(&recipient)?;
            Ok(output::line(&format!(
                "{} can open the store now.",
                recipient.key
            ))?)
        }
        Recipients::Remove { recipient, named } => {
            let store = LocalStore::open(&locate(environment, named.store.as_deref())?)?;
            let removed = store.remove_recipient(recipient)?;
            output::line(&format!("{} can open the store no longer.", removed.key))?;
            output::line(
                "What it read, and older copies of the store, stay readable to it: replace the values too.",
            )?;
            Ok(())
        }
    }
}
