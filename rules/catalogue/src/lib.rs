//! Everything that can be reported. Read [`patterns::Catalogue`] for credential formats, which are
//! data in `credentials/<vendor>.toml`, and [`semantic`] for what is decided by meaning.

pub mod evaluation;
pub mod patterns;
pub mod schemas;
pub mod semantic;
pub mod values;

use secretlint_core::Rule;

/// Every rule there is: the credential patterns, then the semantic rules sorted by id.
#[must_use]
pub fn rules() -> Vec<&'static dyn Rule> {
    let patterns: &'static dyn Rule = patterns::builtin_rule();
    std::iter::once(patterns)
        .chain(semantic::RULES.iter().copied())
        .collect()
}
