//! Is a text that stands in the place of a secret really one?

use secretlint_core::Confidence;

use crate::values::dummy::dummy;
use crate::values::names::{Kind, meaning_of};
use crate::values::shapes::{self, is_uuid, is_word};
use crate::values::tokens::is_one_of;
use crate::values::words::VENDOR_DEFAULTS;

/// What a text in the place of a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// A specific value, however weak.
    Secret(Confidence),
    /// An obvious dummy.
    Placeholder(Dummy),
    /// No secret at all.
    NotSecret(Other),
}

/// Kinds of dummies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dummy {
    /// Dummy words with something added, so that it may be in use: `ChangeMe123!`.
    Usable,
    /// Text that nobody can be using: `<your password>`, `xxxx`, `must-be-eight-characters`.
    Instruction,
    /// The password a vendor or image starts with.
    VendorDefault,
    /// Published by a vendor as an example.
    Documented,
}

/// What a text is when it is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Nothing in it.
    Empty,
    /// `true`, `enabled`, `minutes`, `latest`, a type.
    Setting,
    /// A number where no number is a secret.
    Number,
    /// Filled in at deployment: `#{TOKEN}`, `{{ token }}`, `__TOKEN__`, `$(token)`.
    Template,
    /// Names where the secret is: an ARN, `op://…`, `var.token` as text.
    Reference,
    /// A hash of a password for a password file.
    Hash,
    /// Encrypted with a key that is kept elsewhere.
    Encrypted,
    /// UUID, image digest, cloud id.
    Identifier,
    /// Path or file name.
    Path,
    /// URL without a password, host name, address.
    Address,
    /// Certificate, public key.
    Public,
    /// A name of a secret, of a variable, of a setting.
    Name,
    /// Only special characters, or a character range.
    Characters,
    /// A document or program, looked at elsewhere.
    Document,
}

/// Judges a text that stands where a secret of `kind` is expected. `name` is the name of the
/// place: a value that only repeats it is a dummy. `exact` says that the place takes nothing but a
/// secret (by provider schema, in a provider block); without it doubtful texts are no secrets.
#[must_use]
pub fn judge(text: &str, kind: Kind, name: &str, exact: bool) -> Judgement {
    let text = text.trim();
    if let Some(judgement) = blocks_of_text(text) {
        return judgement;
    }
    if let Some(other) = shapes::not_secret(text, kind, exact) {
        return Judgement::NotSecret(other);
    }
    if is_uuid(text) && !(exact || takes_uuid(kind, name)) {
        return Judgement::NotSecret(Other::Identifier);
    }
    if let Some(judgement) = by_kind(text, kind, name) {
        return judgement;
    }
    if names_itself(text, name) || !exact && names_owner(text, kind, name) {
        return Judgement::NotSecret(Other::Name);
    }
    if let Some(dummy) = dummy(text, name) {
        return Judgement::Placeholder(dummy);
    }
    if !exact && let Some(other) = doubtful(text, kind, name) {
        return Judgement::NotSecret(other);
    }
    Judgement::Secret(confidence(text, kind, exact))
}

/// Some services give out UUIDs as API keys and client secrets. Under a bare `secret` or `token` a
/// UUID is the id of one.
fn takes_uuid(kind: Kind, name: &str) -> bool {
    let bare = is_one_of(name, &["secret", "secrets", "token", "key"]);
    match kind {
        Kind::Key | Kind::Token | Kind::Password | Kind::Secret => !bare,
        Kind::PrivateKey => is_of_atlas(name),
        _ => false,
    }
}

/// Private keys of MongoDB Atlas are UUIDs, or something like them.
fn is_of_atlas(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["atlas", "mongo"].iter().any(|word| name.contains(word))
}

/// `oidc_client_secret = "oidc-client-secret"`: the name of the secret in a store, written in the
/// store's way. The same spelling is a dummy.
fn names_itself(text: &str, name: &str) -> bool {
    let words = |text: &'_ str| {
        text.bytes()
            .filter(|byte| !b"-_./".contains(byte))
            .map(|byte| byte.to_ascii_lowercase())
            .collect::<Vec<u8>>()
    };
    let spelt = text.contains('-') && name.contains('_');
    // `TEST_LOGIN_PASSWORD = "backend-TEST-LOGIN-PASSWORD"`: an entry of a vault.
    let ends = || {
        name.len() > 8
            && !name.bytes().any(|byte| byte.is_ascii_lowercase())
            && text
                .get(text.len().saturating_sub(name.len())..)
                .is_some_and(|end| end.replace('-', "_") == name)
    };
    spelt && (text.len() > 12 && words(text) == words(name) || ends())
}

/// `OPERATOR_SECRET = "operator"`: the object of a platform that keeps it. What vendors choose first is a
/// dummy.
fn names_owner(text: &str, kind: Kind, name: &str) -> bool {
    let owner = || {
        let (owner, last) = name.split_at_checked(name.len().checked_sub("_SECRET".len())?)?;
        (last == "_SECRET").then_some(owner)
    };
    kind == Kind::Secret
        && is_word(text)
        && owner().is_some_and(|owner| owner.eq_ignore_ascii_case(text))
        && !VENDOR_DEFAULTS.contains(&text)
}

/// PEM and other texts of several lines.
fn blocks_of_text(text: &str) -> Option<Judgement> {
    if text.is_empty() {
        return Some(Judgement::NotSecret(Other::Empty));
    }
    if text.contains("-----BEGIN ") || text.starts_with("PuTTY-User-Key-File") {
        let private = text.contains("PRIVATE KEY") || text.starts_with("PuTTY");
        return Some(match private {
            true if text.contains("...") || text.len() < 120 => {
                Judgement::Placeholder(Dummy::Instruction)
            }
            true => Judgement::Secret(Confidence::High),
            false => Judgement::NotSecret(Other::Public),
        });
    }
    let many_lines = text.lines().nth(2).is_some();
    // A document: its members are looked at by their own names.
    (many_lines || is_object(text) || is_settings(text) || text.len() > 4096)
        .then_some(Judgement::NotSecret(Other::Document))
}

/// `{ "a": … }`, `[{ "a": … }]`.
fn is_object(text: &str) -> bool {
    let inner = text.strip_prefix('[').unwrap_or(text).trim_start();
    let member = inner.strip_prefix('{').map(str::trim_start);
    member.is_some_and(|member| member.starts_with('"')) && text.ends_with(['}', ']'])
}

/// Two lines that both give a value to a name.
fn is_settings(text: &str) -> bool {
    let assigns = |line: &str| {
        let name = line.trim_start().split(['=', ':']).next().unwrap_or(line);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-. \"".contains(&byte);
        name.len() < line.len() && name.len() > 1 && name.bytes().all(plain)
    };
    text.contains('\n') && text.lines().all(assigns)
}

/// Kinds whose secrecy is decided by a part of the text.
fn by_kind(text: &str, kind: Kind, name: &str) -> Option<Judgement> {
    match kind {
        Kind::Connection => Some(match shapes::password_inside(text) {
            Some(password) if shapes::not_secret(password, Kind::Password, true).is_some() => {
                Judgement::NotSecret(Other::Address)
            }
            Some(password) => match dummy(password, "password") {
                Some(dummy) => Judgement::Placeholder(dummy),
                None => Judgement::Secret(Confidence::High),
            },
            None => Judgement::NotSecret(Other::Address),
        }),
        Kind::Webhook => {
            let url = text.starts_with("http://") || text.starts_with("https://");
            let random = url
                && text
                    .rsplit('/')
                    .any(|part| part.len() >= 16 && shapes::looks_random(part));
            (!random).then_some(Judgement::NotSecret(Other::Address))
        }
        Kind::PrivateKey if !exact_key(text) && !is_uuid(text) => match dummy(text, name) {
            Some(dummy) => Some(Judgement::Placeholder(dummy)),
            None if shapes::looks_random(text) && is_of_atlas(name) => None,
            None => Some(Judgement::NotSecret(Other::Name)),
        },
        _ => None,
    }
}

/// Base64 of a key is long; everything shorter is a name of one.
fn exact_key(text: &str) -> bool {
    text.len() >= 40 && !text.contains(' ')
}

/// Texts that are secrets only in places that take nothing else.
fn doubtful(text: &str, kind: Kind, name: &str) -> Option<Other> {
    let has_digit = text.bytes().any(|byte| byte.is_ascii_digit());
    let special = text
        .bytes()
        .any(|byte| byte.is_ascii_punctuation() && !b"-_./:".contains(&byte));
    match kind {
        Kind::Password => None,
        Kind::Credentials => (!shapes::looks_random(text)).then_some(Other::Name),
        // Words joined by `-`, `_` or `.` name a secret: `github-app-token`.
        Kind::Token | Kind::Key | Kind::Secret => {
            // `v1`: no service gives out anything that short.
            if kind != Kind::Secret && text.len() < 4 {
                return Some(Other::Name);
            }
            let joined = text.split(['-', '_', '.', '/', ':']).all(is_word);
            let several = text.contains(['-', '_', '.', '/', ':']);
            if joined && several && !special {
                return Some(Other::Name);
            }
            if names_a_secret(text) {
                return Some(Other::Name);
            }
            let word = kind != Kind::Secret && !has_digit && !special && text.len() < 16;
            (word && !is_of_environment(name)).then_some(Other::Name)
        }
        _ => None,
    }
}

/// `s3_minio_secret_key`: words with numbers that are the name of a secret.
fn names_a_secret(text: &str) -> bool {
    let is_part = |part: &str| is_word(part.trim_end_matches(|c: char| c.is_ascii_digit()));
    text.split('_').count() > 2
        && text.split('_').all(is_part)
        && meaning_of(text).is_some_and(|meaning| meaning.strong)
}

/// `DJANGO_SECRET_KEY`: a setting of a program, not the key of an object in a store.
fn is_of_environment(name: &str) -> bool {
    ["SECRET_KEY", "SECRET_ACCESS_KEY"]
        .iter()
        .any(|end| name.ends_with(end))
        && name.bytes().all(|byte| !byte.is_ascii_lowercase())
}

fn confidence(text: &str, kind: Kind, exact: bool) -> Confidence {
    let classes = shapes::classes(text);
    if shapes::looks_random(text) || (kind == Kind::Password && classes >= 3 && text.len() >= 8) {
        return Confidence::High;
    }
    if exact || kind == Kind::Password || classes >= 2 {
        Confidence::Medium
    } else {
        Confidence::Low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(kind: Kind, text: &str) -> bool {
        matches!(judge(text, kind, "x", false), Judgement::Secret(_))
    }

    #[test]
    fn specific_values_are_secrets_however_weak() {
        let passwords = [
            "admin123",
            "123456",
            "roboshop1",
            "Praveen@1234",
            "Azerty123!",
            "Summer2021!",
            "bob12cgv",
            "Purplepwny2029",
            "cgoat9562!",
            "futurice",
            "Aa12345678",
            "atr74kd%3kd",
            "pwd_jsuwauJk212",
            "abcd    s",
            "H@Sh1CoR3!",
            "FI2lGmAxebVrXeF",
            "qwerty",
            "DevOps@123",
            "p@ssw0rd/with#odd",
        ];
        for text in passwords {
            assert!(
                secret(Kind::Password, text),
                "{text}: {:?}",
                judge(text, Kind::Password, "x", false)
            );
        }
        for text in [
            "JohnsJuicyJam",
            "j2323232324",
            "F-oS9Su%}<>[];#",
            "cg-secret-889877-282341",
            "3gzcGokilvtw2HmCLuPx",
            "C98D9F6O-1273-4E8A-B8D9-551F7F3OC41",
        ] {
            assert!(
                secret(Kind::Secret, text),
                "{text}: {:?}",
                judge(text, Kind::Secret, "x", false)
            );
        }
        for text in [
            "pnocj8u+!1yo8t",
            "sdsaljasbdasddsadsa",
            "1d2d2dewerdcxeee34c323c3223c223232c32",
        ] {
            assert!(
                secret(Kind::Key, text),
                "{text}: {:?}",
                judge(text, Kind::Key, "x", false)
            );
        }
    }

    #[test]
    fn dummies_are_placeholders() {
        let cases = [
            ("password", "db_password"),
            ("changeme", "x"),
            ("ChangeMe123!", "x"),
            ("Password@123", "x"),
            ("your-secure-secret-key-here", "secret_key"),
            ("xxxxxxxxxxxxxxxxxxxxx", "x"),
            ("not_set", "x"),
            ("DONOTKEYINSECRETHERE", "x"),
            ("notasecurepassword", "x"),
            ("a-strong-password", "x"),
            ("YourPwdShouldBeLongAndSecure!", "x"),
            ("must-be-eight-characters", "x"),
            ("<password>", "x"),
            ("zzzzzzzzzzzzzzzzzzz", "x"),
            ("prodpassword123", "x"),
            ("temporal", "x"),
            ("root", "x"),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "x"),
            ("secret-value", "x"),
            ("varexample", "x"),
            ("ThisIsMySuperSecretString12356!", "x"),
            ("REDACTED", "x"),
            ("...", "x"),
            ("SecurePassword123!", "x"),
            ("!@#PasswordSetInCode!@#", "x"),
            ("foo", "x"),
            ("********", "x"),
            ("AdminPassword123!", "x"),
            ("password123456789", "x"),
            ("Test123456789", "x"),
            ("UberSecretPassword", "x"),
            ("PickSomethingMoreSecure123!", "x"),
            ("secret information", "x"),
            ("vyos", "x"),
            ("**", "x"),
            ("base64encodedval", "tls_key"),
        ];
        for (text, name) in cases {
            let judgement = judge(text, Kind::Password, name, false);
            assert!(
                matches!(judgement, Judgement::Placeholder(_)),
                "{text}: {judgement:?}"
            );
        }
    }

    #[test]
    fn what_is_no_secret() {
        let cases = [
            ("", Kind::Password),
            ("true", Kind::Password),
            ("minutes", Kind::Token),
            ("latest", Kind::Key),
            ("#{DB_PASSWORD}#", Kind::Password),
            ("{{ password }}", Kind::Password),
            ("__PASSWORD__", Kind::Password),
            ("$(password)", Kind::Password),
            ("${{ secrets.X }}", Kind::Token),
            ("var.api_key", Kind::Key),
            ("arn:aws:secretsmanager:eu-west-1:1:secret:x", Kind::Secret),
            ("op://vault/item/field", Kind::Token),
            ("elasticsearch/password", Kind::Password),
            ("prod/indexer/ingests/es_password", Kind::Password),
            ("../cloudgoat", Kind::PrivateKey),
            ("ssh.private.key", Kind::PrivateKey),
            ("mykey", Kind::PrivateKey),
            ("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC4", Kind::PrivateKey),
            ("!@#$%^&*()_+", Kind::Password),
            ("https://idp.example.com/token", Kind::Token),
            (
                "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                Kind::Token,
            ),
            ("payments-webhook-token", Kind::Token),
            ("bootdiag", Kind::Key),
            ("/run/secrets/db", Kind::Password),
            (
                "@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/y)",
                Kind::Password,
            ),
            ("oidc-client-secret", Kind::Secret),
            ("54.211.46.158,54.145.176.199", Kind::Secret),
            ("postgres://db.internal:5432/app", Kind::Connection),
            ("#/components/schemas/PaymentToken", Kind::Token),
        ];
        for (text, kind) in cases {
            let judgement = judge(text, kind, "oidc_client_secret", false);
            assert!(
                matches!(judgement, Judgement::NotSecret(_)),
                "{text}: {judgement:?}"
            );
        }
    }

    #[test]
    fn uuids_are_secrets_only_under_names_of_services() {
        let uuid = "7197b5ee-23bb-4c21-ab28-2f750936cffa";
        assert!(matches!(
            judge(uuid, Kind::Secret, "KEYCLOAK_CLIENT_SECRET", false),
            Judgement::Secret(_)
        ));
        assert!(matches!(
            judge(uuid, Kind::Secret, "secret", false),
            Judgement::NotSecret(_)
        ));
    }

    #[test]
    fn keys_are_told_from_certificates() {
        let body = "MIIEpAIBAAKCAQEA".repeat(12);
        let private =
            format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----");
        let certificate = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----");
        assert_eq!(
            judge(&private, Kind::PrivateKey, "x", false),
            Judgement::Secret(Confidence::High)
        );
        assert_eq!(
            judge(&certificate, Kind::PrivateKey, "x", false),
            Judgement::NotSecret(Other::Public)
        );
    }

    #[test]
    fn connection_strings_are_secret_by_their_password() {
        let judged = |text| judge(text, Kind::Connection, "connection_string", false);
        assert_eq!(
            judged("mongodb://docdbadmin:roboshop1234@db:27017/x"),
            Judgement::Secret(Confidence::High)
        );
        assert!(matches!(
            judged("Server=db;User Id=sa;Password=Hq72kks8;"),
            Judgement::Secret(_)
        ));
        assert!(matches!(
            judged("postgres://user:password@localhost/db"),
            Judgement::Placeholder(_)
        ));
        assert!(matches!(
            judged("redis://cache:6379"),
            Judgement::NotSecret(_)
        ));
    }
}
