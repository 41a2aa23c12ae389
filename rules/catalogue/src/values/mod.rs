//! Judgement of texts and names without looking at where they stand.
//!
//! [`meaning_of`] says whether a name promises a secret, [`judge`] whether a text that stands in
//! the place of a secret is one, is a dummy, or is something else (a path, an ARN, a setting).
//! Where a value stands is the business of the semantic rules.

mod dummy;
mod judge;
mod lines;
mod list;
mod names;
mod shapes;
mod tokens;
mod words;

pub use judge::{Dummy, Judgement, Other, judge};
pub(crate) use lines::{is_commented, line_after, line_before};
pub(crate) use list::Search;
pub use names::{Kind, Meaning, identifies, is_about, is_key_id, is_public, last_word, meaning_of};
#[cfg(test)]
pub(crate) use names::{PASSWORD_ENDINGS, PASSWORDS};
pub use shapes::is_specific;
pub(crate) use shapes::{is_setting, is_word, may_refer};
pub(crate) use tokens::is_one_of;
