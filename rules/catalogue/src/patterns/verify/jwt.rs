//! JSON Web Tokens (RFC 7519): three Base64url parts, a JSON header that names an algorithm, JSON
//! claims.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

use super::Verdict;

/// Tokens are cut out of texts by hand: padding and stray last bits are forgiven.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn token(token: &str) -> Verdict {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Verdict::Reject;
    };
    let Some(header) = json(header) else {
        return Verdict::Reject;
    };
    if header.get("alg").and_then(Value::as_str).is_none() {
        return Verdict::Reject;
    }
    let Some(claims) = json(claims) else {
        return Verdict::Reject;
    };
    let says = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
    if says("role", "anon") {
        // Made to be shipped to browsers.
        return Verdict::Reject;
    }
    if says("sub", "1234567890") || says("name", "John Doe") || signature.is_empty() {
        return Verdict::Dummy;
    }
    Verdict::Valid
}

fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&LENIENT.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{Verdict, token};
    use crate::patterns::expand_example;

    fn check(example: &str) -> Verdict {
        token(&expand_example(example).unwrap())
    }

    #[test]
    fn structure_and_claims_decide() {
        assert_eq!(check(r#"{{jwt {"sub":"svc"} }}"#), Verdict::Valid);
        assert_eq!(check(r#"{{jwt {"sub":"1234567890"} }}"#), Verdict::Dummy);
        assert_eq!(check(r#"{{jwt {"role":"anon"} }}"#), Verdict::Reject);
        assert_eq!(
            check("{{base64url 20}}.{{base64url 20}}.{{base64url 20}}"),
            Verdict::Reject
        );
        assert_eq!(token("a.b"), Verdict::Reject);
    }
}
