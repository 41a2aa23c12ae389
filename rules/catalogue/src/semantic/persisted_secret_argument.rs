//! `persisted-secret-argument`: a secret is given to an argument that is stored, although a
//! write-only sibling exists.

use secretlint_core::facts::{
    Attribute, Block, Passed, Position, SegmentKind, Source, Subject, constant_string, pairs,
};
use secretlint_core::{
    Applicability, Cx, Family, Finding, Fix, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink,
};

use hcl_syntax::ExprKind;

use crate::schemas;
use crate::semantic::describe::{Texts, rule};
use crate::semantic::kept::keeps_something_else;
use crate::semantic::literal::{is_named_otherwise, takes_any_text};
use crate::semantic::repair::{fix, is_read, use_write_only};
use crate::semantic::secrecy::{
    is_harmless, is_named_secret, is_resource, secret_behind, secret_variable,
};
use crate::semantic::versions::{WRITE_ONLY_CORE, upgrade_first};
use crate::values::{Judgement, Kind, Other, identifies, is_about, is_public, judge, meaning_of};

static META: RuleMeta = rule(
    "persisted-secret-argument",
    Family::State,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A secret is given to an argument that is stored in state",
        why: "Arguments are stored in state and plan files in plain text; the write-only sibling is sent to the provider and forgotten.",
        help: "Use the write-only sibling with its version argument.",
        docs: r#"
```hcl,expect
resource "aws_db_instance" "main" {
  password = var.password
}
```

```hcl
resource "aws_db_instance" "main" {
  password_wo         = var.password
  password_wo_version = 1
}

resource "aws_ssm_parameter" "topic" {
  name  = "/alerts/topic_arn"
  type  = "String"
  value = aws_sns_topic.alerts.arn
}
```

Not reported: null and empty values, arguments whose write-only sibling is set next to them, and values that are
names, ARNs, addresses.

## False alarms

A variable of the caller that is never filled with a secret, and parameters that are encrypted although they hold
settings.

## References

- <https://developer.hashicorp.com/terraform/language/resources/ephemeral/write-only>
- <https://developer.hashicorp.com/terraform/language/state/sensitive-data>
"#,
    },
);

/// The rule.
pub(crate) struct PersistedSecretArgument;

impl Rule for PersistedSecretArgument {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Everything.when(is_resource(block) && schemas::has_write_only(block.kind()))
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let block = position.block;
        if !position.via.is_empty() {
            return;
        }
        let Some(sibling) = schemas::write_only(block.kind(), &position.names()) else {
            return;
        };
        if has_sibling(position, sibling.argument) || !holds_secret(cx, position) {
            return;
        }
        let argument = sibling.argument;
        let version = schemas::version_argument(block.kind(), argument);
        let message = format!(
            "`{}` is stored in state; `{argument}_wo` is not",
            position.address()
        );
        let mut finding = Finding::new(
            &META,
            position.attribute_place(),
            position.address(),
            message,
        );
        let provider = block.kind().split('_').next().unwrap_or_default();
        let upgrade = upgrade_first(cx, (provider, sibling.since), WRITE_ONLY_CORE);
        let since = sibling
            .since
            .map(|since| format!(" {since}"))
            .unwrap_or_default();
        finding.help = format!(
            "Use `{argument}_wo` with `{version}` (provider {provider}{since}, Terraform {WRITE_ONLY_CORE}).{upgrade}"
        )
        .into();
        // What cannot be used yet is not written. A literal leaves the text instead, see `hardcoded-secret`.
        if upgrade.is_empty() && sibling.since.is_some() && position.literal().is_none() {
            let first = position.names().next().unwrap_or_default();
            if is_read(cx.module, block, first) {
                finding.help = format!(
                    "{} The argument is read elsewhere, where it would be empty: read the source of the value there.",
                    finding.help
                )
                .into();
            } else {
                finding.fixes.extend(move_to_sibling(position));
            }
        }
        sink.report(finding);
    }
}

/// Gives the value to the sibling. Not within values that are computed: `[for …]`, maps.
pub(crate) fn move_to_sibling(position: &Position<'_, '_>) -> Option<Fix> {
    let last = position.path.last()?;
    if last.kind != SegmentKind::Attribute {
        return None;
    }
    let attribute = Attribute {
        name: last.name.clone(),
        name_span: last.span,
        value: position.expr,
    };
    let edits = use_write_only(position.block, &attribute)?;
    let title = format!(
        "Give the value to `{}_wo`, which is not stored",
        attribute.name
    );
    Some(fix(title, Applicability::Unsafe, edits))
}

/// True when the write-only sibling is set as well; the stored one is then the way for old callers.
fn has_sibling(position: &Position<'_, '_>, argument: &str) -> bool {
    let sibling = |name: &str| {
        name.len() == argument.len() + 3 && name.starts_with(argument) && name.ends_with("_wo")
    };
    position.path.len() == 1
        && position
            .block
            .content
            .attributes()
            .any(|attribute| sibling(&attribute.name))
}

fn holds_secret<'a>(cx: &Cx<'_, 'a>, position: &Position<'_, 'a>) -> bool {
    match position.expr.kind() {
        ExprKind::Null | ExprKind::Missing | ExprKind::Bool(_) => return false,
        // `{ "ca.crt" = … }`: what everybody may know.
        ExprKind::Object(object) if object.items().all(|(key, _)| is_certificate(key.text())) => {
            return false;
        }
        _ => {}
    }
    if let Some(text) = position.literal() {
        return literal_is_secret(position, &text);
    }
    let trace = cx.trace_at(position);
    // `local.placeholder`: every value that can be behind it is replaced by hand. What stands in for a
    // variable is replaced by whoever gives it a value.
    let given = |passed: &Passed<'_>| matches!(passed.symbol, Subject::Variable(_));
    if trace.complete
        && !trace.passed.iter().any(given)
        && trace.sources.is_empty()
        && !trace.literals.is_empty()
        && takes_any_text(position.key())
        && trace
            .literals
            .iter()
            .all(|origin| is_instruction(&origin.text))
    {
        return false;
    }
    let found = secret_behind(cx, trace).is_some() || secret_variable(cx, trace).is_some();
    if position.block.kind() == "aws_ssm_parameter" {
        return found || (is_parameter_of_secret(position) && !is_harmless(cx, trace));
    }
    // A document of what providers call so: `jsonencode({ value = minio_iam_user.app.name })`.
    let of_object =
        |source: &Source<'_>| matches!(source.reference.subject, Subject::Object { .. });
    let document = position.key() == "data_json"
        && trace.complete
        && trace.literals.is_empty()
        && trace.sources.iter().all(of_object);
    // An argument that is a password is one, whatever the variable is called; one that takes any
    // text is judged by what its object is called.
    let any_text = takes_any_text(position.key()) || position.key() == "plaintext" || document;
    let named_otherwise = any_text
        && (says_other(block_name(position))
            || keeps_something_else(position.block.kind(), position.block)
            || is_other_variable(position));
    found || !any_text || !(named_otherwise || is_harmless(cx, trace))
}

fn is_certificate(key: &str) -> bool {
    let key = key.trim_matches('"');
    key.ends_with(".crt") || matches!(key, "ca.pem" | "ca-bundle.pem" | "ca")
}

/// `secret_data = var.database_user`: the variable says that it is something else.
fn is_other_variable(position: &Position<'_, '_>) -> bool {
    let ExprKind::Traversal(traversal) = position.expr.kind() else {
        return false;
    };
    let name = traversal
        .steps()
        .next()
        .and_then(hcl_syntax::Step::attribute);
    traversal.root() == "var" && name.is_some_and(|name| identifies(name) || says_other(name))
}

/// A name of something that is about a secret, or known to everybody: `issuer_uri`, `ssh_public_key`.
fn says_other(name: &str) -> bool {
    is_about(name) || is_public(name)
}

/// `external_oauth2_issuer_uri`: what the object is called when only one value is kept in it.
fn block_name<'p>(position: &'p Position<'_, '_>) -> &'p str {
    match position.block.kind() {
        "azurerm_key_vault_secret" => position.block.name(),
        _ => "",
    }
}

fn literal_is_secret(position: &Position<'_, '_>, text: &str) -> bool {
    let block = position.block;
    let kind = meaning_of(position.key()).map_or(Kind::Secret, |meaning| meaning.kind);
    let document = text.trim_start().starts_with('{');
    let otherwise = keeps_something_else(block.kind(), block) || is_named_otherwise(block);
    let other = is_instruction(text) || !document && otherwise;
    if takes_any_text(position.key()) && other {
        return false;
    }
    if block.kind() != "aws_ssm_parameter" {
        return match judge(text, kind, position.key(), true) {
            Judgement::NotSecret(Other::Document) => is_document_of_secrets(text),
            Judgement::NotSecret(_) => text.len() > 200,
            _ => true,
        };
    }
    // Parameters are often created with a dummy that is replaced by hand, outside state.
    let name = block
        .value("name")
        .map_or("", |name| name.text())
        .trim_matches('"');
    let last = name.rsplit(['/', '.']).next().unwrap_or(name);
    let kind = meaning_of(last)
        .or_else(|| meaning_of(block.name()))
        .map(|meaning| meaning.kind);
    kind.is_some_and(|kind| matches!(judge(text, kind, last, false), Judgement::Secret(_)))
        || is_secure(block) && is_document_of_secrets(text)
}

fn is_secure(block: &Block<'_>) -> bool {
    let kind = block.value("type").and_then(constant_string);
    kind.is_some_and(|kind| kind == "SecureString")
}

/// A document in which a name promises a secret and a value is given to it. What holds no pairs is
/// judged by its length: notes are short.
fn is_document_of_secrets(text: &str) -> bool {
    let mut any = false;
    let given = pairs(text).any(|pair| {
        any = true;
        meaning_of(pair.key).is_some_and(|meaning| {
            let judgement = judge(pair.value, meaning.kind, pair.key, true);
            !matches!(judgement, Judgement::NotSecret(_)) && !is_instruction(pair.value)
        })
    });
    given || !any && text.len() > 200
}

/// `replace in console`: the secret itself is put into the store by hand, outside state.
fn is_instruction(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "change",
        "replace",
        "manual",
        "console",
        "placeholder",
        "overwrit",
        "overrid",
        "outside",
        "to be ",
        "tobe",
        "todo",
        "tbd",
        "update",
        "dummy",
        "xxxx",
        "<",
    ];
    let lower = text.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
        && matches!(
            judge(text, Kind::Secret, "value", true),
            Judgement::Placeholder(_)
        )
}

/// A parameter whose name is one of a secret, or that is encrypted and not named as something else.
fn is_parameter_of_secret(position: &Position<'_, '_>) -> bool {
    let block = position.block;
    let secure = block
        .value("type")
        .is_none_or(|kind| constant_string(kind).is_none_or(|kind| kind == "SecureString"));
    let name = block
        .value("name")
        .map_or("", |name| name.text())
        .trim_matches('"');
    secure
        && (is_named_secret(block.name(), Some(block))
            || !(is_about(block.name()) || is_about(name)))
}
