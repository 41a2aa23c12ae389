//! Finds out whether every match of a regular expression begins with one of its keywords, so that
//! the search can start exactly there and give up at the first byte that does not fit.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Most beginnings looked at; a regular expression with more is searched in windows.
const MOST: usize = 64;
/// A class with at most this many bytes (case folded) is written out.
const SMALL_CLASS: usize = 8;

/// How a match may begin, relative to a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    /// With the keyword.
    pub(super) at: bool,
    /// With one byte before the keyword.
    pub(super) before: bool,
}

/// A way to begin: perhaps one byte of any kind, then this lower-case text, then anything
/// (`open`) or the end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Beginning {
    lead: bool,
    text: String,
    open: bool,
}

impl Anchor {
    /// The anchor, if each beginning contains a keyword at its start.
    pub(super) fn of<T: AsRef<str>>(hir: &Hir, keywords: &[T]) -> Option<Self> {
        let known = |text: &str| keywords.iter().any(|word| text.starts_with(word.as_ref()));
        let beginnings = beginnings(hir, &known)?;
        beginnings
            .iter()
            .all(|beginning| known(&beginning.text))
            .then(|| Self {
                at: beginnings.iter().any(|beginning| !beginning.lead),
                before: beginnings.iter().any(|beginning| beginning.lead),
            })
    }
}

fn empty() -> Beginning {
    Beginning {
        lead: false,
        text: String::new(),
        open: false,
    }
}

/// `known` texts need not be followed further.
fn beginnings(hir: &Hir, known: &dyn Fn(&str) -> bool) -> Option<Vec<Beginning>> {
    let found = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![empty()],
        HirKind::Literal(literal) => {
            let text = String::from_utf8(literal.0.to_ascii_lowercase()).ok()?;
            vec![Beginning { text, ..empty() }]
        }
        HirKind::Class(class) => of_class(class),
        HirKind::Capture(capture) => beginnings(&capture.sub, known)?,
        HirKind::Repetition(repetition) => of_repetition(repetition, known)?,
        HirKind::Alternation(ways) => ways
            .iter()
            .map(|way| beginnings(way, known))
            .collect::<Option<Vec<_>>>()?
            .concat(),
        HirKind::Concat(parts) => of_concat(parts, known)?,
    };
    (found.len() <= MOST).then_some(found)
}

/// Appends each part's beginnings to those that are still complete.
fn of_concat(parts: &[Hir], known: &dyn Fn(&str) -> bool) -> Option<Vec<Beginning>> {
    let mut found = vec![empty()];
    for part in parts {
        if found.iter().all(|beginning| beginning.open) {
            break;
        }
        let next = beginnings(part, known)?;
        let (mut extended, closed): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|beginning| beginning.open);
        for one in &closed {
            extended.extend(next.iter().map(|other| join(one, other)));
        }
        for beginning in &mut extended {
            beginning.open |= known(&beginning.text);
        }
        if extended.len() > MOST {
            return None;
        }
        found = extended;
    }
    Some(found)
}

fn join(one: &Beginning, other: &Beginning) -> Beginning {
    if other.lead && (one.lead || !one.text.is_empty()) {
        // A second byte of any kind ends what is known.
        return Beginning {
            open: true,
            ..one.clone()
        };
    }
    Beginning {
        lead: one.lead || other.lead,
        text: format!("{}{}", one.text, other.text),
        open: other.open,
    }
}

/// A large class is a byte of any kind; after a text it is joined as the end of what is known.
fn of_class(class: &Class) -> Vec<Beginning> {
    let mut bytes: Vec<u8> = match class {
        Class::Bytes(class) => class
            .ranges()
            .iter()
            .flat_map(|range| range.start()..=range.end())
            .map(|byte| byte.to_ascii_lowercase())
            .collect(),
        Class::Unicode(_) => Vec::new(),
    };
    bytes.sort_unstable();
    bytes.dedup();
    if bytes.is_empty() || bytes.len() > SMALL_CLASS || !bytes.is_ascii() {
        return vec![Beginning {
            lead: true,
            ..empty()
        }];
    }
    let written = |byte: u8| Beginning {
        text: char::from(byte).to_string(),
        ..empty()
    };
    bytes.into_iter().map(written).collect()
}

/// Optional parts are there or not; after the first round nothing more is known.
fn of_repetition(repetition: &Repetition, known: &dyn Fn(&str) -> bool) -> Option<Vec<Beginning>> {
    let once = repetition.max == Some(1);
    let mut found = beginnings(&repetition.sub, known)?;
    if !once {
        for beginning in &mut found {
            beginning.open = true;
        }
    }
    if repetition.min == 0 {
        found.push(empty());
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use regex_syntax::ParserBuilder;

    use super::Anchor;

    fn check(regex: &str, keywords: &[&str]) -> Option<(bool, bool)> {
        let hir = ParserBuilder::new()
            .utf8(false)
            .unicode(false)
            .build()
            .parse(regex)
            .unwrap();
        Anchor::of(&hir, keywords).map(|anchor| (anchor.at, anchor.before))
    }

    #[test]
    fn literals_alternatives_and_optional_parts_are_followed() {
        assert_eq!(
            check(r"\b(?P<secret>ghp_[a-z]{3})", &["ghp_"]),
            Some((true, false))
        );
        assert_eq!(
            check(r"(?i:account_?key)=", &["accountkey", "account_key"]),
            Some((true, false))
        );
        assert_eq!(
            check(r"(?i:acme|\bhcl[_-])key", &["acme", "hcl_", "hcl-"]),
            Some((true, false))
        );
        assert_eq!(check(r"(?:^|[^a-z])AKIA", &["akia"]), Some((true, true)));
    }

    #[test]
    fn anything_else_is_searched_in_windows() {
        assert_eq!(check(r"[a-z]{3}://", &["://"]), None);
        assert_eq!(check(r"(?:acme|other)key", &["acme"]), None);
        assert_eq!(check(r"a?acme", &["acme"]), None);
        assert_eq!(check(r"[0-9a-f]{32}-us", &["-us"]), None);
        assert_eq!(check(r"(?:^|[^a-z])[^a-z]AKIA", &["akia"]), None);
    }
}
