//! The names people give to environments, and which of them mean the same.

/// Canonical names and what else they are called. Every word is lower-case and unique.
const NAMES: &[(&str, &[&str])] = &[
    ("acceptance", &["acc", "accept", "uat"]),
    ("demo", &[]),
    ("dev", &["develop", "development", "devel"]),
    ("dr", &["disaster-recovery", "failover"]),
    ("integration", &["int", "integ"]),
    ("local", &["localhost"]),
    (
        "nonprod",
        &[
            "non-prod",
            "non-production",
            "nonproduction",
            "noprod",
            "no-prod",
            "not-prod",
        ],
    ),
    ("perf", &["load", "loadtest", "performance"]),
    (
        "preprod",
        &["pre-prod", "pre-production", "preproduction", "preprd"],
    ),
    ("preview", &["ephemeral", "review"]),
    ("prod", &["live", "prd", "production"]),
    ("qa", &["quality"]),
    ("sandbox", &["playground", "sbx", "scratch"]),
    ("staging", &["stage", "stg", "stag"]),
    ("test", &["testing", "tst"]),
];

/// Names that mean something else about as often; they count only where an environment is expected.
pub(super) const WEAK: &[&str] = &[
    "acc",
    "accept",
    "acceptance",
    "demo",
    "ephemeral",
    "failover",
    "int",
    "integration",
    "live",
    "load",
    "local",
    "localhost",
    "perf",
    "performance",
    "preview",
    "quality",
    "review",
    "scratch",
    "test",
    "testing",
];

/// The canonical name of an environment: `production`, `prd` and `live` are `prod`. Case does not
/// matter. `None` for any other word.
pub fn canonical(name: &str) -> Option<&'static str> {
    canonical_bytes(name.len(), name.bytes())
}

/// The canonical name of an environment that two neighbouring words name: `non` and `prod`.
pub(super) fn canonical_pair(first: &str, second: &str) -> Option<&'static str> {
    let bytes = first.bytes().chain([b'-']).chain(second.bytes());
    canonical_bytes(first.len() + 1 + second.len(), bytes)
}

fn canonical_bytes(length: usize, bytes: impl Iterator<Item = u8> + Clone) -> Option<&'static str> {
    let folded = bytes.map(|byte| match byte {
        b'_' => b'-',
        other => other.to_ascii_lowercase(),
    });
    // Asked for every folder of every path and for every key: most words differ here already.
    let first = folded.clone().next()?.wrapping_sub(b'a');
    let lengths = LENGTHS.get(usize::from(first)).copied()?;
    if length >= 32 || (lengths >> length) & 1 == 0 {
        return None;
    }
    let is_name = |known: &str| known.len() == length && known.bytes().eq(folded.clone());
    let found = NAMES.iter().find(|(canonical, others)| {
        is_name(canonical) || others.iter().any(|other| is_name(other))
    });
    found.map(|(canonical, _)| *canonical)
}

/// For each first letter one bit for each length of a name that begins so.
const LENGTHS: [u32; 26] = {
    let mut lengths = [0; 26];
    let mut at = 0;
    while at < NAMES.len() {
        let (canonical, others) = NAMES[at];
        lengths = with_length(lengths, canonical);
        let mut other = 0;
        while other < others.len() {
            lengths = with_length(lengths, others[other]);
            other += 1;
        }
        at += 1;
    }
    lengths
};

const fn with_length(mut lengths: [u32; 26], name: &str) -> [u32; 26] {
    lengths[(name.as_bytes()[0] - b'a') as usize] |= 1 << name.len();
    lengths
}

/// Whether real users depend on the environment of this canonical name.
pub fn is_production(canonical: &str) -> bool {
    matches!(canonical, "prod" | "dr")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_mean_one_thing() {
        assert!(NAMES.is_sorted_by_key(|(canonical, _)| canonical));
        assert!(WEAK.is_sorted());
        let mut all: Vec<_> = NAMES
            .iter()
            .flat_map(|(name, others)| others.iter().chain([name]))
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(WEAK.iter().all(|weak| all.contains(&weak)));
    }

    #[test]
    fn synonyms_have_one_name() {
        for (name, expected) in [
            ("Production", Some("prod")),
            ("prd", Some("prod")),
            ("pre_prod", Some("preprod")),
            ("stg", Some("staging")),
            ("product", None),
            ("", None),
        ] {
            assert_eq!(canonical(name), expected, "{name}");
        }
    }
}
