//! The types of YAML values without quotes, as the YAML library of `sops` (go-yaml 3) decides them.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::super::super::tree::Node;

/// The value that `text` means; `None` for a whole number that does not fit into 64 bits, which `sops` cannot
/// hold either.
pub(super) fn resolve(text: &str) -> Option<Node> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Node::Null),
        "true" | "True" | "TRUE" => return Some(Node::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Node::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Some(Node::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Some(Node::Float(f64::INFINITY));
        }
        "-.inf" | "-.Inf" | "-.INF" => return Some(Node::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    let first = text.as_bytes().first().copied().unwrap_or_default();
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return Some(Node::text(text));
    }
    if let Some(moment) = moment(text) {
        return Some(Node::Time(moment));
    }
    let plain = text.replace('_', "");
    if let Some(whole) = integer(&plain) {
        return i64::try_from(whole).ok().map(Node::Int);
    }
    if is_float(&plain) {
        return plain.parse().ok().map(Node::Float);
    }
    Some(Node::text(text))
}

/// A whole number in Go's notation: `0x`, `0o`, `0b`, and octal after a leading zero.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some(_) if lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    // A second sign would be taken by the reader.
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    exponent && digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
}

/// The text of a moment in time, as Go writes it: RFC 3339.
fn moment(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return None;
    }
    let split = text.find(['T', 't', ' ']);
    let (date, time) = match split {
        Some(place) => (&text[..place], Some(&text[place + 1..])),
        None => (text, None),
    };
    let mut numbers = date.split('-').map(|part| {
        ((1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<i16>().ok())
            .flatten()
    });
    let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
    if numbers.next().is_some() {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    let Some(time) = time else {
        let midnight = format!("{date}T00:00:00");
        return midnight
            .parse::<DateTime>()
            .is_ok()
            .then(|| format!("{midnight}Z"));
    };
    let has_zone = time.ends_with(['Z', 'z']) || time.contains(['+', '-']);
    // A zone goes with `T`, none with a blank.
    if has_zone == (bytes.get(split?) == Some(&b' ')) || time.contains(' ') {
        return None;
    }
    let zone = if has_zone { "" } else { "Z" };
    let full = format!("{date}T{time}{zone}");
    full.parse::<Timestamp>().ok()?;
    Some(trim_fraction(&full))
}

/// Go leaves out zeros at the end of a fraction.
fn trim_fraction(text: &str) -> String {
    let Some(point) = text.find('.') else {
        return text.to_owned();
    };
    let digits = text[point + 1..]
        .find(|character: char| !character.is_ascii_digit())
        .map_or(text.len(), |length| point + 1 + length);
    let fraction = text[point..digits].trim_end_matches('0');
    let fraction = if fraction == "." { "" } else { fraction };
    format!("{}{fraction}{}", &text[..point], &text[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_types_that_go_yaml_gives_them() {
        for (text, expected) in [
            ("", "Null"),
            ("~", "Null"),
            ("yes", "Text(\"yes\")"),
            ("True", "Bool(true)"),
            ("12", "Int(12)"),
            ("+12", "Int(12)"),
            ("-0x1F", "Int(-31)"),
            ("0o17", "Int(15)"),
            ("017", "Int(15)"),
            ("08", "Float(8.0)"),
            ("0b101", "Int(5)"),
            ("1_000", "Int(1000)"),
            ("1.5", "Float(1.5)"),
            (".5", "Float(0.5)"),
            ("1.", "Float(1.0)"),
            ("1e3", "Float(1000.0)"),
            ("-.inf", "Float(-inf)"),
            (".", "Text(\".\")"),
            ("-", "Text(\"-\")"),
            ("1-2", "Text(\"1-2\")"),
            ("--1", "Text(\"--1\")"),
            ("+", "Text(\"+\")"),
            ("-e5", "Text(\"-e5\")"),
            ("2024-01-02", "Time(\"2024-01-02T00:00:00Z\")"),
            ("2024-1-2", "Time(\"2024-01-02T00:00:00Z\")"),
            ("2024-01-02T03:04:05Z", "Time(\"2024-01-02T03:04:05Z\")"),
            (
                "2024-01-02T03:04:05.500+02:00",
                "Time(\"2024-01-02T03:04:05.5+02:00\")",
            ),
            ("2024-01-02 03:04:05", "Time(\"2024-01-02T03:04:05Z\")"),
            ("2024-13-02", "Text(\"2024-13-02\")"),
            ("192.168.0.1", "Text(\"192.168.0.1\")"),
        ] {
            let shown = match resolve(text).unwrap() {
                Node::Text(text) => format!("Text({:?})", text.as_str()),
                other => format!("{other:?}"),
            };
            assert_eq!(shown, expected, "{text}");
        }
        assert!(resolve("99999999999999999999").is_none());
    }
}
