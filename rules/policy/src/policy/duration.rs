//! Lengths of time as people write them in a policy: `15m`, `1h30m`, `90d`.

use std::time::Duration;

const UNITS: [(char, u64); 5] = [
    ('w', 604_800),
    ('d', 86_400),
    ('h', 3_600),
    ('m', 60),
    ('s', 1),
];

/// Whole numbers with a unit each, largest unit first, more than zero in total.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut seconds = 0_u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let (_, factor) = units.by_ref().find(|(name, _)| *name == unit)?;
        seconds = seconds.checked_add(number.checked_mul(*factor)?)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

/// The same notation with at most two units, without weeks: people compare days. Rounds down.
pub(super) fn show(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut shown = String::new();
    let mut units = 0;
    for (name, factor) in &UNITS[1..] {
        let count = rest / factor;
        rest %= factor;
        if count > 0 && units < 2 {
            shown.push_str(&format!("{count}{name}"));
            units += 1;
        }
    }
    if shown.is_empty() {
        "0s".to_owned()
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_shows() {
        for (text, seconds, shown) in [
            ("90s", 90, "1m30s"),
            ("1h30m", 5400, "1h30m"),
            ("90d", 90 * 86_400, "90d"),
            ("2w", 14 * 86_400, "14d"),
            ("1d1h1m1s", 90_061, "1d1h"),
        ] {
            let duration = parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(duration.as_secs(), seconds, "{text}");
            assert_eq!(show(duration), shown);
        }
        for text in [
            "",
            "1",
            "h",
            "0s",
            "1m1h",
            "1h1h",
            "-1h",
            "1.5h",
            "1 h",
            "99999999999999999999d",
            "9999999999999999999w",
            "1é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(show(Duration::from_millis(5)), "0s");
    }
}
