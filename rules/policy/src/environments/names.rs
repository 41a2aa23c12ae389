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
    // Asked for every folder of every path: most words are told from names by their length.
    let is_name = |known: &str| {
        let fold = |byte: u8| match byte {
            b'_' => b'-',
            other => other.to_ascii_lowercase(),
        };
        known.len() == name.len() && known.bytes().eq(name.bytes().map(fold))
    };
    let found = NAMES.iter().find(|(canonical, others)| {
        is_name(canonical) || others.iter().any(|other| is_name(other))
    });
    found.map(|(canonical, _)| *canonical)
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
