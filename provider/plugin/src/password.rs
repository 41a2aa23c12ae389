//! Random passwords: uniform over all passwords that satisfy the demands.

use rand::seq::SliceRandom as _;
use rand::{CryptoRng, RngExt as _};
use secret_value::Secret;
use tf_framework::prelude::*;
use zeroize::Zeroizing;

/// Characters of the class `special` unless others are named: those that need no escaping in URLs'
/// userinfo, shells' double quotes or HCL are preferred, as managed databases refuse `/`, `@` and `"`.
pub(crate) const SPECIAL: &str = "!#%&*()-_=+[]{}<>:?";

/// Longest password, in characters.
pub(crate) const MAX_LENGTH: usize = 1024;

/// Default length, in characters.
pub(crate) const DEFAULT_LENGTH: usize = 32;

/// One class of characters and how many of it there must be at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    /// The characters; ASCII or not, none twice.
    pub(crate) characters: Vec<char>,
    /// How many there must be at least.
    pub(crate) minimum: usize,
}

/// What a password must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Demands {
    /// Length in characters.
    pub(crate) length: usize,
    /// The allowed classes; characters of different classes do not overlap.
    pub(crate) classes: Vec<Class>,
}

impl Demands {
    /// Checks that a password can exist.
    ///
    /// # Errors
    /// What contradicts what, and what to do.
    pub(crate) fn check(&self) -> Result<(), String> {
        let minimum: usize = self.classes.iter().map(|class| class.minimum).sum();
        if self.length == 0 || self.length > MAX_LENGTH {
            return Err(format!(
                "the length is {}; use 1 to {MAX_LENGTH} characters",
                self.length
            ));
        }
        if self.classes.iter().all(|class| class.characters.is_empty()) {
            return Err("every class of characters is switched off; allow at least one".to_owned());
        }
        if let Some(class) = self
            .classes
            .iter()
            .find(|class| class.characters.is_empty() && class.minimum > 0)
        {
            return Err(format!(
                "at least {} characters are demanded of a class that is switched off",
                class.minimum
            ));
        }
        if minimum > self.length {
            return Err(format!(
                "the minimums add up to {minimum}, which is more than the length {}",
                self.length
            ));
        }
        Ok(())
    }

    /// A new password. [`Demands::check`] must have passed.
    pub(crate) fn generate(&self, random: &mut impl CryptoRng) -> Secret {
        let all: Vec<char> = self
            .classes
            .iter()
            .flat_map(|class| &class.characters)
            .copied()
            .collect();
        let mut chosen: Zeroizing<Vec<char>> = Zeroizing::new(Vec::with_capacity(self.length));
        for class in &self.classes {
            for _ in 0..class.minimum {
                chosen.push(pick(&class.characters, random));
            }
        }
        while chosen.len() < self.length {
            chosen.push(pick(&all, random));
        }
        // Where the demanded characters stand must not be known.
        chosen.shuffle(random);
        // Room for the longest encoding: the buffer never moves, so no copy is left behind.
        let mut text = String::with_capacity(4 * self.length);
        text.extend(chosen.iter());
        Secret::from_text(text)
    }

    /// Entropy in bits of the free characters, the demanded ones counted by their own class: a lower bound.
    pub(crate) fn entropy_bits(&self) -> f64 {
        let all: usize = self
            .classes
            .iter()
            .map(|class| class.characters.len())
            .sum();
        let demanded: usize = self.classes.iter().map(|class| class.minimum).sum();
        let of_classes: f64 = self
            .classes
            .iter()
            .map(|class| class.minimum as f64 * (class.characters.len().max(1) as f64).log2())
            .sum();
        of_classes + self.length.saturating_sub(demanded) as f64 * (all.max(1) as f64).log2()
    }
}

/// What a practitioner can choose about a password; `None` is the default. Each class: whether it is used,
/// and how many of it there are at least.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choices<'a> {
    pub(crate) length: Option<i64>,
    pub(crate) lower: (Option<bool>, Option<i64>),
    pub(crate) upper: (Option<bool>, Option<i64>),
    pub(crate) numeric: (Option<bool>, Option<i64>),
    pub(crate) special: (Option<bool>, Option<i64>),
    pub(crate) override_special: Option<&'a str>,
}

impl Choices<'_> {
    /// What the choices demand.
    ///
    /// # Errors
    /// One diagnostic for each number that is out of range, or one for choices that contradict.
    pub(crate) fn demands(&self) -> Result<Demands, Diagnostics> {
        let mut problems = Diagnostics::new();
        let mut count = |name: &'static str, value: Option<i64>, default: usize| {
            usize::try_from(value.unwrap_or(default as i64)).unwrap_or_else(|_| {
                problems.push(contradiction(&format!("`{name}` is negative")));
                default
            })
        };
        let length = count("length", self.length, DEFAULT_LENGTH);
        let special = self.override_special.unwrap_or(SPECIAL);
        let classes = [
            ("min_lower", self.lower, "abcdefghijklmnopqrstuvwxyz"),
            ("min_upper", self.upper, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            ("min_numeric", self.numeric, "0123456789"),
            ("min_special", self.special, special),
        ]
        .map(|(name, (used, minimum), characters)| Class {
            characters: if used.unwrap_or(true) {
                distinct(characters)
            } else {
                Vec::new()
            },
            minimum: count(name, minimum, 0),
        });
        let demands = Demands {
            length,
            classes: classes.into(),
        };
        if problems.is_empty() {
            demands.check().map_err(|reason| contradiction(&reason))?;
            return Ok(demands);
        }
        Err(problems)
    }
}

fn contradiction(reason: &str) -> Diagnostic {
    Diagnostic::error("Invalid password demands")
        .detail(format!("No password can be made: {reason}."))
}

fn distinct(characters: &str) -> Vec<char> {
    let mut all: Vec<char> = characters.chars().collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn pick(characters: &[char], random: &mut impl CryptoRng) -> char {
    characters[random.random_range(0..characters.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demands(length: usize, classes: &[(&str, usize)]) -> Demands {
        Demands {
            length,
            classes: classes
                .iter()
                .map(|(characters, minimum)| Class {
                    characters: characters.chars().collect(),
                    minimum: *minimum,
                })
                .collect(),
        }
    }

    fn text(secret: &Secret) -> String {
        #[expect(
            clippy::disallowed_methods,
            reason = "the test looks at what was generated"
        )]
        String::from_utf8(secret.expose().to_vec()).unwrap()
    }

    #[test]
    fn every_demand_is_met() {
        let demands = demands(12, &[("abc", 2), ("XYZ", 3), ("01", 1), ("ü€", 1)]);
        demands.check().unwrap();
        for _ in 0..200 {
            let password = text(&demands.generate(&mut rand::rng()));
            assert_eq!(password.chars().count(), 12);
            for class in &demands.classes {
                let count = password
                    .chars()
                    .filter(|c| class.characters.contains(c))
                    .count();
                assert!(count >= class.minimum, "{password}");
            }
        }
    }

    #[test]
    fn demanded_characters_do_not_stand_in_front() {
        let demands = demands(8, &[("a", 1), ("bcdefgh", 0)]);
        let first = (0..200)
            .filter(|_| text(&demands.generate(&mut rand::rng())).starts_with('a'))
            .count();
        assert!(first < 100, "`a` stood first in {first} of 200");
    }

    #[test]
    fn contradictions_are_refused() {
        for (length, classes, says) in [
            (0, &[("a", 0)][..], "length"),
            (5000, &[("a", 0)], "length"),
            (3, &[("", 0)], "switched off"),
            (3, &[("a", 0), ("", 1)], "switched off"),
            (3, &[("a", 2), ("b", 2)], "minimums"),
        ] {
            let error = demands(length, classes).check().unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn entropy_counts_the_choices() {
        assert!((demands(8, &[("01", 0)]).entropy_bits() - 8.0).abs() < 1e-9);
        assert!((demands(2, &[("01", 1), ("ab", 0)]).entropy_bits() - 3.0).abs() < 1e-9);
    }
}
