//! The environment of a reference when no policy says so: from the name of its store, else from its path.

use super::infer::infer;
use crate::reference::SecretRef;

/// The canonical name of the environment that a reference suggests. The name of a store is given by people to
/// tell environments apart, so every usual name counts there; a path is read like the path of a file.
pub fn of_reference(reference: &SecretRef) -> Option<&'static str> {
    let of_store = reference
        .store()
        .and_then(|store| infer(&format!("environments/{store}/")).map(|found| found.environment));
    of_store.or_else(|| infer(&format!("{}/", reference.path())).map(|found| found.environment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_decides_before_the_path() {
        for (text, expected) in [
            ("vault+prod://kv/payments/db#password", Some("prod")),
            ("vault+live://kv/payments/db", Some("prod")),
            ("vault+payments-staging://kv/db", Some("staging")),
            ("vault+dev://kv/prod/db", Some("dev")),
            ("vault+eu://kv/prod/db", Some("prod")),
            ("aws-sm://prod/payments", Some("prod")),
            ("aws-sm://payments/prd", Some("prod")),
            ("local://dev/database#password", Some("dev")),
            ("local://database", None),
            ("aws-sm://products/db", None),
            ("local://test/db", None),
        ] {
            let reference: SecretRef = text.parse().unwrap();
            assert_eq!(of_reference(&reference), expected, "{text}");
        }
    }
}
