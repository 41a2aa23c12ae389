//! Texts that stand in configuration or beside it: which of them can hold a secret, and which pairs of
//! name and value in them give one.
//!
//! [`secrets_in`] is what to read first. Whether a value is a secret is for the judgement of values.

use secretlint_core::facts::{TextPair, pairs};

use crate::semantic::commands::in_commands;
use crate::values::{Kind, Search, is_setting, line_after, line_before, meaning_of};

/// Words of which one stands in every text that holds a secret: parts of names, and what commands take
/// passwords without naming them.
pub(crate) static MENTIONS: Search<15> = Search::new([
    "pass",
    "secret",
    "token",
    "key",
    "pwd",
    "credential",
    "mysql",
    "mariadb",
    "identified",
    "rootpw",
    "redis-cli",
    "rabbitmqctl",
    "sqlcmd",
    "net user",
    " -u ",
]);

/// True when it is worth while to look at the pairs of a text.
pub(crate) fn mentions_secret(text: &str) -> bool {
    MENTIONS.is_in(text)
}

/// The pairs of a text whose name promises a secret and whose value is written down.
pub(crate) fn secrets_in(text: &str) -> impl Iterator<Item = TextPair<'_>> {
    let named = pairs(text).filter(|pair| {
        meaning_of(pair.key)
            .is_some_and(|meaning| meaning.strong && looks_given(text, pair, meaning.kind))
    });
    named.chain(in_commands(text))
}

/// `DB_PASSWORD=value`, the whole text: an element of an environment.
pub(crate) fn assignment(text: &str) -> Option<TextPair<'_>> {
    let (key, value) = text.split_once('=')?;
    is_upper(key).then_some(TextPair {
        key,
        value,
        start: key.len() + 1,
    })
}

/// A value that is written down, not code that computes one: quoted, with a digit, or a word in the place
/// of a password.
fn looks_given(text: &str, pair: &TextPair<'_>, kind: Kind) -> bool {
    let value = pair.value;
    let quoted = pair.start > 0 && matches!(text.as_bytes()[pair.start - 1], b'"' | b'\'');
    let code = value.contains(['(', '[', '{', '$', '<', '\\', '*', '|'])
        || quoted && is_variable_of_psql(&text.as_bytes()[..pair.start - 1])
        || value.starts_with(['-', '.', '/', '%'])
        // `!GetAtt Function.Arn`: computed by a tag of YAML.
        || !quoted && value.starts_with('!');
    if value.len() < 3 || code || quoted && is_branch(text, pair.start) {
        return false;
    }
    let digit = value.bytes().any(|byte| byte.is_ascii_digit());
    let specific = digit || value.bytes().any(|byte| b"!@#^&+".contains(&byte));
    // `self.password2` is code, `1abc.cd5` is not.
    let code = value.contains('.') && !value.as_bytes()[0].is_ascii_digit();
    quoted
        || specific && !(code || value.contains('.') && kind != Kind::Password)
        || (kind == Kind::Password || kind == Kind::Secret && is_upper(pair.key))
            && is_bare(value)
            && is_assigned(text, pair, kind)
}

/// `${x ? a.private_key : "none"}`: the other branch of an interpolation.
fn is_branch(text: &str, at: usize) -> bool {
    let before = line_before(text, at);
    before
        .rfind("${")
        .is_some_and(|open| before[open..].contains(" ? ") && !before[open..].contains('}'))
}

/// `PASSWORD :'name'`
fn is_variable_of_psql(before: &[u8]) -> bool {
    matches!(before, [.., letter, b' ', b':'] if letter.is_ascii_alphanumeric())
}

/// Letters that are no word of a schema or of prose.
fn is_bare(value: &str) -> bool {
    #[rustfmt::skip]
    const PROSE: &[&str] = &[
        "and", "are", "absent", "ask", "auto", "can", "change", "encrypted", "for", "from", "generated", "getpass", "has",
        "hashed", "hidden", "input", "integer", "interactive", "must", "needed", "not", "object", "omit", "present", "prompt",
        "random", "request", "should", "stdin", "str", "text", "that", "the", "this", "undefined", "unchanged",
        "use", "used", "when", "will", "with", "your",
    ];
    let lower = || value.to_ascii_lowercase();
    value.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !is_setting(value)
        && !PROSE.contains(&&*lower())
}

/// `DB_PASSWORD`: the name of an environment variable.
fn is_upper(name: &str) -> bool {
    let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.bytes().all(upper)
}

/// True when a pair is one of a file of settings, of an environment or of a connection string, rather
/// than of a program or a sentence.
fn is_assigned(text: &str, pair: &TextPair<'_>, kind: Kind) -> bool {
    let (before, after) = line_around(text, pair.start, pair.start + pair.value.len());
    let Some((left, sign)) = before
        .trim_end_matches([' ', '\t'])
        .char_indices()
        .next_back()
    else {
        return false;
    };
    let left = &before[..left];
    let ends = after.trim_end_matches('\r').trim();
    let ends = ends.is_empty() || ends.starts_with('#');
    // `password = login` is a line of a program as often as of settings.
    let tight = !left.ends_with([' ', '\t']) && (sign == ':' || !before.ends_with([' ', '\t']));
    // Secrets of Kubernetes are named in YAML: `SECRET: name`.
    if !tight || kind == Kind::Secret && sign != '=' {
        return false;
    }
    let word = left
        .rfind([' ', '\t', '"', '\'', '?', '&', ';'])
        .map_or(left, |at| &left[at + 1..]);
    let outer = &left[..left.len() - word.len()];
    let alone = matches!(
        outer
            .trim_start_matches([' ', '\t'])
            .trim_start_matches("- ")
            .trim(),
        "" | "export" | "ENV" | "env" | "set"
    );
    if alone && ends {
        return true;
    }
    if sign != '=' {
        return false;
    }
    let upper = is_upper(word);
    // `PGPASSWORD=zebra psql …`
    alone && upper && after.starts_with(' ')
        || word.starts_with("--")
        || upper && (outer.ends_with(" -e ") || outer.ends_with(" --env "))
        || outer.ends_with(['?', '&', ';']) && is_connection(outer)
}

/// The line around a range, without the range. An escaped end of a line ends it, too.
fn line_around(text: &str, start: usize, end: usize) -> (&str, &str) {
    let (before, after) = (line_before(text, start), line_after(text, end));
    let before = before.rsplit("\\n").next().unwrap_or(before);
    let after = after.split("\\n").next().unwrap_or(after);
    (before, after)
}

fn is_connection(text: &str) -> bool {
    if text.contains("://") {
        return true;
    }
    let lower = text.to_ascii_lowercase();
    ["server=", "host=", "data source="]
        .iter()
        .any(|key| lower.contains(key))
}

#[cfg(test)]
mod tests {
    use super::{assignment, mentions_secret, secrets_in};

    fn found(text: &str) -> Vec<(&str, &str)> {
        let pairs = secrets_in(text).map(|pair| (pair.key, pair.value));
        pairs.collect()
    }

    #[test]
    fn words_are_passwords_where_they_are_assigned() {
        for text in [
            "RP_ADMIN_PASSWORD=zebra\n",
            "A=b\nexport DB_PASSWORD=zebra # x\n",
            "auth:\n  password: zebra\n",
            "- name: X\n- password: zebra\n",
            "- name: DB_PASSWORD\n  value: zebra\n",
            "PGPASSWORD=zebra psql -h x\n",
            "docker run -e DB_PASSWORD=zebra x\n",
            "docker run -e APP_SECRET=zebra x\n",
            "wp config create --dbpass=zebra --dbhost=x",
            "jdbc:postgresql://x:5432/x?user=x&password=zebra",
            "Server=x;Password=zebra;Encrypt=true",
            r"#!/bin/sh\nDB_PASSWORD=zebra\nls",
        ] {
            let values: Vec<_> = found(text).iter().map(|pair| pair.1).collect();
            assert_eq!(values, ["zebra"], "{text}");
            assert!(mentions_secret(text), "{text}");
        }
    }

    #[test]
    fn words_of_programs_and_prose_are_not() {
        for text in [
            "password: required\n",
            "password = zebra\n",
            "password: string\n",
            "  password: zebra, user: x\n",
            "The password: zebra is used\n",
            "connect(user, password=zebra)\n",
            "token: zebra\n",
            "APP_SECRET: zebra\n",
            "secret=zebra\n",
            "echo password: zebra\n",
            "self.password = self.password2\n",
            "password: zebra.secret2\n",
            "CREATE ROLE x PASSWORD :'zebra_1';\n",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
        assert_eq!(found("password=1abc.cd5\n").len(), 1);
    }

    #[test]
    fn elements_of_environments() {
        assert!(assignment("DB_PASSWORD=a b").is_some_and(|pair| pair.value == "a b"));
        assert!(assignment("password=x").is_none() && assignment("=x").is_none());
    }
}
