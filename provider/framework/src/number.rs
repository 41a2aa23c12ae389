//! Numbers of any size, kept exactly as they arrived.
//!
//! Terraform's numbers are arbitrary-precision; what does not fit an integer travels as decimal text.
//! [`Number`] keeps the text, so an echoed value is bit for bit what the practitioner wrote, and compares
//! by numeric value.

use std::fmt;

/// Longest decimal text accepted, in bytes. Terraform's 512-bit numbers need about 160.
pub const MAX_TEXT: usize = 4096;

/// A number. Equality is numeric: `Int(1)`, `Float(1.0)` and `Text("1.00")` are equal.
#[derive(Debug, Clone)]
pub enum Number {
    /// A signed integer.
    Int(i64),
    /// An unsigned integer, for values above `i64::MAX`.
    UInt(u64),
    /// A binary fraction or an infinity; never NaN.
    Float(f64),
    /// Anything else, as decimal text; made by [`Number::parse`] only.
    Text(DecimalText),
}

/// Decimal text that is known to be a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecimalText(Box<str>);

impl DecimalText {
    /// The text, such as `0.1` or `-1e400`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Number {
    /// Reads decimal text such as `42`, `-0.10` or `1e400`; integers that fit become integers.
    /// Returns `None` for anything else, NaN and text longer than [`MAX_TEXT`] included.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        if let Some(infinity) = infinity(text) {
            return Some(Self::Float(infinity));
        }
        let decimal = Decimal::parse(text)?;
        Some(
            decimal
                .to_integer()
                .unwrap_or_else(|| Self::Text(DecimalText(text.into()))),
        )
    }

    /// A float; `None` for NaN, which Terraform does not have.
    #[must_use]
    pub fn from_f64(value: f64) -> Option<Self> {
        (!value.is_nan()).then_some(Self::Float(value))
    }

    /// The value as an `i64`, when it is an integer in range.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self.integer()? {
            Self::Int(value) => Some(value),
            _ => None,
        }
    }

    /// The value as a `u64`, when it is an integer in range.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self.integer()? {
            Self::Int(value) => u64::try_from(value).ok(),
            Self::UInt(value) => Some(value),
            _ => None,
        }
    }

    /// The nearest `f64`; infinite when the value is out of range.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the nearest float is what is asked for"
            )]
            Self::Int(value) => *value as f64,
            #[expect(
                clippy::cast_precision_loss,
                reason = "the nearest float is what is asked for"
            )]
            Self::UInt(value) => *value as f64,
            Self::Float(value) => *value,
            Self::Text(text) => text.0.parse().unwrap_or(f64::NAN),
        }
    }

    /// The same value as an integer variant, when it is one: `Int` if it fits, else `UInt`.
    pub(crate) fn integer(&self) -> Option<Self> {
        match self {
            Self::Int(value) => Some(Self::Int(*value)),
            Self::UInt(value) => Some(i64::try_from(*value).map_or(Self::UInt(*value), Self::Int)),
            Self::Float(_) | Self::Text(_) => self.decimal()?.to_integer(),
        }
    }

    fn decimal(&self) -> Option<Decimal> {
        match self {
            Self::Float(value) if value.is_infinite() => None,
            Self::Text(text) => Decimal::parse(&text.0),
            _ => Decimal::parse(&self.to_string()),
        }
    }
}

fn infinity(text: &str) -> Option<f64> {
    match text {
        "Inf" | "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::UInt(value) => value.fmt(f),
            Self::Float(value) if value.is_infinite() => {
                f.write_str(if *value > 0.0 { "Inf" } else { "-Inf" })
            }
            // The shortest text that reads back as the same float, which is how Terraform compares numbers.
            Self::Float(value) => value.fmt(f),
            Self::Text(text) => f.write_str(&text.0),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::UInt(a), Self::UInt(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            _ => match (self.decimal(), other.decimal()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }
}

impl Eq for Number {}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::UInt(value)
    }
}

/// Sign, significant digits and a power of ten: one spelling for each numeric value.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    /// Without leading or trailing zeros; empty for zero.
    digits: String,
    /// The value is `0.digits * 10^point`; 0 for zero.
    point: i64,
}

impl Decimal {
    fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let joined = format!("{whole}{fraction}");
        let significant = joined.trim_start_matches('0');
        let leading_zeros = joined.len() - significant.len();
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits,
                point: 0,
            });
        }
        let position = i64::try_from(whole.len()).ok()? - i64::try_from(leading_zeros).ok()?;
        Some(Self {
            negative,
            digits,
            point: position + i64::from(exponent),
        })
    }

    fn to_integer(&self) -> Option<Number> {
        if self.digits.is_empty() {
            return Some(Number::Int(0));
        }
        let width = usize::try_from(self.point)
            .ok()
            .filter(|width| *width <= 20)?;
        if width < self.digits.len() {
            return None;
        }
        let magnitude: u128 = format!("{:0<width$}", self.digits).parse().ok()?;
        let signed = i128::try_from(magnitude).ok()?;
        let signed = if self.negative { -signed } else { signed };
        i64::try_from(signed)
            .map(Number::Int)
            .or_else(|_| u64::try_from(signed).map(Number::UInt))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Number {
        Number::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn text_that_is_an_integer_becomes_one() {
        assert!(matches!(parsed("42"), Number::Int(42)));
        assert!(matches!(parsed("-7.00"), Number::Int(-7)));
        assert!(matches!(parsed("1e3"), Number::Int(1000)));
        assert!(matches!(parsed("0.0"), Number::Int(0)));
        assert!(matches!(
            parsed("18446744073709551615"),
            Number::UInt(u64::MAX)
        ));
        assert!(matches!(
            parsed("-9223372036854775808"),
            Number::Int(i64::MIN)
        ));
        assert!(matches!(parsed("18446744073709551616"), Number::Text(_)));
        assert!(matches!(parsed("1e400"), Number::Text(_)));
    }

    #[test]
    fn other_text_is_kept_exactly() {
        assert_eq!(parsed("0.10").to_string(), "0.10");
        let big = "123456789012345678901234567890.123456789";
        assert_eq!(parsed(big).to_string(), big);
    }

    #[test]
    fn equality_is_numeric() {
        assert_eq!(parsed("0.1"), Number::Float(0.1));
        assert_eq!(parsed("100e-1"), Number::Int(10));
        assert_eq!(Number::Float(2.0), Number::Int(2));
        assert_eq!(parsed("-0"), Number::Int(0));
        assert_eq!(Number::UInt(3), Number::Int(3));
        assert_ne!(parsed("0.1"), parsed("0.10000000000000000001"));
        assert_ne!(Number::Float(f64::INFINITY), Number::Int(i64::MAX));
        assert_eq!(parsed("Inf"), Number::Float(f64::INFINITY));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "e5",
            "1e",
            "0x10",
            "1_000",
            "NaN",
            "1.2.3",
            " 1",
            "1e99999999999",
            "--1",
            "١",
        ] {
            assert!(Number::parse(text).is_none(), "{text}");
        }
        assert!(Number::parse(&"1".repeat(MAX_TEXT + 1)).is_none());
        assert!(Number::from_f64(f64::NAN).is_none());
    }

    #[test]
    fn conversions_check_the_range() {
        assert_eq!(parsed("3.5").as_i64(), None);
        assert_eq!(Number::UInt(u64::MAX).as_i64(), None);
        assert_eq!(Number::Int(-1).as_u64(), None);
        assert_eq!(Number::Float(8.0).as_u64(), Some(8));
        assert!((parsed("0.25").to_f64() - 0.25).abs() < f64::EPSILON);
    }

    proptest::proptest! {
        #[test]
        fn floats_survive_their_text(value: f64) {
            if let Some(number) = Number::from_f64(value) {
                proptest::prop_assert_eq!(Number::parse(&number.to_string()), Some(number));
            }
        }

        #[test]
        fn parsing_is_total(text in ".{0,40}") {
            let _ = Number::parse(&text);
        }
    }
}
