//! Names and descriptions of what only leads to a secret: its name, id, ARN, place.

use crate::values::{last_word, meaning_of};

/// True for names of what only leads to a secret: its name, id, ARN, place, the key it is encrypted
/// with in a key service.
pub(crate) fn is_pointer(name: &str) -> bool {
    const LAST: &[&str] = &[
        "name",
        "names",
        "arn",
        "arns",
        "id",
        "ids",
        "path",
        "paths",
        "location",
        "locations",
        "file",
        "filename",
    ];
    let is =
        |word: &str, words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    let last = last_word(name);
    // `kms_keys_keys`, but not `kms_secret_key`.
    let mut before = name
        .rsplit(|c: char| !c.is_ascii_alphanumeric())
        .skip_while(|word| is(word, &["key", "keys"]));
    let key =
        is(last, &["key", "keys"]) && before.next().is_some_and(|word| is(word, &["kms", "cmk"]));
    (is(last, LAST) || key) && meaning_of(name).is_none()
}

/// `VAULT_SECRET_ID`: what Vault calls the secret of an AppRole. Stores call the name of a secret so, too.
pub(crate) fn is_approle(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with("secret_id") || lower.ends_with("secretid")
}

/// `"The name of the secret …"`, `"(Optional) Path to the key"`: a description of what only leads to
/// something.
pub(crate) fn describes_pointer(description: &str) -> bool {
    #[rustfmt::skip]
    const BEFORE: &[&str] = &[
        "the", "a", "an", "optional", "required", "full", "aws", "azure", "gcp", "google", "kubernetes", "k8s", "key",
        "vault", "secret", "secrets", "manager", "ssm", "parameter",
    ];
    #[rustfmt::skip]
    const WHAT: &[&str] = &[
        "name", "names", "path", "paths", "arn", "arns", "id", "ids", "identifier", "identifiers", "location",
        "reference",
    ];
    const AFTER: &[&str] = &["of", "for", "to", "in"];
    let is =
        |word: &str, words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    let mut words = description
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .skip_while(|word| is(word, BEFORE));
    words.next().is_some_and(|word| is(word, WHAT))
        && words.next().is_some_and(|word| is(word, AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_what_leads_to_a_secret() {
        for name in [
            "secret_arns",
            "DB_SECRET_NAME",
            "api_key_location",
            "secret_kms_key",
            "kms_keys_keys",
        ] {
            assert!(is_pointer(name), "{name}");
        }
        for name in ["kms_secret_key", "api_key", "users", "secret", "connection"] {
            assert!(!is_pointer(name), "{name}");
        }
    }

    #[test]
    fn descriptions_of_what_leads_to_a_secret() {
        for text in [
            "The name of the secret",
            "(Optional) Path to the private key",
            "Secret Manager reference for the API key",
            "AWS Secrets Manager ARN of the password",
        ] {
            assert!(describes_pointer(text), "{text}");
        }
        for text in [
            "Password of the user",
            "The key to open it, by the name of the user",
            "AWS secret access key",
            "Key Vault client secret",
        ] {
            assert!(!describes_pointer(text), "{text}");
        }
    }
}
