//! The notation of examples. The repository must hold no text that looks like a live token, so
//! an example says how to make one:
//!
//! | in an example | becomes |
//! |---|---|
//! | `{{hex 32}}` | 32 random characters; kinds are `alnum`, `alpha`, `base32`, `base32lower`, `base36`, `base58`, `base62`, `base64`, `base64url`, `bech32`, `digits`, `hex`, `HEX`, `lower`, `upper`, `UPPER36` |
//! | `{{uuid}}` | a random UUID |
//! | `{{crc32}}` | checksum, six base-62 digits, of the generated text just before |
//! | `{{aws-key}}` | sixteen characters that continue an access key id with a valid account |
//! | `{{jwt CLAIMS}}` | a signed-looking JSON Web Token with these JSON claims |
//! | `{{pem LABEL}}` | a PEM block whose body is a random DER sequence, lines joined by a newline |
//! | `{{base64-of TEXT}}` | the text in Base64; the text is expanded first, with `[[` for the inner braces |
//! | `{{}}` | nothing; cuts a fixed text such as `AKIA{{}}IOSFODNN7EXAMPLE` in two |
//!
//! Everything random is derived from the example's own text, so an example always becomes the
//! same thing.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::verify::crc32_base62;

/// An example that does not follow the notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExampleError {
    /// `{{` without `}}`.
    #[error("`{{{{` is never closed; close it with `}}}}`")]
    Unclosed,
    /// A generator that does not exist.
    #[error("there is no generator `{0}`; see the notation of examples for those there are")]
    UnknownGenerator(String),
    /// A length that is missing, no number, or above 4096.
    #[error("generator `{0}` needs a length between 1 and 4096")]
    Length(String),
}

const ALPHABETS: &[(&str, &str)] = &[
    ("HEX", "0123456789ABCDEF"),
    ("UPPER36", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (
        "alnum",
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    ),
    (
        "alpha",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    ),
    ("base32", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    ("base32lower", "abcdefghijklmnopqrstuvwxyz234567"),
    ("base36", "0123456789abcdefghijklmnopqrstuvwxyz"),
    (
        "base58",
        "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    ),
    (
        "base62",
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    ),
    (
        "base64",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    ),
    (
        "base64url",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    ),
    ("bech32", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    ("digits", "0123456789"),
    ("hex", "0123456789abcdef"),
    ("lower", "abcdefghijklmnopqrstuvwxyz"),
    ("upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
];

/// The text that an example stands for.
///
/// # Errors
/// A text that does not follow the notation.
pub fn expand(example: &str) -> Result<String, ExampleError> {
    let mut random = Random::seeded(example);
    let (mut text, mut rest, mut last) = (String::new(), example, 0);
    while let Some(open) = rest.find("{{") {
        text.push_str(&rest[..open]);
        let close = rest[open..].find("}}").ok_or(ExampleError::Unclosed)? + open;
        let generated = generate(&rest[open + 2..close], &text[last..], &mut random)?;
        if !generated.is_empty() {
            last = text.len();
        }
        text.push_str(&generated);
        rest = &rest[close + 2..];
    }
    text.push_str(rest);
    Ok(text)
}

fn generate(call: &str, before: &str, random: &mut Random) -> Result<String, ExampleError> {
    let (name, argument) = call.split_once(' ').unwrap_or((call, ""));
    Ok(match name {
        "" => String::new(),
        "uuid" => [8, 4, 4, 4, 12]
            .map(|len| random.text("0123456789abcdef", len))
            .join("-"),
        "crc32" => crc32_base62(before),
        "aws-key" => format!("Q{}", random.text("ABCDEFGHIJKLMNOP", 15)),
        "jwt" => {
            let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
            let claims = URL_SAFE_NO_PAD.encode(argument);
            format!(
                "{header}.{claims}.{}",
                random.text(alphabet("base64url")?, 43)
            )
        }
        "pem" => pem(argument, random),
        "base64-of" => STANDARD.encode(expand(&argument.replace("[[", "{{").replace("]]", "}}"))?),
        kind => {
            let characters = alphabet(kind)?;
            let length = argument
                .parse()
                .ok()
                .filter(|length| (1..=4096).contains(length));
            random.text(
                characters,
                length.ok_or_else(|| ExampleError::Length(call.to_owned()))?,
            )
        }
    })
}

fn alphabet(kind: &str) -> Result<&'static str, ExampleError> {
    let found = ALPHABETS.iter().find(|(name, _)| *name == kind);
    found
        .map(|(_, characters)| *characters)
        .ok_or_else(|| ExampleError::UnknownGenerator(kind.to_owned()))
}

fn pem(label: &str, random: &mut Random) -> String {
    let mut der = vec![0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x00];
    der.extend((0..253).map(|_| random.next().to_le_bytes()[0]));
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----",
        lines.join("\n")
    )
}

/// SplitMix64: small, and good enough to make examples look random.
struct Random(u64);

impl Random {
    fn seeded(text: &str) -> Self {
        // FNV-1a.
        let seed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn text(&mut self, characters: &str, length: usize) -> String {
        let characters = characters.as_bytes();
        let mut pick = || {
            let index = self.next() % characters.len() as u64;
            char::from(characters[usize::try_from(index).unwrap_or(0)])
        };
        (0..length).map(|_| pick()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{ExampleError, expand};

    #[test]
    fn expansion_is_stable_and_has_the_length_asked_for() {
        let text = expand("a {{hex 8}} b").unwrap();
        assert_eq!(text.len(), 12);
        assert_eq!(text, expand("a {{hex 8}} b").unwrap());
        assert_eq!(expand("AKIA{{}}X").unwrap(), "AKIAX");
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(expand("{{hex 8"), Err(ExampleError::Unclosed));
        assert_eq!(
            expand("{{hex}}"),
            Err(ExampleError::Length("hex".to_owned()))
        );
        assert_eq!(
            expand("{{hx 8}}"),
            Err(ExampleError::UnknownGenerator("hx".to_owned()))
        );
    }

    #[test]
    fn base64_of_expands_inside() {
        assert_eq!(expand("{{base64-of hi}}").unwrap(), "aGk=");
    }
}
