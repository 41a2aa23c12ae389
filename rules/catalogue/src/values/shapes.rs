//! Shapes of texts that are no secrets, and how random a text looks.

use crate::values::judge::Other;
use crate::values::list::begins;
use crate::values::names::Kind;
use crate::values::tokens::is_one_of;
use crate::values::words::{CLOUD_IDS, FILES, REFERENCES, SETTINGS};

/// Why a text is no secret; `None` when nothing speaks against it.
pub(crate) fn not_secret(text: &str, kind: Kind, exact: bool) -> Option<Other> {
    let bytes = text.as_bytes();
    if text.is_empty() {
        return Some(Other::Empty);
    }
    if SETTINGS.contains(text) {
        return Some(Other::Setting);
    }
    if is_template(text) {
        return Some(Other::Template);
    }
    // A JSON pointer: `#/components/schemas/Token`.
    if text.starts_with("#/") {
        return Some(Other::Reference);
    }
    if bytes
        .iter()
        .all(|byte| !byte.is_ascii_alphanumeric() && byte.is_ascii())
        && !text.bytes().all(|byte| b".*-_?#".contains(&byte))
    {
        return Some(Other::Characters);
    }
    if text.len() < 2 && !bytes[0].is_ascii_alphanumeric() {
        return Some(Other::Characters);
    }
    if is_password_hash(text) {
        return Some(Other::Hash);
    }
    if is_encrypted(text) {
        return Some(Other::Encrypted);
    }
    if is_command(text) {
        return Some(Other::Document);
    }
    if text.contains(';')
        && text.to_ascii_lowercase().contains("password=")
        && password_inside(text).is_none()
    {
        return Some(Other::Address);
    }
    if REFERENCES.leading(bytes).next().is_some() {
        return Some(Other::Reference);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let secret = kind == Kind::Password && text.len() >= 4
            || text.len() >= 8 && matches!(kind, Kind::Secret | Kind::Token);
        return (!secret && !exact || text.len() < 3).then_some(Other::Number);
    }
    if is_cloud_id(text) || begins(text.as_bytes(), "sha256:") || begins(text.as_bytes(), "sha1:") {
        return Some(Other::Identifier);
    }
    if begins(text.as_bytes(), "ssh-") && text.contains(" AAAA")
        || begins(text.as_bytes(), "ecdsa-sha2")
    {
        return Some(Other::Public);
    }
    if kind != Kind::Connection && kind != Kind::Webhook && (is_url(text) || is_address(text, kind))
    {
        // A URL with a password is still a secret.
        return password_inside(text).is_none().then_some(Other::Address);
    }
    if is_path(text) {
        return Some(Other::Path);
    }
    (is_variable_name(text) || begins_name(text, kind, exact)).then_some(Other::Name)
}

/// `session-`. People end passwords in any way.
fn begins_name(text: &str, kind: Kind, exact: bool) -> bool {
    let mixed = text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    text.ends_with(['/', ':'])
        || text.ends_with(['-', '_']) && !(mixed && (kind == Kind::Password || exact))
}

/// `terraform output -raw token | jq .`: with options, or more than one.
fn is_command(text: &str) -> bool {
    let option = |at: usize| {
        text.as_bytes()[at + 2..]
            .first()
            .is_some_and(u8::is_ascii_alphabetic)
    };
    text.contains(" --")
        || text.contains(" && ")
        || text.contains(" | ")
        || text
            .find(" -")
            .is_some_and(|at| option(at) && text[..at].contains(' '))
}

/// What key services give back, and what files of encrypted values hold: of no use without the key.
fn is_encrypted(text: &str) -> bool {
    let google = text.len() > 80 && (text.starts_with("CiQA") || text.starts_with("CiUA"));
    google || text.len() > 80 && text.starts_with("AQICAH") || text.starts_with("ENC[")
}

/// True for a word that switches or selects something.
pub(crate) fn is_setting(text: &str) -> bool {
    SETTINGS.contains(text)
}

/// True for a text that begins like one that says where a secret is. What it really is, is for
/// [`not_secret`] to say.
pub(crate) fn may_refer(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("#/") || REFERENCES.leading(text.as_bytes()).next().is_some()
}

/// Text that is replaced before Terraform sees it, or by the program that reads it.
fn is_template(text: &str) -> bool {
    let between = |open: &str, close: &str| {
        // Most texts have none: this is quicker than to begin a search for its place.
        text.contains(open)
            && text
                .split_once(open)
                .is_some_and(|(_, rest)| rest.contains(close))
    };
    if between("{{", "}}")
        || between("#{", "}")
        || between("<%", "%>")
        || between("$(", ")")
        || between("${", "}")
    {
        return true;
    }
    // `{env:TOKEN}`, `{ random = 18 }`.
    let directive = text
        .strip_prefix('{')
        .and_then(|inner| inner.strip_suffix('}'));
    if directive.is_some_and(|inner| {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b" _-.:=/".contains(&byte);
        inner.len() > 2 && inner.bytes().all(word) && inner.contains([' ', ':', '='])
    }) {
        return true;
    }
    let framed = |frame: &str| {
        text.len() > 2 * frame.len()
            && text.starts_with(frame)
            && text.ends_with(frame)
            && text[frame.len()..text.len() - frame.len()]
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    // `$dex-client:secret`, `$kms_keys:name`: resolved by the program that reads it.
    let looked_up = text.starts_with('$')
        && text.contains([':', '-', '_'])
        && text[1..]
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || b"-_:.".contains(&byte));
    looked_up
        || framed("__")
        || framed("%")
        || framed("@@")
        || framed("@")
        || framed("%%")
        || framed("#")
        || text.strip_prefix('$').is_some_and(|name| {
            let name = name.trim_start_matches('$');
            name.len() > 2
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit())
                && name.bytes().any(|byte| byte.is_ascii_uppercase())
        })
}

/// `$6$salt$hash` and its like: what stands in password files.
fn is_password_hash(text: &str) -> bool {
    const STARTS: &[&str] = &[
        "$1$",
        "$2a$",
        "$2b$",
        "$2y$",
        "$5$",
        "$6$",
        "$y$",
        "$apr1$",
        "$argon2",
        "{SHA",
        "{SSHA",
        "pbkdf2_",
        "SCRAM-SHA-256$",
    ];
    STARTS.iter().any(|start| text.starts_with(start)) && text.len() > 20
}

/// `8-4-4-4-12` hexadecimal digits.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_cloud_id(text: &str) -> bool {
    CLOUD_IDS.iter().any(|start| {
        text.strip_prefix(start).is_some_and(|rest| {
            *start == "ocid1."
                || (rest.len() >= 8 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
        })
    })
}

fn is_url(text: &str) -> bool {
    let Some(at) = text.find("://") else {
        return false;
    };
    at > 0
        && text[..at]
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Host names, IP addresses and networks, e-mail addresses, and lists of them.
fn is_address(text: &str, kind: Kind) -> bool {
    // `zebra.dev` is what people choose as a password, too.
    let chosen = kind == Kind::Password
        && !text.contains(['@', ',', ':', '/'])
        && text.split('.').count() == 2;
    !chosen && text.split(',').all(|item| is_one_address(item.trim()))
}

fn is_one_address(text: &str) -> bool {
    let (local, host) = text
        .split_once('@')
        .map_or(("", text), |(local, host)| (local, host));
    if !local
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
    {
        return false;
    }
    let host =
        host.split_once('/').map_or(
            host,
            |(host, mask)| if mask.parse::<u8>().is_ok() { host } else { "" },
        );
    let host = host.rsplit_once(':').map_or(host, |(host, port)| {
        if port.parse::<u16>().is_ok() {
            host
        } else {
            ""
        }
    });
    let mut labels = host.split('.');
    let count = labels.clone().count();
    if count == 4 && labels.clone().all(|label| label.parse::<u8>().is_ok()) {
        return true;
    }
    let wordy = labels.all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    });
    let top = host.rsplit('.').next().unwrap_or_default();
    let top_is_word =
        (2..=12).contains(&top.len()) && top.bytes().all(|byte| byte.is_ascii_lowercase());
    wordy
        && top_is_word
        && (count >= 3
            || (count == 2
                && (!local.is_empty()
                    || is_one_of(
                        top,
                        &["com", "org", "net", "io", "dev", "local", "internal"],
                    ))))
}

/// Absolute and relative paths, file names, and wordy texts with slashes.
fn is_path(text: &str) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    let anchored = ["./", "../", "~/", "/"]
        .iter()
        .any(|start| text.starts_with(start));
    if anchored
        && text.split('/').skip(1).all(|part| {
            part.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.*{}:@".contains(&byte))
                && !looks_random(part)
        })
    {
        return true;
    }
    let file = text
        .rfind('.')
        .is_some_and(|at| at > 0 && FILES.contains(&text[at..]));
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_./\\:".contains(&byte));
    if file && plain {
        return true;
    }
    text.contains('/')
        && text.split('/').all(|part| {
            !part.is_empty()
                && part
                    .split(['-', '_', '.', ':'])
                    .all(|word| is_word(word) || is_version(word))
        })
}

fn is_version(word: &str) -> bool {
    word.len() <= 4 && word.bytes().skip(1).all(|byte| byte.is_ascii_digit())
}

/// `GITHUB_TOKEN`: the name of a variable that holds a secret.
fn is_variable_name(text: &str) -> bool {
    let dummy = [
        "YOUR_", "MY_", "EXAMPLE_", "CHANGE_", "REPLACE_", "TEST_", "DUMMY_", "INSERT_",
    ];
    text.split('_').count() > 2
        && !dummy.iter().any(|start| text.starts_with(start))
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && text
            .split('_')
            .all(|word| word.bytes().any(|byte| byte.is_ascii_uppercase()))
        && text.split('_').any(|word| {
            matches!(
                word,
                "TOKEN" | "KEY" | "SECRET" | "PASSWORD" | "PASS" | "CREDENTIALS"
            )
        })
}

/// Only letters, all lower case, all upper case or capitalised, and short.
pub(crate) fn is_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 16 || !bytes.iter().all(u8::is_ascii_alphabetic) {
        return false;
    }
    let rest = &bytes[1..];
    rest.iter().all(u8::is_ascii_lowercase) || bytes.iter().all(u8::is_ascii_uppercase)
}

/// How many of lower case, upper case, digits and other characters occur.
pub(crate) fn classes(text: &str) -> u32 {
    let mut seen = 0_u32;
    for byte in text.bytes() {
        seen |= match byte {
            b'a'..=b'z' => 1,
            b'A'..=b'Z' => 2,
            b'0'..=b'9' => 4,
            _ => 8,
        };
    }
    seen.count_ones()
}

/// Shannon entropy of the bytes, in bits per byte.
pub(crate) fn entropy_bits(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = text.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum()
}

/// True for long texts of one word without spaces that mix letters and digits.
pub(crate) fn looks_random(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
    let separated = text
        .split(['-', '_', '.', '/', ':'])
        .filter(|part| is_word(part))
        .count();
    let parts = text.split(['-', '_', '.', '/', ':']).count();
    text.len() >= 16
        && plain
        && letters >= 4
        && (digits >= 2 || classes(text) >= 2 && text.len() >= 24)
        && separated * 2 <= parts
        && entropy_bits(text) >= 3.0
}

/// True for a text that is more than a word: what secrets look like where names promise little.
#[must_use]
pub fn is_specific(text: &str, kind: Kind) -> bool {
    if matches!(kind, Kind::Key | Kind::Token) {
        return looks_random(text);
    }
    let (digit, letter) = (
        text.bytes().any(|byte| byte.is_ascii_digit()),
        text.bytes().any(|byte| byte.is_ascii_alphabetic()),
    );
    let capitals = text.bytes().filter(u8::is_ascii_uppercase).count();
    let camel = text.len() >= 10 && (2..text.len() / 2).contains(&capitals) && !text.contains(' ');
    looks_random(text) || digit && letter && text.len() >= 6 || classes(text) >= 3 || camel
}

/// The password of a URL (`scheme://user:password@host`) or of a connection string
/// (`Password=…;`, `AccountKey=…`).
pub(crate) fn password_inside(text: &str) -> Option<&str> {
    if let Some(at) = text.find("://") {
        let rest = &text[at + 3..];
        let authority = rest
            .split(['/', '?', '#', ' ', '"', '\''])
            .next()
            .unwrap_or(rest);
        // A password may hold `/` or `#`, so the last `@` before white space counts when the
        // authority itself has none.
        let authority = if authority.contains('@') {
            authority
        } else {
            rest.split([' ', '"', '\'']).next().unwrap_or(rest)
        };
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some((_, password)) = user.split_once(':')
        {
            return (!password.is_empty()).then_some(password);
        }
    }
    const KEYS: &[&str] = &[
        "password",
        "pwd",
        "accountkey",
        "sharedaccesskey",
        "sharedsecretkey",
    ];
    text.split([';', '&', '?', ' ']).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (is_one_of(key.trim(), KEYS) && !value.trim().is_empty()).then_some(value.trim())
    })
}
