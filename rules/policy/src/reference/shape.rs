//! What a path must look like, by scheme: what a store would refuse anyway is refused here, with
//! the same words in the editor, in the plan and on the command line.

use super::Scheme;
use super::error::{ReferenceError, ReferenceErrorKind as Kind};
use crate::span::{Part, Span};

/// A rule for one segment: what it must satisfy, and how to say it.
struct Name {
    what: &'static str,
    rule: &'static str,
    fits: fn(&str) -> bool,
}

const ENV_NAME: Name = Name {
    what: "an environment variable",
    rule: "use letters, digits and `_`, not starting with a digit",
    fits: |text| {
        !text.starts_with(|c: char| c.is_ascii_digit())
            && all(text, |b| b.is_ascii_alphanumeric() || b == b'_')
    },
};
const K8S_NAMESPACE: Name = Name {
    what: "a Kubernetes namespace",
    rule: "use at most 63 of a-z, 0-9 and `-`, starting and ending with a letter or digit",
    fits: |text| text.len() <= 63 && is_dns_label(text),
};
const K8S_NAME: Name = Name {
    what: "the name of a Kubernetes Secret",
    rule: "use at most 253 of a-z, 0-9, `-` and `.`, starting and ending with a letter or digit",
    fits: |text| text.len() <= 253 && text.split('.').all(is_dns_label),
};
const K8S_SERVICE_ACCOUNT: Name = Name {
    what: "the name of a Kubernetes service account",
    ..K8S_NAME
};
const AZURE_VAULT: Name = Name {
    what: "the name of a key vault",
    rule: "use 3 to 24 letters, digits and `-`, starting with a letter",
    fits: |text| {
        (3..=24).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && !text.ends_with('-')
            && all(text, |b| b.is_ascii_alphanumeric() || b == b'-')
    },
};
const AZURE_SECRET: Name = Name {
    what: "the name of a secret in a key vault",
    rule: "use at most 127 letters, digits and `-`",
    fits: |text| text.len() <= 127 && all(text, |b| b.is_ascii_alphanumeric() || b == b'-'),
};
const GCP_PROJECT: Name = Name {
    what: "a Google Cloud project",
    rule: "use the project id (a-z, 0-9, `-`) or its number",
    fits: |text| {
        text.len() <= 128
            && all(text, |b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b':')
            })
    },
};
const GCP_SECRET: Name = Name {
    what: "the name of a secret in Google Cloud",
    rule: "use at most 255 letters, digits, `-` and `_`",
    fits: |text| {
        text.len() <= 255
            && all(text, |b| {
                b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
            })
    },
};
const SM_NAME: Name = Name {
    what: "the name of a secret in AWS Secrets Manager",
    rule: "use letters, digits and `/_+=.@-`",
    fits: |text| {
        all(text, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'=' | b'.' | b'@' | b'-')
        })
    },
};
const SSM_NAME: Name = Name {
    what: "the name of an SSM parameter",
    rule: "use letters, digits and `/_.-`",
    fits: |text| {
        all(text, |b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')
        })
    },
};

/// Checks the decoded segments; `parts` are their places, one each.
pub(super) fn check(
    scheme: Scheme,
    segments: &[String],
    parts: &[Part<'_>],
) -> Result<(), ReferenceError> {
    let shape = Shape {
        scheme,
        segments,
        parts,
    };
    match scheme {
        Scheme::Env => shape.names(&[ENV_NAME]),
        Scheme::K8s => shape.names(&[K8S_NAMESPACE, K8S_NAME]),
        Scheme::AzureKv => shape.names(&[AZURE_VAULT, AZURE_SECRET]),
        Scheme::GcpSm if segments[0] == "projects" => Err(shape.error(
            "this is a resource name of the API",
            "write `gcp-sm://project/secret?version=…`, or let `ref convert` do it",
        )),
        Scheme::GcpSm if segments.len() == 1 => shape.names(&[GCP_SECRET]),
        Scheme::GcpSm => shape.names(&[GCP_PROJECT, GCP_SECRET]),
        Scheme::AwsSm => shape.aws("secretsmanager", "secret:", &SM_NAME),
        Scheme::AwsSsm => shape.aws("ssm", "parameter", &SSM_NAME),
        Scheme::Op => shape.length(3, 4),
        Scheme::Doppler => shape.length(3, 3),
        Scheme::Infisical => shape.length(3, usize::MAX),
        Scheme::Vault => shape.length(2, usize::MAX),
        Scheme::K8sToken => shape.names(&[K8S_NAMESPACE, K8S_SERVICE_ACCOUNT]),
        Scheme::AwsEcr => shape.length(1, 2),
        Scheme::AwsEks | Scheme::GcpToken => shape.length(1, 1),
        Scheme::AwsKms | Scheme::AwsSts => shape.length(1, usize::MAX),
        Scheme::AwsRds => shape.length(2, 2),
        Scheme::GcpIdToken => shape.length(2, usize::MAX),
        Scheme::Age
        | Scheme::AzureToken
        | Scheme::File
        | Scheme::Identity
        | Scheme::Sops
        | Scheme::Local => Ok(()),
    }
}

/// Whether the path is an ARN; those hold region and account, which are no secret and no host.
pub(super) fn is_arn(first: &str) -> bool {
    first.starts_with("arn:")
}

/// Other paths that may reach the same secret; a denial of those is a denial of this one.
pub(super) fn other_paths(scheme: Scheme, segments: &[String]) -> Vec<Vec<String>> {
    match scheme {
        Scheme::AwsSm | Scheme::AwsSsm => names_in_arn(segments),
        Scheme::Vault => without_api_word(segments),
        _ => Vec::new(),
    }
}

/// The API of a versioned key-value engine puts `data` or `metadata` between mount and path. Mounts
/// have few parts, so the word is looked for near the front only.
fn without_api_word(segments: &[String]) -> Vec<Vec<String>> {
    let words = segments.iter().enumerate().take(4).skip(1);
    let words = words.filter(|(_, segment)| matches!(segment.as_str(), "data" | "metadata"));
    words
        .map(|(index, _)| [&segments[..index], &segments[index + 1..]].concat())
        .collect()
}

/// The names that an ARN may stand for: AWS appends `-` and six characters to the name of a secret,
/// and a request may leave them out. Empty when the path is no ARN.
fn names_in_arn(segments: &[String]) -> Vec<Vec<String>> {
    let Some(arn) = segments.first().filter(|first| is_arn(first)) else {
        return Vec::new();
    };
    let name = match arn.splitn(6, ':').last() {
        Some("parameter") => segments[1..].to_vec(),
        Some(rest) => {
            let first = rest.strip_prefix("secret:").unwrap_or(rest);
            std::iter::once(first.to_owned())
                .chain(segments[1..].iter().cloned())
                .collect()
        }
        None => return Vec::new(),
    };
    let mut short = name.clone();
    if let Some(last) = short.last_mut()
        && let Some((stem, suffix)) = last.rsplit_once('-')
        && suffix.len() == 6
    {
        *last = stem.to_owned();
        return vec![name, short];
    }
    vec![name]
}

struct Shape<'a> {
    scheme: Scheme,
    segments: &'a [String],
    parts: &'a [Part<'a>],
}

impl Shape<'_> {
    fn names(&self, names: &[Name]) -> Result<(), ReferenceError> {
        self.length(names.len(), names.len())?;
        names
            .iter()
            .enumerate()
            .try_for_each(|(index, name)| self.name(index, name))
    }

    fn name(&self, index: usize, name: &Name) -> Result<(), ReferenceError> {
        if (name.fits)(&self.segments[index]) {
            return Ok(());
        }
        let message = format!("this cannot be {}", name.what);
        Err(ReferenceError::new(
            Kind::Path,
            self.parts[index].span(),
            message,
            name.rule,
        ))
    }

    fn length(&self, least: usize, most: usize) -> Result<(), ReferenceError> {
        if (least..=most).contains(&self.segments.len()) {
            return Ok(());
        }
        let help = format!("write {}://{}", self.scheme, self.scheme.path_form());
        Err(self.error(
            format!(
                "the path has {} of the parts that `{}` needs",
                self.amount(least),
                self.scheme
            ),
            help,
        ))
    }

    fn amount(&self, least: usize) -> &'static str {
        if self.segments.len() < least {
            "too few"
        } else {
            "too many"
        }
    }

    fn aws(&self, service: &str, resource: &str, name: &Name) -> Result<(), ReferenceError> {
        if !is_arn(&self.segments[0]) {
            return (0..self.segments.len()).try_for_each(|index| self.name(index, name));
        }
        let fields: Vec<_> = self.segments[0].splitn(6, ':').collect();
        let right = matches!(fields[..], [_, _, its, region, account, rest]
            if its == service && rest.starts_with(resource) && !region.is_empty() && all(account, |b| b.is_ascii_digit()));
        if right {
            return (1..self.segments.len()).try_for_each(|index| self.name(index, name));
        }
        let help = format!("write arn:aws:{service}:REGION:ACCOUNT:{resource}…, or the name alone");
        Err(self.error(
            format!("this is not an ARN of the kind `{}` names", self.scheme),
            help,
        ))
    }

    fn error(&self, message: impl Into<String>, help: impl Into<String>) -> ReferenceError {
        let start = self.parts.first().map_or(0, |part| part.start);
        let end = self.parts.last().map_or(start, |part| part.span().end);
        ReferenceError::new(Kind::Path, Span::new(start, end), message, help)
    }
}

fn all(text: &str, fits: fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(fits)
}

fn is_dns_label(text: &str) -> bool {
    all(text, |b| {
        b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'
    }) && !text.starts_with('-')
        && !text.ends_with('-')
}
