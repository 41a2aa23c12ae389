//! From text to [`SecretRef`]: splits at the first `://`, `#` and `?`, then reads each part.
//! One pass per part, no backtracking; every error carries the span of what is wrong.

use super::error::{ReferenceError, ReferenceErrorKind as Kind, ReferenceWarning};
use super::query::Query;
use super::{Parsed, Scheme, SecretRef, Selector, escape, guard, shape};
use crate::nearest::nearest;
use crate::span::{Part, Span};

const LONGEST_STORE_NAME: usize = 63;

pub(super) fn parse(text: &str) -> Result<Parsed, ReferenceError> {
    check_text(text)?;
    let (head, body) = split_scheme(Part::new(text))?;
    let (scheme, store) = read_head(head)?;
    let parts = Parts::split(body);

    let (absolute, segments) = read_path(scheme, parts.path)?;
    let query = Query::read(scheme, &parts.query)?;
    let selector = parts.selector.map(Selector::parse).transpose()?;
    let reference = SecretRef {
        scheme,
        store,
        absolute,
        segments,
        query,
        selector,
    };
    let canonical = reference.to_string();
    if canonical.len() > SecretRef::MAX_BYTES {
        return Err(too_long(text));
    }
    let warnings = parts
        .misplaced
        .iter()
        .map(|misplaced| misplaced.warning(&canonical))
        .collect();
    Ok(Parsed {
        reference,
        warnings,
    })
}

pub(super) fn check_text(text: &str) -> Result<(), ReferenceError> {
    if text.len() > SecretRef::MAX_BYTES {
        return Err(too_long(text));
    }
    if let Some((at, bad)) = text.char_indices().find(|(_, c)| escape::is_forbidden(*c)) {
        return Err(escape::forbidden_character(Span::new(
            at,
            at + bad.len_utf8(),
        )));
    }
    if text.trim() != text {
        return Err(ReferenceError::new(
            Kind::Character,
            Span::new(0, text.len()),
            "the reference starts or ends with a blank",
            "remove it",
        ));
    }
    Ok(())
}

fn too_long(text: &str) -> ReferenceError {
    ReferenceError::new(
        Kind::TooLong,
        Span::new(0, text.len()),
        format!(
            "the reference is longer than {} bytes",
            SecretRef::MAX_BYTES
        ),
        "check that it names a secret and is not the secret itself",
    )
}

pub(super) fn split_scheme(whole: Part<'_>) -> Result<(Part<'_>, Part<'_>), ReferenceError> {
    whole
        .text
        .find("://")
        .map(|at| whole.cut(at, 3))
        .ok_or_else(|| {
            let help = if whole.text.starts_with("arn:") {
                "write `aws-sm://` or `aws-ssm://` before the name, or let `ref convert` do it"
            } else {
                "write scheme://path, for example `vault://kv/payments/db#password`"
            };
            ReferenceError::new(
                Kind::Scheme,
                whole.span(),
                "this is not a secret reference: it has no `scheme://`",
                help,
            )
        })
}

fn read_head(head: Part<'_>) -> Result<(Scheme, Option<String>), ReferenceError> {
    let (name, store) = match head.split_once('+') {
        Some((name, store)) => (name, Some(store)),
        None => (head, None),
    };
    let scheme = Scheme::from_name(name.text).ok_or_else(|| unknown_scheme(name))?;
    Ok((scheme, store.map(read_store).transpose()?))
}

pub(super) fn unknown_scheme(name: Part<'_>) -> ReferenceError {
    let known = || Scheme::ALL.into_iter().map(Scheme::name);
    // Anything that does not look like a scheme may be a misplaced secret: it is not repeated.
    let harmless = name.text.len() <= 20
        && name
            .text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let message = match name.text {
        "" => "the scheme before `://` is missing".to_owned(),
        text if harmless => format!("there is no scheme `{text}`"),
        _ => "what stands before `://` is not a scheme".to_owned(),
    };
    let help = if name.text == "ref" {
        "this is the notation of vals; let `ref convert` translate it".to_owned()
    } else if let Some(close) = nearest(name.text, known()) {
        format!("did you mean `{close}`?")
    } else {
        format!("use one of {}", known().collect::<Vec<_>>().join(", "))
    };
    ReferenceError::new(Kind::Scheme, name.span(), message, help)
}

pub(super) fn read_store(store: Part<'_>) -> Result<String, ReferenceError> {
    let fits = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-')
    };
    if store.text.is_empty() {
        return Err(ReferenceError::new(
            Kind::Store,
            store.span(),
            "no store name follows `+`",
            "name a store block, or remove `+`",
        ));
    }
    if store.text.len() > LONGEST_STORE_NAME || !store.text.bytes().all(fits) {
        return Err(ReferenceError::new(
            Kind::Store,
            store.span(),
            "this is not a store name",
            format!(
                "use at most {LONGEST_STORE_NAME} of the characters a-z, 0-9, `.` and `-`, as in the provider's store block"
            ),
        ));
    }
    Ok(store.text.to_owned())
}

/// What follows `://`, cut into its parts. `#key?version=3` is put right and remembered.
struct Parts<'a> {
    path: Part<'a>,
    query: Vec<Part<'a>>,
    selector: Option<Part<'a>>,
    misplaced: Vec<Misplaced>,
}

#[derive(Clone, Copy)]
enum Misplaced {
    QueryAfterSelector(Span),
    SecondQuestionMark(Span),
}

impl Misplaced {
    fn warning(self, canonical: &str) -> ReferenceWarning {
        let (span, message) = match self {
            Self::QueryAfterSelector(span) => (span, "`?` and its keys belong before `#`"),
            Self::SecondQuestionMark(span) => (span, "further keys are joined with `&`"),
        };
        ReferenceWarning {
            span,
            message: message.to_owned(),
            fix: canonical.to_owned(),
        }
    }
}

impl<'a> Parts<'a> {
    fn split(body: Part<'a>) -> Self {
        let (before, selector) = split_optional(body, '#');
        let (path, query) = split_optional(before, '?');
        let (selector, late_query) = match selector.map(|selector| split_optional(selector, '?')) {
            Some((selector, late_query)) => (Some(selector), late_query),
            None => (None, None),
        };
        let mut misplaced = Vec::new();
        for keys in [query, late_query].into_iter().flatten() {
            if let Some((_, second)) = keys.split_once('?') {
                misplaced.push(Misplaced::SecondQuestionMark(second.span()));
            }
        }
        misplaced.extend(late_query.map(|late| Misplaced::QueryAfterSelector(late.span())));
        let pairs = |keys: Part<'a>| keys.split(&['&', '?']);
        let query = query
            .into_iter()
            .chain(late_query)
            .flat_map(pairs)
            .collect();
        Self {
            path,
            query,
            selector,
            misplaced,
        }
    }
}

pub(super) fn split_optional(part: Part<'_>, separator: char) -> (Part<'_>, Option<Part<'_>>) {
    match part.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (part, None),
    }
}

fn read_path(scheme: Scheme, path: Part<'_>) -> Result<(bool, Vec<String>), ReferenceError> {
    guard::check_raw(path)?;
    let absolute = scheme.has_absolute_paths() && path.text.starts_with('/');
    let relative = if absolute { path.cut(0, 1).1 } else { path };
    let parts: Vec<_> = relative.split(&['/']).collect();
    let segments = parts
        .iter()
        .map(|part| read_segment(scheme, *part))
        .collect::<Result<Vec<_>, _>>()?;
    guard::check_first(scheme, &segments[0], parts[0].span())?;
    shape::check(scheme, &segments, &parts)?;
    let absolute = absolute
        || (scheme == Scheme::AwsSsm && segments.len() > 1 && !shape::is_arn(&segments[0]));
    Ok((absolute, segments))
}

fn read_segment(scheme: Scheme, part: Part<'_>) -> Result<String, ReferenceError> {
    let refuse = |message: &str, help: &str| {
        Err(ReferenceError::new(Kind::Path, part.span(), message, help))
    };
    if part.text.is_empty() {
        let help = format!(
            "write {scheme}://{}, without a slash too many",
            scheme.path_form()
        );
        return refuse("a part of the path is empty", &help);
    }
    if part.text.contains('*') {
        return refuse(
            "a reference names one secret",
            "patterns with `*` belong in the policy; write `%2A` for a star in a name",
        );
    }
    let segment = escape::decode(part)?;
    // Otherwise a policy that allows `dev/**` would allow `dev/../prod/x`.
    if matches!(segment.as_str(), "." | "..") {
        return refuse(
            "`.` and `..` are not allowed in a path",
            "write the full path",
        );
    }
    if segment.contains('\\') || (segment.contains('/') && !scheme.has_slashes_in_names()) {
        return refuse(
            "a name in this path cannot hold a slash",
            "separate the parts of the path with `/`",
        );
    }
    Ok(segment)
}
