//! Credential patterns: secrets that are known by the format their vendor publishes.
//!
//! The patterns are data (`credentials/<vendor>.toml`, see [`Pattern`]) that the build script turns
//! into static tables. [`Catalogue::scan`] makes one pass for all keywords and
//! runs a pattern's regular expression, compiled on first use, only in a window around its keyword;
//! [`Catalogue::scan_at`] is told where the keywords stand.
//! What a match is worth ([`Class`]) is decided by `verify` and `dummy`.
//!
//! It works on text alone and knows nothing about HCL.

mod anchor;
mod compiled;
mod dummy;
mod entropy;
mod example;
mod examples;
mod page;
mod rule;
mod scan;
mod schema;
mod user;
mod verify;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

pub use dummy::{is_dummy_password, is_dummy_token};
pub use entropy::shannon_bits;
pub use example::{ExampleError, expand as expand_example};
pub use examples::{ExampleFailure, test_examples};
pub use page::render as render_page;
pub use rule::{CredentialPatterns, builtin_rule};
pub use schema::{Confidence, Pattern, PatternError, Severity, Text, Texts, VendorFile, Verify};

use compiled::Compiled;
use secretlint_core::Keywords;

include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));

/// A set of patterns, ready to search. [`builtin`] is the shipped one; [`Catalogue::from_user`]
/// makes one of a user's patterns.
#[derive(Debug)]
pub struct Catalogue {
    patterns: Cow<'static, [Pattern]>,
    keywords: OnceLock<Keywords>,
    compiled: Box<[OnceLock<Compiled>]>,
}

/// What a match is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A documentation example, a dummy, or a value that its own checksum disproves.
    Placeholder,
    /// A key of the vendor's test mode.
    Test,
    /// Nothing speaks against a live secret.
    Real,
}

/// One match. Holds where the secret is, never its text.
#[derive(Clone, Debug)]
pub struct Match<'c> {
    /// The pattern that matched.
    pub pattern: &'c Pattern,
    /// Its index in [`Catalogue::patterns`].
    pub index: usize,
    /// Byte range of the secret in the text, on character boundaries.
    pub span: Range<usize>,
    /// What it is worth.
    pub class: Class,
}

/// The shipped patterns. The first call allocates a few kilobytes and compiles nothing.
pub fn builtin() -> &'static Catalogue {
    static BUILTIN: LazyLock<Catalogue> = LazyLock::new(|| Catalogue {
        patterns: Cow::Borrowed(&PATTERNS),
        keywords: OnceLock::new(),
        compiled: PATTERNS.iter().map(|_| OnceLock::new()).collect(),
    });
    &BUILTIN
}

impl Catalogue {
    /// Every keyword with the index of its pattern.
    pub fn keywords(&self) -> impl Iterator<Item = (&str, u16)> {
        let patterns = (0..).zip(self.patterns.iter());
        patterns.flat_map(|(index, pattern)| {
            let words = pattern.keywords.iter();
            words.map(move |word| (&**word, index))
        })
    }

    /// The patterns, sorted by id.
    #[must_use]
    pub fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// The pattern named `id`.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Pattern> {
        let index = self
            .patterns
            .binary_search_by(|pattern| pattern.id.as_ref().cmp(id))
            .ok()?;
        self.patterns.get(index)
    }
}
