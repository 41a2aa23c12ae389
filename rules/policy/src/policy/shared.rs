//! `[shared]`: what environments knowingly share, each entry with a reason.
//!
//! References are opened by the provider and looked at by the linter; identities and values are for
//! the linter alone, which would report them otherwise.

use toml_span::Value;

use super::read::{known, rule};
use super::toml::{Mistakes, Section};
use super::{Policy, Rule};
use crate::glob::TextGlob;
use crate::reference::SecretRef;

pub(super) const SHARED_KEYS: &[&str] = &["identities", "refs", "values"];
pub(super) const SHARED_REF_KEYS: &[&str] = &["environments", "reason", "ref"];
pub(super) const SHARED_IDENTITY_KEYS: &[&str] = &["environments", "identity", "reason"];
pub(super) const SHARED_VALUE_KEYS: &[&str] = &["address", "environments", "reason"];

/// What is shared.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    pub(super) refs: Vec<Entry<Rule>>,
    identities: Vec<Entry<TextGlob>>,
    values: Vec<Entry<TextGlob>>,
}

/// One thing that is shared.
#[derive(Clone, Debug)]
pub(super) struct Entry<W> {
    pub(super) what: W,
    pub(super) reason: String,
    /// Who may use it; empty means every environment.
    environments: Vec<String>,
}

impl<W> Entry<W> {
    /// True when the environment of this exact name may use it.
    pub(super) fn is_for(&self, environment: &str) -> bool {
        self.environments.is_empty() || self.environments.iter().any(|name| name == environment)
    }
}

impl Policy {
    /// Why `environment` may use a reference that others use, too, when the policy says so. The name is
    /// the policy's, or a usual one for it ([`Policy::environment_meant_by`]).
    pub fn shared_reason(&self, reference: &SecretRef, environment: &str) -> Option<&str> {
        self.reason(&self.shared.refs, environment, |rule| {
            rule.pattern.covers(reference)
        })
    }

    /// Why `environment` may act under an identity (a role, a service account, a client id) that others
    /// use, too.
    pub fn shared_identity_reason(&self, identity: &str, environment: &str) -> Option<&str> {
        self.reason(&self.shared.identities, environment, |glob| {
            glob.matches(identity)
        })
    }

    /// Why `environment` may hold the value at `address` that others hold, too. The address is the one
    /// that the linter reports.
    pub fn shared_value_reason(&self, address: &str, environment: &str) -> Option<&str> {
        self.reason(&self.shared.values, environment, |glob| {
            glob.matches(address)
        })
    }

    fn reason<'p, W>(
        &self,
        entries: &'p [Entry<W>],
        environment: &str,
        is: impl Fn(&W) -> bool,
    ) -> Option<&'p str> {
        let named = self
            .environment_meant_by(environment)
            .map_or(environment, |meant| &meant.name);
        entries
            .iter()
            .find(|entry| is(&entry.what) && entry.is_for(named))
            .map(|entry| entry.reason.as_str())
    }
}

pub(super) fn read(mistakes: &mut Mistakes<'_>, value: &Value<'_>, policy: &Policy) -> Shared {
    let Some(section) = mistakes.table(value, "`shared`", SHARED_KEYS) else {
        return Shared::default();
    };
    let mut shared = Shared::default();
    for entry in section.list(mistakes, "refs") {
        let Some(section) = mistakes.table(entry, "a shared reference", SHARED_REF_KEYS) else {
            continue;
        };
        let found = read_entry(mistakes, &section, policy, "ref");
        let found =
            found.and_then(|(entry, (text, span))| Some(entry.with(rule(mistakes, text, span)?)));
        shared.refs.extend(found);
    }
    for (key, one, what, keys) in [
        (
            "identities",
            "identity",
            "a shared identity",
            SHARED_IDENTITY_KEYS,
        ),
        ("values", "address", "a shared value", SHARED_VALUE_KEYS),
    ] {
        for entry in section.list(mistakes, key) {
            let Some(section) = mistakes.table(entry, what, keys) else {
                continue;
            };
            let found = read_entry(mistakes, &section, policy, one);
            let found = found.map(|(entry, (text, _))| entry.with(TextGlob::new(text)));
            let list = if key == "values" {
                &mut shared.values
            } else {
                &mut shared.identities
            };
            list.extend(found);
        }
    }
    shared
}

type Text<'v> = (&'v str, crate::span::Span);

/// The reason, the environments, and the text of what is shared. Everything is read before anything
/// is missed, so that all mistakes are reported.
fn read_entry<'v>(
    mistakes: &mut Mistakes<'_>,
    section: &Section<'v>,
    policy: &Policy,
    key: &str,
) -> Option<(Entry<()>, Text<'v>)> {
    let help = format!("write {{ {key} = \"…\", reason = \"…\" }}");
    let text = section.required(mistakes, key, &help);
    let reason = section.required(
        mistakes,
        "reason",
        "say in a few words why environments may share it",
    );
    let names = section.strings(mistakes, "environments");
    let environments = names
        .into_iter()
        .filter(|(name, span)| known(mistakes, policy, name, *span));
    let environments = environments.map(|(name, _)| name.to_owned()).collect();
    let entry = Entry {
        what: (),
        reason: reason?.0.to_owned(),
        environments,
    };
    Some((entry, text?))
}

impl Entry<()> {
    fn with<W>(self, what: W) -> Entry<W> {
        Entry {
            what,
            reason: self.reason,
            environments: self.environments,
        }
    }
}
