//! Examples and fixtures: they show a secret's place, nobody deploys them. What is found there is one
//! step milder, never silent; a level in the configuration decides otherwise.

use secretlint_core::{Family, Rank, RuleMeta, Severity};

/// Names of folders that hold what nobody deploys. `test` and `tests` are not among them: they are
/// environments just as often.
const FOLDERS: &[&str] = &[
    "example",
    "examples",
    "fixture",
    "fixtures",
    "test-fixtures",
    "testdata",
];

/// Endings of files that `terraform test` and `tofu test` run.
const TESTS: &[&str] = &[".tftest.hcl", ".tftest.json", ".tofutest.hcl"];

/// The severity of a finding in an example or fixture; `own` elsewhere. What a vendor's format
/// proves, and what environments share, is as bad there as anywhere.
pub(super) fn severity(meta: &RuleMeta, path: &str, own: Severity) -> Severity {
    let milder = match meta.family {
        Family::Credentials => meta.rank < Rank::Format,
        Family::State | Family::Flow | Family::Lifetime => true,
        Family::Environments | Family::Config => false,
    };
    if !(milder && is_example(path)) {
        return own;
    }
    match own {
        Severity::Error => Severity::Warning,
        Severity::Warning | Severity::Note => Severity::Note,
    }
}

fn is_example(path: &str) -> bool {
    let mut parts = path.split('/');
    let file = parts.next_back().unwrap_or_default();
    TESTS.iter().any(|ending| file.ends_with(ending)) || parts.any(|part| FOLDERS.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_files_of_examples() {
        for path in [
            "examples/complete/main.tf",
            "modules/db/example/main.tf",
            "test/fixtures/db/main.tf",
            "tests/unit.tftest.hcl",
        ] {
            assert!(is_example(path), "{path}");
        }
        for path in ["examples.tf", "test/main.tf", "live/tests/db.tf", "main.tf"] {
            assert!(!is_example(path), "{path}");
        }
    }
}
