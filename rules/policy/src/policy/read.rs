//! From the text of `secretref.toml` to [`Policy`]: what each table and key means.

use toml_span::Value;

use super::cases::Case;
use super::toml::{Mistakes, Section, in_order, shorten, span};
use super::{
    Demand, Environment, Limit, Policy, PolicyError, Requirement, Rule, Shared, duration, extends,
    identity, paths, shared,
};
use crate::nearest::nearest;
use crate::reference::RefPattern;
use crate::span::{Lines, Span};

/// `credentials` and `stores` configure the command line of the provider, which reads them itself; they decide
/// nothing here.
pub(super) const TOP_KEYS: &[&str] = &[
    "credentials",
    "defaults",
    "environments",
    "shared",
    "stores",
    "tests",
];
pub(super) const ENVIRONMENT_KEYS: &[&str] = &[
    "deny",
    "extends",
    "identities",
    "max_age",
    "max_ttl",
    "paths",
    "refs",
    "require",
    "writes",
];
pub(super) const DEFAULT_KEYS: &[&str] = &["deny", "max_age", "max_ttl", "require"];
pub(super) const CASE_KEYS: &[&str] = &[
    "allow",
    "deny",
    "environment",
    "identity",
    "name",
    "operation",
];

/// Larger files are not policies.
pub(super) const MAX_BYTES: usize = 1 << 20;
const LONGEST_NAME: usize = 64;
/// Environments are compared with each other, so their number bounds the work.
const MOST_ENVIRONMENTS: usize = 256;

/// An environment as written, before inheritance.
pub(super) struct Draft {
    pub(super) own: Environment,
    pub(super) extends: Option<(String, Span)>,
}

/// What holds for every environment.
#[derive(Default)]
pub(super) struct Defaults {
    pub(super) deny: Vec<Rule>,
    pub(super) max_ttl: Option<Limit>,
    pub(super) max_age: Option<Limit>,
    pub(super) require: Vec<Demand>,
}

pub(super) fn read(file: &str, text: &str) -> Result<Policy, PolicyError> {
    if text.len() > MAX_BYTES {
        let mut mistakes = Mistakes::new(file, "");
        mistakes.add(
            Span::default(),
            "the policy is larger than 1 MiB",
            "use patterns instead of single references",
        );
        return Err(PolicyError(mistakes.into_sorted()));
    }
    let mut mistakes = Mistakes::new(file, text);
    let root = match toml_span::parse(text) {
        Ok(root) => root,
        Err(error) => {
            mistakes.add(
                span(error.span),
                format!("this is not TOML: {error}"),
                "correct the syntax",
            );
            return Err(PolicyError(mistakes.into_sorted()));
        }
    };
    let mut policy = Policy {
        file: file.to_owned(),
        text: text.to_owned(),
        lines: Lines::new(text),
        environments: Vec::new(),
        default_deny: Vec::new(),
        shared: Shared::default(),
        cases: Vec::new(),
    };
    if let Some(top) = mistakes.table(&root, "a policy", TOP_KEYS) {
        read_top(&mut mistakes, &top, &mut policy);
    }
    match mistakes.into_sorted() {
        none if none.is_empty() => Ok(policy),
        found => Err(PolicyError(found)),
    }
}

fn read_top(mistakes: &mut Mistakes<'_>, top: &Section<'_>, policy: &mut Policy) {
    let defaults = top
        .get("defaults")
        .map(|value| read_defaults(mistakes, value))
        .unwrap_or_default();
    let drafts = top
        .get("environments")
        .map(|value| read_environments(mistakes, value))
        .unwrap_or_default();
    policy.environments = extends::resolve(mistakes, &drafts, &defaults);
    policy.default_deny = defaults.deny;
    policy.shared = top
        .get("shared")
        .map(|value| shared::read(mistakes, value, policy))
        .unwrap_or_default();
    let cases = top.list(mistakes, "tests");
    policy.cases = cases
        .iter()
        .filter_map(|value| read_case(mistakes, value, policy))
        .collect();
}

fn read_defaults(mistakes: &mut Mistakes<'_>, value: &Value<'_>) -> Defaults {
    let Some(section) = mistakes.table(value, "`defaults`", DEFAULT_KEYS) else {
        return Defaults::default();
    };
    Defaults {
        deny: rules(mistakes, &section, "deny"),
        max_ttl: limit(mistakes, &section, "max_ttl"),
        max_age: limit(mistakes, &section, "max_age"),
        require: demands(mistakes, &section),
    }
}

fn read_environments(mistakes: &mut Mistakes<'_>, value: &Value<'_>) -> Vec<Draft> {
    let Some(table) = mistakes.any_table(value, "`environments`") else {
        return Vec::new();
    };
    if table.len() > MOST_ENVIRONMENTS {
        let help = format!("define at most {MOST_ENVIRONMENTS}");
        mistakes.add(span(value.span), "there are too many environments", help);
        return Vec::new();
    }
    let mut drafts = Vec::new();
    for (key, value) in in_order(table) {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if key.name.is_empty() || key.name.len() > LONGEST_NAME || !key.name.bytes().all(fits) {
            mistakes.add(
                span(key.span),
                format!("`{}` is not a name for an environment", shorten(&key.name)),
                format!("use at most {LONGEST_NAME} letters, digits, `-`, `_` and `.`"),
            );
        }
        let what = format!("environment `{}`", shorten(&key.name));
        if let Some(section) = mistakes.table(value, &what, ENVIRONMENT_KEYS) {
            drafts.push(read_environment(
                mistakes,
                &section,
                key.name.clone().into_owned(),
                span(key.span),
            ));
        }
    }
    paths::check_unique(mistakes, drafts.iter().map(|draft| &draft.own));
    drafts
}

fn read_environment(
    mistakes: &mut Mistakes<'_>,
    section: &Section<'_>,
    name: String,
    header: Span,
) -> Draft {
    let own = Environment {
        name,
        header,
        paths: paths::read(mistakes, section),
        refs: rules(mistakes, section, "refs"),
        deny: rules(mistakes, section, "deny"),
        writes: rules(mistakes, section, "writes"),
        identities: identity::read_all(mistakes, section),
        max_ttl: limit(mistakes, section, "max_ttl"),
        max_age: limit(mistakes, section, "max_age"),
        require: demands(mistakes, section),
    };
    let extends = section
        .string(mistakes, "extends")
        .map(|(name, span)| (name.to_owned(), span));
    Draft { own, extends }
}

fn rules(mistakes: &mut Mistakes<'_>, section: &Section<'_>, key: &str) -> Vec<Rule> {
    let patterns = section.strings(mistakes, key);
    patterns
        .into_iter()
        .filter_map(|(text, span)| rule(mistakes, text, span))
        .collect()
}

pub(super) fn rule(mistakes: &mut Mistakes<'_>, text: &str, span: Span) -> Option<Rule> {
    match RefPattern::parse(text) {
        Ok(pattern) => Some(Rule { pattern, span }),
        Err(error) => {
            mistakes.add(span, error.message, error.help);
            None
        }
    }
}

fn limit(mistakes: &mut Mistakes<'_>, section: &Section<'_>, key: &str) -> Option<Limit> {
    let (text, span) = section.string(mistakes, key)?;
    let most = duration::parse(text);
    if most.is_none() {
        mistakes.add(
            span,
            format!("`{key}` is not a length of time"),
            "write whole numbers with w, d, h, m or s, largest first, for example 90d or 1h30m",
        );
    }
    most.map(|most| Limit { most, span })
}

fn demands(mistakes: &mut Mistakes<'_>, section: &Section<'_>) -> Vec<Demand> {
    let names = || Requirement::ALL.map(Requirement::name);
    let mut demands = Vec::new();
    for (text, span) in section.strings(mistakes, "require") {
        match Requirement::ALL
            .into_iter()
            .find(|requirement| requirement.name() == text)
        {
            Some(requirement) => demands.push(Demand { requirement, span }),
            None => {
                let help = match nearest(text, names()) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => format!("use one of {}", names().join(", ")),
                };
                mistakes.add(
                    span,
                    format!(
                        "nothing is called `{}` that could be required",
                        shorten(text)
                    ),
                    help,
                );
            }
        }
    }
    demands
}

fn read_case(mistakes: &mut Mistakes<'_>, value: &Value<'_>, policy: &Policy) -> Option<Case> {
    let section = mistakes.table(value, "a test", CASE_KEYS)?;
    let environment = section.required(
        mistakes,
        "environment",
        "name the environment that the cases are about",
    );
    let environment = environment.filter(|(name, span)| known(mistakes, policy, name, *span));
    // The rest is read even without an environment, so that its mistakes are reported too.
    let name = environment.map_or("", |(name, _)| name);
    let case = Case::read(mistakes, &section, name);
    environment.and(case)
}

/// Whether an environment of this name exists; a mistake otherwise.
pub(super) fn known(mistakes: &mut Mistakes<'_>, policy: &Policy, name: &str, span: Span) -> bool {
    let exists = policy.environment(name).is_some();
    if !exists {
        mistakes.add(
            span,
            format!("there is no environment `{}`", shorten(name)),
            did_you_mean(policy, name),
        );
    }
    exists
}

/// The closest environment, or all of them.
pub(super) fn did_you_mean(policy: &Policy, name: &str) -> String {
    let names = || {
        policy
            .environments
            .iter()
            .map(|environment| environment.name.as_str())
    };
    extends::suggest(name, names())
}
