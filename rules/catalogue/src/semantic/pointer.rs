//! Names and descriptions of what only leads to a secret: its name, id, ARN, place.

use secretlint_core::Cx;
use secretlint_core::facts::{Block, Position, Role, constant_string, members};

use crate::values::{is_one_of, is_word, last_word, meaning_of};

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
    let last = last_word(name);
    // `kms_keys_keys`, but not `kms_secret_key`.
    let mut before = name
        .rsplit(|c: char| !c.is_ascii_alphanumeric())
        .skip_while(|word| is_one_of(word, &["key", "keys"]));
    let key = is_one_of(last, &["key", "keys"])
        && before
            .next()
            .is_some_and(|word| is_one_of(word, &["kms", "cmk"]));
    (is_one_of(last, LAST) || key) && meaning_of(name).is_none()
}

/// `VAULT_SECRET_ID`: what Vault calls the secret of an AppRole. Stores call the name of a secret so, too.
pub(crate) fn is_approle(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with("secret_id") || lower.ends_with("secretid")
}

/// True for a variable or output whose description says that it only leads to something.
pub(crate) fn is_described_as_pointer(block: &Block<'_>) -> bool {
    let description = block.value("description").and_then(constant_string);
    description.is_some_and(|text| describes_pointer(&text))
}

/// `map = { MAIL_SECRET = "common-MAIL-SECRET" }` beside `key_vault_id`, in what is called secrets: the entry of a
/// vault that a setting is filled from.
pub(crate) fn is_entry_of_vault(position: &Position<'_, '_>, text: &str) -> bool {
    const VAULTS: &[&str] = &[
        "key_vault_id",
        "keyvault_id",
        "vault",
        "vault_id",
        "secret_store",
    ];
    let words = |name: &str| -> Vec<String> {
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        words.map(str::to_ascii_lowercase).collect()
    };
    let own = words(position.key());
    let is_name = text.contains('-')
        && text
            .split('-')
            .all(|part| is_word(part.trim_end_matches(|c: char| c.is_ascii_digit())))
        && words(text).iter().any(|word| own.contains(word));
    if !is_name {
        return false;
    }
    let names: Vec<&str> = position.names().collect();
    (1..names.len()).any(|depth| {
        let outer = &names[..depth];
        is_one_of(last_word(outer[depth - 1]), &["secret", "secrets"])
            && position
                .block
                .content
                .at(outer)
                .is_some_and(|value| members(value).any(|member| VAULTS.contains(&&*member.name)))
    })
}

/// The variable that an input fills, of a module in the tree.
pub(crate) fn filled_variable<'r, 'a>(
    cx: &Cx<'r, 'a>,
    position: &Position<'_, 'a>,
) -> Option<&'r Block<'a>> {
    let block = position.block;
    if block.role != Role::Module || position.path.len() != 1 {
        return None;
    }
    let target = cx.module.call(block.name())?.target?;
    let module = cx.workspace.module(target);
    let variable = module.variable(position.key())?;
    Some(module.block(variable.block))
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
    let mut words = description
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .skip_while(|word| is_one_of(word, BEFORE));
    words.next().is_some_and(|word| is_one_of(word, WHAT))
        && words.next().is_some_and(|word| is_one_of(word, AFTER))
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
