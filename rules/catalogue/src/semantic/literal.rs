//! Literals in the place of a secret: which places those are, and what stands there.

use std::borrow::Cow;

use hcl_syntax::ExprKind;
use secretlint_core::facts::{
    Block, FileKind, Origin, Passes, Position, Role, SegmentKind, Via, constant_string, passes,
};

use crate::schemas;
use crate::semantic::pointer::is_described_as_pointer;
use crate::values::{
    Judgement, Kind, Meaning, identifies, is_about, is_specific, is_word, judge, last_word,
    meaning_of,
};

/// Where a literal stands: decides which rule speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spot {
    /// An argument of anything.
    Argument,
    /// A variable's default.
    Default,
    /// A variable file.
    Variables,
    /// A provider block.
    Provider,
    /// A backend block or remote state.
    Backend,
}

/// A place that expects a secret.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'p> {
    /// Where.
    pub(crate) spot: Spot,
    /// The kind of secret.
    pub(crate) kind: Kind,
    /// The name that promises it.
    pub(crate) name: &'p str,
    /// How sure that is.
    pub(crate) promise: Promise,
}

/// How sure a place promises a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// The place takes nothing else.
    Exact,
    /// The name says so.
    Named,
    /// The name is often given to things that are no secrets.
    Weak,
}

/// A literal in the place of a secret.
#[derive(Debug)]
pub(crate) struct Literal<'p, 'a> {
    /// The place.
    pub(crate) expected: Expected<'p>,
    /// Its text.
    pub(crate) text: Cow<'a, str>,
    /// What it is.
    pub(crate) judgement: Judgement,
}

/// The literal at a position when the position expects a secret.
pub(crate) fn literal<'p, 'a>(position: &'p Position<'p, 'a>) -> Option<Literal<'p, 'a>> {
    // Most values are computed: that is seen at once.
    let constant = match position.expr.kind() {
        ExprKind::Template(template) => template.is_literal(),
        ExprKind::Number(_) => true,
        _ => false,
    };
    if !constant || !carries_value(position) {
        return None;
    }
    let expected = expected(position)?;
    let text = text_at(position, &expected)?;
    let exact = expected.promise == Promise::Exact
        || expected.kind == Kind::Key && is_plain(&text) && has_other_half(position, expected.name);
    let judgement = judge(&text, expected.kind, expected.name, exact);
    let listed = position.via.contains(&Via::Element);
    let keep = match judgement {
        // `key = { db-secret = ["roles/logging.logWriter"] }`: what belongs to the secret.
        Judgement::Secret(_) if listed && expected.promise == Promise::Named => {
            expected.kind == Kind::Password || is_listed_secret(&text)
        }
        _ if expected.promise != Promise::Weak => true,
        // `secrets = ["db-password", "oauth2-client"]` lists names.
        _ if listed => matches!(judgement, Judgement::Secret(_)) && is_listed_secret(&text),
        Judgement::Secret(_) => is_specific(&text, expected.kind),
        // A dummy under a name that promises little is a name: `server_key = "sqlserver1"`.
        Judgement::Placeholder(_) => {
            expected.kind == Kind::Secret && !is_same(&text, expected.name)
        }
        Judgement::NotSecret(_) => false,
    };
    if !keep
        || names_a_key(position, &text)
        || is_said(position, &text)
        || is_key_within(position, expected.name, &text)
    {
        return None;
    }
    Some(Literal {
        expected,
        text,
        judgement,
    })
}

/// `minio_access_key` and `minio_secret_key`, both literals of one block: what stands there is used, however
/// weak. Only keys of objects stand alone.
fn has_other_half(position: &Position<'_, '_>, name: &str) -> bool {
    let half = |one: &str, other: &str| name.contains(one).then(|| name.replacen(one, other, 1));
    if position.path.len() != 1 || position.pair.is_some() {
        return false;
    }
    let other = half("secret_key", "access_key")
        .or_else(|| half("access_key", "secret_key"))
        .or_else(|| half("secretKey", "accessKey"))
        .or_else(|| half("accessKey", "secretKey"));
    let other = other.and_then(|other| position.block.value(&other));
    other
        .and_then(constant_string)
        .is_some_and(|text| is_one_piece(&text))
}

/// `db_secret_key` beside `db_secret_name`: the key within the secret of that name.
fn is_key_within(position: &Position<'_, '_>, name: &str, text: &str) -> bool {
    let other = |end: &str, other: &str| Some(name.strip_suffix(end)?.to_owned() + other);
    let Some(other) =
        other("secret_key", "secret_name").or_else(|| other("SecretKey", "SecretName"))
    else {
        return false;
    };
    let block = position.block;
    let beside = if position.path.len() == 1 {
        block.value(&other).is_some()
    } else {
        let around = position.attribute;
        let around = around.start as usize..around.end as usize;
        let around = block.file.text().get(around);
        around.is_some_and(|around| around.contains(&other))
    };
    beside && !is_specific(text, Kind::Key)
}

/// One word that is not what an object calls its user name or password.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric()) && is_one_piece(text)
}

fn is_one_piece(text: &str) -> bool {
    text.len() >= 4
        && !text.contains(['-', '_', '.', ' '])
        && !is_about(text)
        && meaning_of(text).is_none()
}

/// `"stored in the vault"` of an output: what is said about the secret.
fn is_said(position: &Position<'_, '_>, text: &str) -> bool {
    let wordy =
        |word: &str| word.bytes().filter(u8::is_ascii_alphabetic).count() * 3 >= word.len() * 2;
    position.block.role == Role::Output
        && text.split(' ').count() >= 3
        && text.split(' ').all(wordy)
}

/// A random text, not words with numbers: `oauth2-client-v2`.
fn is_listed_secret(text: &str) -> bool {
    let wordy = text
        .split(['-', '_', '.', '/'])
        .map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()))
        .all(is_word);
    !wordy && is_specific(text, Kind::Key)
}

/// True when two names differ in case and separators only.
fn is_same(one: &str, other: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        let letters = text.bytes().filter(u8::is_ascii_alphanumeric);
        letters.map(|byte| byte.to_ascii_lowercase()).collect()
    };
    letters(one) == letters(other)
}

/// External secrets call the key inside a secret `secretKey`; data sources call a secret's name
/// `secret`.
fn names_a_key(position: &Position<'_, '_>, text: &str) -> bool {
    let wordy = text
        .split(['-', '_', '.'])
        .map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit()))
        .all(is_word);
    // `z2m_password` is the name of one, whatever its first word means.
    let joined = text.contains(['-', '_'])
        && text.bytes().all(|byte| !byte.is_ascii_uppercase())
        && meaning_of(text).is_some_and(|meaning| meaning.strong);
    let named = position.key() == "secretKey"
        && (wordy || joined)
        && !has_other_half(position, position.key());
    let block = position.block;
    let read = matches!(block.role, Role::Data | Role::Ephemeral);
    named
        || (read || block.kind() == "google_secret_manager_secret_version")
            && position.is_at(&["secret"])
        || position.ends_with(&["volumes", "secret", "secret"])
        || position.ends_with(&["secret_volumes", "secret"])
        || position.ends_with(&["secret_environment_variables", "secret"])
}

/// A constant. Numbers count only as passwords: `password = 123456`.
fn text_at<'a>(position: &Position<'_, 'a>, expected: &Expected<'_>) -> Option<Cow<'a, str>> {
    match position.expr.kind() {
        ExprKind::Template(template) => template.as_literal(),
        ExprKind::Number(text) if expected.kind == Kind::Password => Some(Cow::Borrowed(text)),
        _ => None,
    }
}

/// True when the value at the position becomes the value of its name: not the key of a lookup, the
/// format of `format`, the file name of `file`.
fn carries_value(position: &Position<'_, '_>) -> bool {
    position.via.iter().all(|via| match via {
        Via::Branch | Via::Element => true,
        Via::Template | Via::Indexed => false,
        Via::Argument {
            function: "lookup",
            index,
        } => *index == 2,
        Via::Argument { function, index } => match passes(function) {
            Passes::Whole(range) | Passes::Elements(range) => range.contains(index),
            Passes::Part(range) => {
                range.contains(index)
                    && matches!(
                        *function,
                        "base64encode" | "jsonencode" | "urlencode" | "yamlencode"
                    )
            }
            Passes::Nothing => false,
        },
    })
}

/// Blocks inside which nothing is a value.
const NO_VALUES: &[&str] = &[
    "lifecycle",
    "validation",
    "precondition",
    "postcondition",
    "timeouts",
    "depends_on",
    "description",
    "type",
];

/// Keys that say nothing themselves: what they are is said by the name around them.
const NEUTRAL: &[&str] = &[
    "value",
    "content",
    "default",
    "plaintext",
    "data",
    "string",
    "text",
    "secret_value",
    "val",
    "password_value",
    "current",
    "v",
    "plaintext_value",
];

/// True for such keys, and for environments: `db_password = { dev = "…", prod = "…" }`.
fn is_neutral(name: &str) -> bool {
    NEUTRAL.contains(&name) || secret_policy::environments::canonical(name).is_some()
}

/// What a position expects, when it expects a secret.
fn expected<'p>(position: &'p Position<'p, '_>) -> Option<Expected<'p>> {
    let block = position.block;
    let first = &*position.path.first()?.name;
    if NO_VALUES.contains(&first) {
        return None;
    }
    match block.role {
        Role::Variable if first == "default" && is_described_as_pointer(block) => None,
        Role::Variable if first == "default" => {
            let name = if position.path.len() == 1 {
                block.name()
            } else {
                position.key()
            };
            let outer = position.path.len() > 1 && meaning_of(block.name()).is_some();
            named(position, name, Spot::Default).or_else(|| {
                let inherits = outer && is_neutral(name)
                    || outer && position.path.len() == 2 && is_collection(block.name());
                inherits
                    .then(|| {
                        inherited(
                            block.name(),
                            Spot::Default,
                            if is_neutral(name) {
                                Promise::Named
                            } else {
                                Promise::Weak
                            },
                        )
                    })
                    .flatten()
            })
        }
        Role::Variable => None,
        Role::Provider => provider(position),
        Role::Terraform if first == "backend" => {
            let kind = &*position.path.get(1)?.name;
            backend(kind, position)
        }
        Role::Data if block.kind() == "terraform_remote_state" => {
            let kind = block.value("backend").and_then(constant_string)?;
            backend(&kind, position)
        }
        Role::File if block.file.kind == FileKind::Backend => {
            named(position, position.key(), Spot::Backend).map(|found| Expected {
                promise: Promise::Exact,
                ..found
            })
        }
        Role::File if block.file.kind.is_variable_file() => argument(position, Spot::Variables),
        _ => argument(position, Spot::Argument),
    }
}

fn provider<'p>(position: &'p Position<'p, '_>) -> Option<Expected<'p>> {
    let exact = schemas::is_provider_credential(position.block.kind(), &position.names());
    if exact {
        let kind = meaning_of(position.key()).map_or(Kind::Token, |meaning| meaning.kind);
        return Some(Expected {
            spot: Spot::Provider,
            kind,
            name: position.key(),
            promise: Promise::Exact,
        });
    }
    named(position, position.meaning(), Spot::Provider)
}

fn backend<'p>(backend: &str, position: &'p Position<'p, '_>) -> Option<Expected<'p>> {
    let name = position.key();
    let exact = schemas::is_backend_credential(backend, name);
    let kind = match meaning_of(name) {
        Some(meaning) => meaning.kind,
        None if exact => Kind::Key,
        None => return None,
    };
    Some(Expected {
        spot: Spot::Backend,
        kind,
        name,
        promise: if exact {
            Promise::Exact
        } else {
            Promise::Named
        },
    })
}

fn argument<'p>(position: &'p Position<'p, '_>, spot: Spot) -> Option<Expected<'p>> {
    let (block, name) = (position.block, position.meaning());
    if block.role == Role::Resource {
        if block.kind() == "aws_ssm_parameter"
            && (position.is_at(&["value"]) || position.is_at(&["value_wo"]))
        {
            return ssm(position, spot);
        }
        // A write-only argument is not stored, but a literal in it is in the text all the same.
        let last = position.path.last()?;
        let stored = last.name.strip_suffix("_wo").unwrap_or(&last.name);
        let outer = position.names().take(position.path.len() - 1);
        if schemas::is_secret_argument(block.kind(), &outer.chain([stored])) {
            // Inside a map of secrets (`data` of a Kubernetes secret) the keys decide.
            if last.kind != SegmentKind::Key || NEUTRAL.contains(&name) {
                if takes_any_text(position.key()) && is_named_otherwise(block) {
                    return None;
                }
                let secret_name = block.value("secret_name").and_then(constant_string);
                if secret_name.as_deref().is_some_and(names_a_setting) {
                    // A pipeline's secret that is called `BUCKET_NAME`.
                    return None;
                }
                // Pipelines keep settings among their secrets: without a promise the value must look like one.
                let promised = secret_name.is_none_or(|name| {
                    meaning_of(&name).is_some() || name.to_ascii_lowercase().contains("secret")
                });
                let kind = meaning_of(name).map_or(Kind::Secret, |meaning| meaning.kind);
                return Some(Expected {
                    spot,
                    kind,
                    name,
                    promise: if promised {
                        Promise::Exact
                    } else {
                        Promise::Weak
                    },
                });
            }
        }
    }
    named(position, name, spot).or_else(|| nested(position, spot))
}

/// `CLOUDFRONT_DISTRIBUTION_ID_PROD`, `ECR_REPOSITORY`: the name of a setting of a pipeline.
fn names_a_setting(name: &str) -> bool {
    const THINGS: &[&str] = &[
        "repository",
        "repo",
        "cluster",
        "family",
        "distribution",
        "project",
        "account",
        "stack",
    ];
    let mut rest = name;
    while let Some((front, last)) = rest.rsplit_once('_') {
        if secret_policy::environments::canonical(&last.to_ascii_lowercase()).is_none() {
            break;
        }
        rest = front;
    }
    let last = last_word(rest).to_ascii_lowercase();
    meaning_of(rest).is_none() && (identifies(rest) || is_about(rest) || THINGS.contains(&&*last))
}

/// Arguments of stores, which keep user names and addresses, too.
pub(crate) fn takes_any_text(argument: &str) -> bool {
    matches!(
        argument,
        "value" | "secret_string" | "secret_data" | "data" | "content" | "string_value"
    )
}

/// `azurerm_key_vault_secret.admin_username`.
pub(crate) fn is_named_otherwise(block: &Block<'_>) -> bool {
    let named = || block.value("name").and_then(constant_string);
    meaning_of(block.name()).is_none_or(|meaning| meaning.kind != Kind::Password)
        && (identifies(block.name()) || named().is_some_and(|name| identifies(&name)))
}

/// `aws_ssm_parameter.value` is a secret when the parameter says so.
fn ssm<'p>(position: &'p Position<'p, '_>, spot: Spot) -> Option<Expected<'p>> {
    let block = position.block;
    let secure = block
        .value("type")
        .and_then(constant_string)
        .is_some_and(|kind| kind == "SecureString");
    let parameter = block.value("name").map_or("", |name| name.text());
    let last = parameter
        .rsplit(['/', '.'])
        .next()
        .unwrap_or(parameter)
        .trim_matches('"');
    let meaning = meaning_of(last).or_else(|| meaning_of(block.name()));
    let kind = meaning.map_or(Kind::Secret, |meaning| meaning.kind);
    (secure || meaning.is_some()).then_some(Expected {
        spot,
        kind,
        name: block.name(),
        promise: match (secure, meaning) {
            (true, Some(_)) => Promise::Exact,
            (false, Some(meaning)) if meaning.strong => Promise::Named,
            _ => Promise::Weak,
        },
    })
}

fn named<'p>(position: &'p Position<'p, '_>, name: &'p str, spot: Spot) -> Option<Expected<'p>> {
    let Meaning { kind, strong } = meaning_of(name)?;
    if is_unit(position) {
        return None;
    }
    let promise = if strong {
        Promise::Named
    } else {
        Promise::Weak
    };
    Some(Expected {
        spot,
        kind,
        name,
        promise,
    })
}

/// `token_validity_units { access_token = "minutes" }`, `metadata`, `secret { … }` of volumes.
fn is_unit(position: &Position<'_, '_>) -> bool {
    position.names().rev().skip(1).any(|name| {
        matches!(
            name,
            "token_validity_units"
                | "metadata_options"
                | "secret_key_ref"
                | "value_from"
                | "secretKeyRef"
                | "valueFrom"
                | "sensitive_columns"
                // Of a `SealedSecret`.
                | "encryptedData"
                | "tags"
                | "labels"
                | "secrets_arns"
                | "external_secrets"
                | "secret_env"
                | "secret_environment_variables"
                | "env_secrets"
        ) || name.ends_with("_paths")
            || name.ends_with("_names")
            || name.ends_with("_arns")
            || name.ends_with("_units")
            || name.ends_with("_secret_refs")
    })
}

/// A neutral key below a name that promises a secret, or any key of a collection of secrets.
fn nested<'p>(position: &'p Position<'p, '_>, spot: Spot) -> Option<Expected<'p>> {
    let [.., outer, last] = position.path else {
        return None;
    };
    if position.pair.is_some() || outer.kind == SegmentKind::Block {
        return None;
    }
    // Most names promise nothing.
    let meaning = meaning_of(&outer.name)?;
    let neutral = is_neutral(&last.name);
    if !(neutral || is_collection(&outer.name)) || is_about_value(&last.name) || is_unit(position) {
        return None;
    }
    Some(Expected {
        spot,
        kind: meaning.kind,
        name: &outer.name,
        promise: if neutral {
            Promise::Named
        } else {
            Promise::Weak
        },
    })
}

fn inherited(outer: &str, spot: Spot, promise: Promise) -> Option<Expected<'_>> {
    let meaning = meaning_of(outer)?;
    Some(Expected {
        spot,
        kind: meaning.kind,
        name: outer,
        promise,
    })
}

/// `secrets = { db = "…" }`.
fn is_collection(name: &str) -> bool {
    let plural = [
        "secrets",
        "passwords",
        "tokens",
        "secrets_value",
        "secret_values",
        "secrets_map",
        "secret_map",
        "secret_data",
        "secret_string",
    ];
    plural
        .iter()
        .any(|plural| name == *plural || name.ends_with(plural) && meaning_of(name).is_some())
}

fn is_about_value(name: &str) -> bool {
    const MORE: &[&str] = &[
        "key",
        "database",
        "db",
        "dbname",
        "identity",
        "recovery_window_in_days",
        "tier",
        "secretname",
        "secretName",
        "userdn",
        "basedn",
        "dn",
    ];
    is_about(name)
        || MORE.contains(&name)
        || name.ends_with("_key") && meaning_of(name).is_none() && name.len() > 9
}

/// The literal behind a value that is given to an exact place through locals or module inputs,
/// when no name on the way promised a secret.
pub(crate) fn judge_origin(origin: &Origin<'_>, expected: &Expected<'_>) -> Judgement {
    judge(
        &origin.text,
        expected.kind,
        expected.name,
        expected.promise == Promise::Exact,
    )
}

/// What an exact argument of a resource or provider expects, for values that come from elsewhere.
pub(crate) fn expected_exact<'p>(position: &'p Position<'p, '_>) -> Option<Expected<'p>> {
    let block = position.block;
    if !position.via.is_empty() || position.path.last()?.kind == SegmentKind::Key {
        return None;
    }
    let exact = match block.role {
        Role::Resource => {
            block.kind() != "aws_ssm_parameter"
                && schemas::is_secret_argument(block.kind(), &position.names())
        }
        Role::Provider => schemas::is_provider_credential(block.kind(), &position.names()),
        _ => false,
    };
    if !exact {
        return None;
    }
    // Arguments that take any text (`value`, `secret_string`) say nothing about what flows there.
    let kind = meaning_of(position.key())
        .filter(|_| !position.key().starts_with("secret_"))?
        .kind;
    Some(Expected {
        spot: Spot::Argument,
        kind,
        name: position.key(),
        promise: Promise::Exact,
    })
}
