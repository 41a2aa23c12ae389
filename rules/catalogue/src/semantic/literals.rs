//! All rules about literals in one pass: each literal is judged once, its place decides which rule
//! speaks. The rules are described in their own files.

use secretlint_core::facts::{
    Block, Embedded, FileKind, Passes, Position, Role, SourceFile, TextPair, Via, passes,
};
use secretlint_core::{
    Confidence, Cx, Evidence, Finding, Hooks, Look, Occurrence, Place, Related, Rule, RuleMeta,
    Severity, Sink, Word,
};

use crate::schemas;
use crate::semantic::literal::{Literal, Spot, expected_exact, judge_origin, literal};
use crate::semantic::pointer::{filled_variable, is_described_as_pointer, is_entry_of_vault};
use crate::semantic::repair::{keep_elsewhere, take_default_out, take_value_out};
use crate::semantic::secrecy::is_configuration;
use crate::semantic::sharing;
use crate::semantic::sink::steps;
use crate::semantic::texts::{assignment, mentions_secret, secrets_in};
use crate::values::{Dummy, Judgement, Kind, Other, judge, may_refer, meaning_of};

#[path = "backend_static_credential.rs"]
mod backend_static_credential;
#[path = "encoded_secret.rs"]
mod encoded_secret;
#[path = "hardcoded_secret.rs"]
mod hardcoded_secret;
#[path = "placeholder_secret.rs"]
mod placeholder_secret;
#[path = "provider_static_credential.rs"]
mod provider_static_credential;
#[path = "secret_in_tfvars.rs"]
mod secret_in_tfvars;
#[path = "secret_variable_default.rs"]
mod secret_variable_default;
#[path = "shared_secret_value.rs"]
mod shared_secret_value;

/// A name that promises a secret ([`meaning_of`]) has one of these, where it stands.
#[rustfmt::skip]
const WORDS: &[Word<'_>] = &[
    Word::Part("pass"), Word::Part("paswd"), Word::Part("psw"), Word::Part("pwd"), Word::End("psk"),
    // `pw`, at the end of a name.
    Word::Part("pw "), Word::Part("pw\t"), Word::Part("pw="), Word::Part("pw:"), Word::Part("pw\""),
    Word::Part("pw'"), Word::Part("pw)"), Word::Part("pw]"), Word::Part("pw}"), Word::Part("pw\\"),
    Word::Part("secret"), Word::Part("token"), Word::End("jwt"), Word::Part("key"),
    Word::Part("credential"), Word::End("creds"), Word::Part("kubeconfig"), Word::Part("kube_config"),
    Word::Part("kube-config"), Word::End("salt"), Word::End("pepper"), Word::End("pat"), Word::End("sas"),
    Word::Part("hook"), Word::End("cookie"),
    // Addresses with a password inside.
    Word::End("dsn"), Word::End("url"), Word::End("uri"),
    Word::Part("_string"), Word::Part("-string"), Word::Part(".string"), Word::End("_str"), Word::End("-str"),
    Word::End(".str"), Word::Part("dbstring"), Word::Part("databasestring"), Word::Part("mongostring"),
    Word::Part("mongodbstring"), Word::Part("redisstring"), Word::Part("postgresstring"), Word::Part("mysqlstring"),
    Word::Part("jdbcstring"), Word::Part("amqpstring"), Word::Part("connectionstr"), Word::Part("connstr"),
    // Commands that take a password without naming it.
    Word::Part("mysql"), Word::Part("mariadb"), Word::Part("identified"), Word::Part("redis-cli"), Word::Part("rabbitmqctl"),
    Word::Part("sqlcmd"), Word::Part("net user"), Word::Part(" -u "),
    Word::Encoded,
];
/// Shorter texts are not searched for pairs.
const SHORTEST_TEXT: usize = 12;
/// Origins of one value that are looked at.
const MAX_ORIGINS: usize = 8;

const HARDCODED: usize = 2;
const PLACEHOLDER: usize = 3;
const ENCODED: usize = 1;
const SHARED: usize = 7;

static METAS: [RuleMeta; 8] = [
    backend_static_credential::META,
    encoded_secret::META,
    hardcoded_secret::META,
    placeholder_secret::META,
    provider_static_credential::META,
    secret_in_tfvars::META,
    secret_variable_default::META,
    shared_secret_value::META,
];

fn meta_of(spot: Spot) -> &'static RuleMeta {
    match spot {
        Spot::Argument => &METAS[HARDCODED],
        Spot::Backend => &METAS[0],
        Spot::Provider => &METAS[4],
        Spot::Variables => &METAS[5],
        Spot::Default => &METAS[6],
    }
}

/// The rules about literals.
pub(crate) struct Literals;

impl Rule for Literals {
    fn meta(&self) -> &RuleMeta {
        &METAS[HARDCODED]
    }

    fn metas(&self) -> &[RuleMeta] {
        &METAS
    }

    fn hooks(&self) -> Hooks {
        Hooks::TEXT | Hooks::POSITION | Hooks::CONCLUDE
    }

    fn words(&self) -> Vec<Word<'_>> {
        WORDS.to_vec()
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        // Known by their place, whatever their name.
        let known = match block.role {
            Role::Provider | Role::Terraform => true,
            Role::Data => block.kind() == "terraform_remote_state",
            Role::Resource => schemas::takes_secret(block.kind()),
            _ => false,
        };
        if known {
            Look::Everything
        } else {
            Look::Mentions
        }
    }

    fn text(&self, cx: &Cx<'_, '_>, file: &SourceFile, _: &[Occurrence], sink: &mut Sink) {
        // Texts of the configuration itself are looked at where they stand.
        if file.kind == FileKind::Text && mentions_secret(file.text()) {
            beside(cx, file, sink);
        }
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if let Some(literal) = literal(position) {
            // The members of a document are looked at by their own names.
            if literal.judgement == Judgement::NotSecret(Other::Document) {
                return text(cx, position, sink);
            }
            if filled_variable(cx, position).is_some_and(is_described_as_pointer)
                || is_entry_of_vault(position, &literal.text)
            {
                return;
            }
            return report(cx, position, &literal, sink);
        }
        if let Some(expected) = expected_exact(position) {
            return origins(cx, position, &expected, sink);
        }
        text(cx, position, sink);
    }

    fn conclude(&self, evidence: &[Evidence], sink: &mut Sink) {
        sharing::report_groups(&METAS[SHARED], evidence, sink, |first, names| {
            format!(
                "the secret of `{}` is used in {names}: who can read the weakest of them can open all",
                first.address
            )
        });
    }
}

fn report<'a>(
    cx: &Cx<'_, 'a>,
    position: &Position<'_, 'a>,
    found: &Literal<'_, '_>,
    sink: &mut Sink,
) {
    let (place, address) = (position.place(), position.address());
    let digest = cx.digest(&found.text);
    let name = found.expected.name;
    match found.judgement {
        Judgement::Secret(confidence) => {
            let message = match found.expected.spot {
                Spot::Default => format!("the default of `{address}` is a literal secret"),
                Spot::Variables => format!("`{name}` is given a literal secret in a variable file"),
                Spot::Provider => format!("the provider's `{name}` is a literal credential"),
                Spot::Backend => format!(
                    "the backend's `{name}` is a literal credential, also copied to `.terraform` and plan files"
                ),
                Spot::Argument => format!("`{address}` is a literal secret"),
            };
            let mut finding = Finding::new(meta_of(found.expected.spot), place, address, message)
                .with_secret(place, digest);
            finding.confidence = confidence;
            finding.fixes = match found.expected.spot {
                Spot::Argument | Spot::Provider => keep_elsewhere(cx, position),
                Spot::Default => take_default_out(cx, position).into_iter().collect(),
                Spot::Variables => take_value_out(cx, position).into_iter().collect(),
                // Backends are configured before anything can be referred to.
                Spot::Backend => Vec::new(),
            };
            if let Some(first) = finding.fixes.first() {
                let help = format!(
                    "{} With `secretlint fix --unsafe`: {}.",
                    finding.help, first.title
                );
                finding.help = help.into();
            }
            sink.report(finding);
            evidence(cx, position, found, sink);
        }
        Judgement::Placeholder(dummy) => {
            let message = format!("`{address}` is a placeholder that a real secret may replace");
            let mut finding = Finding::new(&METAS[PLACEHOLDER], place, address, message)
                .with_secret(place, digest);
            finding.confidence = Confidence::High;
            sink.report(finding);
            if dummy == Dummy::Usable {
                evidence(cx, position, found, sink);
            }
        }
        Judgement::NotSecret(_) => {}
    }
}

fn evidence(
    cx: &Cx<'_, '_>,
    position: &Position<'_, '_>,
    found: &Literal<'_, '_>,
    sink: &mut Sink,
) {
    let file = position.block.file;
    let Some(environment) = sharing::environment_at(cx, position) else {
        return;
    };
    let address = position.address();
    let note = sharing::note(cx, &environment, |policy, name| {
        policy.shared_value_reason(&address, name).is_some()
    });
    sink.evidence(Evidence {
        key: cx.digest(&found.text),
        environment: Some(environment),
        place: position.place(),
        path: file.path.to_string(),
        address,
        secret: true,
        note,
    });
}

/// Literals that reach an exact place through names that promise nothing
/// (`admin_password = var.login`). Found at the literal, with the way they took.
fn origins<'a>(
    cx: &Cx<'_, 'a>,
    position: &Position<'_, 'a>,
    expected: &super::literal::Expected<'_>,
    sink: &mut Sink,
) {
    if position.literal().is_some() {
        return;
    }
    let trace = cx.trace_at(position);
    if !trace.complete {
        return;
    }
    for origin in trace
        .literals
        .iter()
        .filter(|origin| origin.whole && !origin.way.is_empty())
        .take(MAX_ORIGINS)
    {
        // Names on the way that promise a secret are reported where they stand.
        let named = origin
            .way
            .iter()
            .any(|hop| meaning_of(&hop.name).is_some_and(|meaning| meaning.strong));
        let Judgement::Secret(confidence) = judge_origin(origin, expected) else {
            continue;
        };
        if named {
            continue;
        }
        let message = format!(
            "this literal becomes `{}`, which is secret",
            position.address()
        );
        let mut finding =
            Finding::new(&METAS[HARDCODED], origin.place, position.address(), message)
                .with_secret(origin.place, cx.digest(&origin.text));
        finding.confidence = confidence.min(Confidence::Medium);
        // From the literal back to where it is used; the last step is the literal itself.
        let steps = steps(&origin.way);
        let between = steps.into_iter().rev().skip(1);
        finding.related.extend(between);
        finding.related.push(Related {
            place: position.attribute_place(),
            message: "it is used here".to_owned(),
        });
        sink.report(finding);
    }
}

/// Secrets inside text: JSON and YAML documents, env files, scripts, connection strings, base64.
fn text(cx: &Cx<'_, '_>, position: &Position<'_, '_>, sink: &mut Sink) {
    let Some(template) = position.expr.template() else {
        return;
    };
    let span = template.content_span();
    if ((span.end - span.start) as usize) < SHORTEST_TEXT || !may_hold_values(position) {
        return;
    }
    let Some(text) = Embedded::of(position.block.file, position.expr) else {
        return;
    };
    // `secret:argocd/registry#token` names a secret as a whole.
    let is_reference = || {
        may_refer(&text.text)
            && !text.text.contains(char::is_whitespace)
            && judge(&text.text, Kind::Secret, position.key(), true)
                == Judgement::NotSecret(Other::Reference)
    };
    if position.via.last() == Some(&Via::Element)
        && let Some(pair) = assignment(&text.text)
        && meaning_of(pair.key).is_some_and(|meaning| meaning.strong)
    {
        return inside(cx, position, (&text, pair), sink);
    }
    if mentions_secret(&text.text) {
        if !is_reference() {
            pairs_of(cx, position, &text, sink);
        }
        return;
    }
    let encoded = matches!(
        position.via.last(),
        None | Some(Via::Argument {
            function: "base64decode",
            ..
        })
    );
    if encoded
        && template.is_literal()
        && is_base64(&text.text)
        && !is_reference()
        && let Some(decoded) = Embedded::base64(position.block.file, position.expr)
        && mentions_secret(&decoded.text)
    {
        pairs_of(cx, position, &decoded, sink);
    }
}

/// Descriptions talk about secrets, and what is handed to unknown functions is no text.
fn may_hold_values(position: &Position<'_, '_>) -> bool {
    let first = position.path.first().map_or("", |segment| &*segment.name);
    let talk = matches!(
        position.key(),
        "description"
            | "error_message"
            | "condition"
            | "comment"
            | "message"
            | "summary"
            | "title"
            | "documentation"
            | "pattern"
            | "regex"
            | "filter_pattern"
            | "query"
            | "expression"
    );
    let passed = position.via.iter().all(|via| match via {
        Via::Argument { function, index } => match passes(function) {
            Passes::Nothing => *function == "base64decode",
            Passes::Whole(range) | Passes::Elements(range) | Passes::Part(range) => {
                range.contains(index)
            }
        },
        Via::Template | Via::Branch | Via::Element => true,
        Via::Indexed => false,
    });
    let declared = position.block.role == Role::Variable && first != "default";
    let meta = declared || matches!(first, "lifecycle" | "validation" | "type" | "source");
    passed && !talk && !meta
}

fn is_base64(text: &str) -> bool {
    text.len() >= 24
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-\n".contains(&byte))
}

fn pairs_of(cx: &Cx<'_, '_>, position: &Position<'_, '_>, text: &Embedded<'_>, sink: &mut Sink) {
    for pair in secrets_in(&text.text) {
        inside(cx, position, (text, pair), sink);
    }
}

/// Literals in a text that the configuration reads: scripts, templates, settings.
fn beside(cx: &Cx<'_, '_>, file: &SourceFile, sink: &mut Sink) {
    for TextPair { key, value, start } in secrets_in(file.text()) {
        let Some(meaning) = meaning_of(key) else {
            continue;
        };
        let Judgement::Secret(confidence) = judge(value, meaning.kind, key, false) else {
            continue;
        };
        let place = Place {
            file: file.id,
            start: start as u32,
            end: (start + value.len()) as u32,
        };
        let message = format!("`{}` holds a literal secret for `{key}`", file.name());
        let mut finding = Finding::new(&METAS[ENCODED], place, key.to_owned(), message)
            .with_secret(place, cx.digest(value));
        finding.confidence = confidence.min(Confidence::Medium);
        sink.report(finding);
    }
}

fn inside(
    cx: &Cx<'_, '_>,
    position: &Position<'_, '_>,
    (text, pair): (&Embedded<'_>, TextPair<'_>),
    sink: &mut Sink,
) {
    let TextPair { key, value, start } = pair;
    let Some(meaning) = meaning_of(key) else {
        return;
    };
    let place = text.place(start, start + value.len());
    let address = format!("{}.{key}", position.address());
    let (meta, confidence) = match judge(value, meaning.kind, key, false) {
        Judgement::Secret(confidence) => (&METAS[ENCODED], confidence),
        Judgement::Placeholder(_) => (&METAS[PLACEHOLDER], Confidence::Medium),
        Judgement::NotSecret(_) => return,
    };
    let what = if meta.severity == Severity::Note {
        "a placeholder"
    } else {
        "a literal secret"
    };
    let message = format!(
        "the text of `{}` holds {what} for `{key}`",
        position.address()
    );
    let mut finding =
        Finding::new(meta, place, address, message).with_secret(place, cx.digest(value));
    finding.confidence = confidence.min(Confidence::Medium);
    if is_configuration(position.block) {
        sink.report(finding);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{WORDS, meaning_of};
    use crate::semantic::texts::MENTIONS;
    use crate::values::{PASSWORD_ENDINGS, PASSWORDS};

    /// Parts that names of secrets are made of beside words for passwords, and parts around them.
    const OTHERS: &[&str] = &[
        "private",
        "priv",
        "pri",
        "erlang",
        "cookie",
        "fernet",
        "unseal",
        "key",
        "keys",
        "secret",
        "secrets",
        "token",
        "tokens",
        "jwt",
        "apikey",
        "accountkey",
        "credential",
        "credentials",
        "creds",
        "kubeconfig",
        "kube",
        "config",
        "salt",
        "pepper",
        "pat",
        "sas",
        "connection",
        "conn",
        "string",
        "strings",
        "str",
        "connectionstring",
        "dsn",
        "url",
        "uri",
        "database",
        "db",
        "mongo",
        "mongodb",
        "redis",
        "postgres",
        "jdbc",
        "amqp",
        "mysql",
        "webhook",
        "hook",
        "webhooks",
        "slack",
        "discord",
        "teams",
        "api",
        "admin",
        "value",
        "wo",
        "base64",
        "1",
        "x",
    ];

    fn parts() -> Vec<&'static str> {
        [PASSWORD_ENDINGS, PASSWORDS, OTHERS].concat()
    }

    #[test]
    fn a_text_that_is_searched_has_one_of_the_words() {
        for mention in MENTIONS.words() {
            let text = format!("{mention} x");
            assert!(WORDS.iter().any(|word| word.is_in(&text)), "{mention}");
        }
    }

    proptest! {
        #[test]
        fn a_name_of_a_secret_has_one_of_the_words(
            parts in proptest::collection::vec((prop::sample::select(parts()), 0..3_u8), 1..4),
            joint in prop_oneof![Just("_"), Just("-"), Just("")],
            sign in prop_oneof![Just(" = "), Just("="), Just("\" {"), Just(": "), Just("\t=")],
        ) {
            let part = |part: (&'static str, u8)| match part {
                (part, 0) => part.to_owned(),
                (part, 1) => part.to_uppercase(),
                (part, _) => part[..1].to_uppercase() + &part[1..],
            };
            let name = parts.into_iter().map(part).collect::<Vec<_>>().join(joint);
            let text = format!("{name}{sign}");
            if meaning_of(&name).is_some() {
                prop_assert!(WORDS.iter().any(|word| word.is_in(&text)), "{}", name);
            }
        }
    }
}
