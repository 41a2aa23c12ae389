//! Sets of references, as a policy names them: `vault+prod://kv/**`, `aws-sm://prod/*#password`.
//!
//! A pattern is a reference in which `*` stands for any run of characters inside one part of the
//! path, and a part that is `**` stands for any number of parts. Allowing and denying read the same
//! text differently where it is silent: see [`RefPattern::covers`] and [`RefPattern::touches`].

use super::error::{ReferenceError, ReferenceErrorKind as Kind};
use super::{Scheme, SecretRef, escape, parse, shape};
use crate::glob::TextGlob;
use crate::span::Part;

/// A set of references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefPattern {
    text: String,
    /// `None` is `*`.
    scheme: Option<Scheme>,
    store: Option<TextGlob>,
    absolute: bool,
    segments: Vec<Segment>,
    selector: Option<Vec<TextGlob>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// `**`: any number of segments, also none.
    Any,
    One(TextGlob),
}

impl RefPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// As for a reference; a pattern without a star must be a valid reference.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if !text.contains('*') {
            return SecretRef::parse(text).map(|parsed| Self::exactly(text, &parsed.reference));
        }
        let whole = Part::new(text);
        parse::check_text(text)?;
        let (head, body) = parse::split_scheme(whole)?;
        let (scheme, store) = read_head(head)?;
        let (path, selector) = parse::split_optional(body, '#');
        if let Some((_, query)) = path.split_once('?') {
            return Err(ReferenceError::new(
                Kind::Query,
                query.span(),
                "a pattern covers every version and has no `?`",
                "remove it",
            ));
        }
        let absolute = path.text.starts_with('/');
        let relative = if absolute { path.cut(0, 1).1 } else { path };
        let segments = relative
            .split(&['/'])
            .map(read_segment)
            .collect::<Result<_, _>>()?;
        let selector = selector.map(read_selector).transpose()?;
        Ok(Self {
            text: text.to_owned(),
            scheme,
            store,
            absolute,
            segments,
            selector,
        })
    }

    /// The pattern that means one reference, in every version.
    fn exactly(text: &str, reference: &SecretRef) -> Self {
        let literal = |text: &String| TextGlob::from_pieces(vec![text.clone()]);
        Self {
            text: text.to_owned(),
            scheme: Some(reference.scheme),
            store: reference.store.as_ref().map(literal),
            absolute: reference.absolute,
            segments: reference
                .segments
                .iter()
                .map(|segment| Segment::One(literal(segment)))
                .collect(),
            selector: reference
                .selector
                .as_ref()
                .map(|selector| selector.steps().iter().map(literal).collect()),
        }
    }

    /// The pattern as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the reference lies wholly inside the pattern; the reading for what is allowed.
    ///
    /// - A pattern without a store name covers only references without one.
    /// - A pattern with a selector covers that part of the secret and what is below it.
    pub fn covers(&self, reference: &SecretRef) -> bool {
        let store = match (&self.store, &reference.store) {
            (None, None) => true,
            (Some(glob), Some(store)) => glob.matches(store),
            _ => false,
        };
        store
            && self.has_scheme(reference)
            && self.has_path(reference, &reference.segments)
            && self.selects(reference, false)
    }

    /// Whether the reference reaches anything inside the pattern; the reading for what is denied.
    ///
    /// - A pattern without a store name touches references into every store of its kind.
    /// - A pattern with a selector also touches references to the whole secret.
    /// - A name also touches the ARN that holds it, and a path of Vault the one of its API (`kv/data/…`).
    pub fn touches(&self, reference: &SecretRef) -> bool {
        let store = match (&self.store, &reference.store) {
            (None, _) => true,
            (Some(glob), Some(store)) => glob.matches(store),
            (Some(_), None) => false,
        };
        let path = || {
            self.has_path(reference, &reference.segments)
                || shape::other_paths(reference.scheme, &reference.segments)
                    .iter()
                    .any(|name| self.has_path(reference, name))
        };
        store && self.has_scheme(reference) && path() && self.selects(reference, true)
    }

    fn has_scheme(&self, reference: &SecretRef) -> bool {
        self.scheme.is_none_or(|scheme| scheme == reference.scheme)
    }

    fn has_path(&self, reference: &SecretRef, segments: &[String]) -> bool {
        let any_start = matches!(self.segments.first(), Some(Segment::Any)) && !self.absolute;
        let slash = any_start
            || reference.scheme == Scheme::AwsSsm && !self.absolute
            || self.absolute == reference.absolute;
        slash && match_segments(&self.segments, segments, reference.scheme.ignores_case())
    }

    fn selects(&self, reference: &SecretRef, touching: bool) -> bool {
        let Some(wanted) = &self.selector else {
            return true;
        };
        let steps = reference
            .selector
            .as_ref()
            .map_or(&[][..], |selector| selector.steps());
        (touching || steps.len() >= wanted.len())
            && wanted
                .iter()
                .zip(steps)
                .all(|(glob, step)| glob.matches(step))
    }
}

fn read_head(head: Part<'_>) -> Result<(Option<Scheme>, Option<TextGlob>), ReferenceError> {
    let (name, store) = parse::split_optional(head, '+');
    let scheme = match name.text {
        "*" => None,
        text => Some(Scheme::from_name(text).ok_or_else(|| parse::unknown_scheme(name))?),
    };
    let store = store.map(|store| {
        // A star stands for valid characters, so it is checked as one of them.
        parse::read_store(Part {
            text: &store.text.replace('*', "x"),
            start: store.start,
        })?;
        Ok(TextGlob::new(store.text))
    });
    Ok((scheme, store.transpose()?))
}

fn read_segment(part: Part<'_>) -> Result<Segment, ReferenceError> {
    if part.text == "**" {
        return Ok(Segment::Any);
    }
    let refuse = |message, help| Err(ReferenceError::new(Kind::Path, part.span(), message, help));
    match part.text {
        "" => refuse(
            "a part of the path is empty",
            "write `**` for everything below a folder",
        ),
        "." | ".." => refuse(
            "`.` and `..` are not allowed in a path",
            "write the full path",
        ),
        text if text.contains("**") => refuse(
            "`**` stands for whole parts of a path",
            "write `*`, or put `**` between slashes",
        ),
        _ => read_glob(part).map(Segment::One),
    }
}

fn read_glob(part: Part<'_>) -> Result<TextGlob, ReferenceError> {
    part.split(&['*'])
        .map(escape::decode)
        .collect::<Result<_, _>>()
        .map(TextGlob::from_pieces)
}

fn read_selector(part: Part<'_>) -> Result<Vec<TextGlob>, ReferenceError> {
    let error = |message, help| ReferenceError::new(Kind::Selector, part.span(), message, help);
    if part.text.is_empty() || part.text.contains(['#', '?', '~']) {
        return Err(error(
            "this is not a selector pattern",
            "write a key or a JSON pointer without `#`, `?` and `~`",
        ));
    }
    match part.text.strip_prefix('/') {
        Some(_) => part.cut(0, 1).1.split(&['/']).map(read_glob).collect(),
        None => Ok(vec![read_glob(part)?]),
    }
}

/// Matches from the left; on a mismatch the last `**` takes one segment more. One `**` to return
/// to is enough, so the work is bounded by the product of both lengths.
fn match_segments(pattern: &[Segment], segments: &[String], ignore_case: bool) -> bool {
    let (mut p, mut s) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while s < segments.len() {
        match pattern.get(p) {
            Some(Segment::Any) => {
                p += 1;
                retry = Some((p, s));
                continue;
            }
            Some(Segment::One(glob)) if matches_name(glob, &segments[s], ignore_case) => {
                p += 1;
                s += 1;
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = retry else {
            return false;
        };
        (p, s) = (after, from + 1);
        retry = Some((after, s));
    }
    pattern[p..]
        .iter()
        .all(|segment| matches!(segment, Segment::Any))
}

fn matches_name(glob: &TextGlob, name: &str, ignore_case: bool) -> bool {
    if ignore_case {
        glob.to_lowercase().matches(&name.to_lowercase())
    } else {
        glob.matches(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, reference: &str, covers: bool, touches: bool) {
        let parsed =
            RefPattern::parse(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        let reference: SecretRef = reference
            .parse()
            .unwrap_or_else(|error| panic!("{reference}: {error}"));
        assert_eq!(
            parsed.covers(&reference),
            covers,
            "{pattern} covers {reference}"
        );
        assert_eq!(
            parsed.touches(&reference),
            touches,
            "{pattern} touches {reference}"
        );
    }

    #[test]
    fn paths() {
        for (pattern, reference, both) in [
            ("vault://kv/**", "vault://kv/a/b?version=3#c", true),
            ("vault://kv/**", "vault://other/a", false),
            ("vault://**", "vault://kv/a", true),
            ("vault://kv/*/db", "vault://kv/prod/db", true),
            ("vault://kv/*/db", "vault://kv/prod/x/db", false),
            ("vault://**/db", "vault://kv/prod/x/db", true),
            ("vault://**/prod/**/db", "vault://kv/prod/db", true),
            ("vault://**/prod/**/db", "vault://kv/prod/db/x", false),
            ("vault://kv/prod-*", "vault://kv/prod-db", true),
            ("vault://kv/prod-*", "vault://kv/prodb", false),
            ("vault://kv/db", "bao://kv/db?version=1", true),
            ("*://**", "env://A", true),
            ("file://**", "file:///etc/passwd", true),
            ("file://run/**", "file:///run/x", false),
            ("file:///run/**", "file:///run/x", true),
            ("aws-ssm://prod/**", "aws-ssm:///prod/db", true),
            ("aws-ssm:///prod/**", "aws-ssm://prod/db", true),
            ("aws-ssm://db*", "aws-ssm:///db", true),
            ("azure-kv://acme-prod/**", "azure-kv://ACME-prod/db", true),
            ("op://Prod/**", "op://prod/db/password", true),
            ("vault://kv/a%2A*", "vault://kv/a%2Ab", true),
            ("vault://kv/a%2A*", "vault://kv/axb", false),
        ] {
            check(pattern, reference, both, both);
        }
    }

    #[test]
    fn stores_selectors_and_arns_are_read_narrowly_to_allow_and_widely_to_deny() {
        for (pattern, reference, covers, touches) in [
            ("vault://**", "vault+prod://kv/a", false, true),
            ("vault+prod://**", "vault+prod://kv/a", true, true),
            ("vault+prod://**", "vault://kv/a", false, false),
            ("vault+*://**", "vault+prod://kv/a", true, true),
            ("vault+prod-*://**", "vault+prod-eu://kv/a", true, true),
            ("vault://kv/prod/**", "vault://kv/data/prod/a", false, true),
            (
                "vault://team/kv/a",
                "vault://team/kv/metadata/a",
                false,
                true,
            ),
            ("vault://kv/db#root", "vault://kv/db#root", true, true),
            ("vault://kv/db#root", "vault://kv/db#/root/x", true, true),
            ("vault://kv/db#root", "vault://kv/db", false, true),
            ("vault://kv/db#root", "vault://kv/db#user", false, false),
            ("vault://kv/*#/root/*", "vault://kv/db#root", false, true),
            (
                "aws-sm://prod/**",
                "aws-sm://arn:aws:secretsmanager:r:1:secret:prod/db-AbCdEf",
                false,
                true,
            ),
            (
                "aws-sm://prod/db",
                "aws-sm://arn:aws:secretsmanager:r:1:secret:prod/db-AbCdEf",
                false,
                true,
            ),
            (
                "aws-ssm://prod/**",
                "aws-ssm://arn:aws:ssm:r:1:parameter/prod/db",
                false,
                true,
            ),
            (
                "aws-sm://arn:aws:secretsmanager:*:1:secret:prod/**",
                "aws-sm://arn:aws:secretsmanager:r:1:secret:prod/db",
                true,
                true,
            ),
        ] {
            check(pattern, reference, covers, touches);
        }
    }

    #[test]
    fn mistakes_are_explained() {
        for (pattern, words) in [
            ("**", "scheme://"),
            ("valt://**", "did you mean `vault`"),
            ("vault://kv/**?version=1", "every version"),
            ("vault://kv/a**", "whole parts"),
            ("vault://kv//**", "empty"),
            ("vault://kv/../**", "`..`"),
            ("vault+Prod*://**", "store name"),
            ("vault://kv/**#", "selector"),
            ("env://A/B", "too many"),
        ] {
            let error = RefPattern::parse(pattern).expect_err(pattern);
            assert!(error.to_string().contains(words), "{pattern}: {error}");
        }
    }
}
