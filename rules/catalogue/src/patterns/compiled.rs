//! A pattern's regular expression and the window it needs around a keyword.

use std::ops::Range;

use regex_automata::meta::Regex;
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input, PatternID};
use regex_syntax::ParserBuilder;

use super::anchor::Anchor;
use super::schema::{Pattern, PatternError};

/// Window of an unlimited regular expression that names none.
const DEFAULT_WINDOW: usize = 512;
/// A limited regular expression looks no farther than this, unless it names a window.
const LONGEST_DERIVED_WINDOW: usize = 4096;
/// Anchored searches may overlap; a window above this is searched as one with its neighbours.
const LARGEST_ANCHORED_WINDOW: usize = 1024;
/// Limit of one compiled regular expression, in bytes.
const SIZE_LIMIT: usize = 1 << 20;
/// Lazy-DFA cache of one search, in bytes.
const CACHE: usize = 256 << 10;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Compiled {
    regex: Regex,
    /// Groups `secret`, `secret2`, … of the alternatives; at least one.
    secrets: Vec<usize>,
    test: Option<usize>,
    /// Bytes to look at on each side of a keyword's start.
    pub(super) window: usize,
    /// Where matches begin, if that is known; `None` = anywhere in the window.
    pub(super) anchor: Option<Anchor>,
}

/// Where a regular expression matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// The group `secret`.
    pub(super) secret: Range<usize>,
    /// The group `test` took part: the key says that it is of the vendor's test mode.
    pub(super) test: bool,
}

impl Compiled {
    /// Compiles the (completed) pattern. Matching is byte-oriented and linear in the text.
    ///
    /// # Errors
    /// A regular expression that is not valid, too large, matches the empty text, or has no group
    /// `secret`.
    pub(super) fn new(pattern: &Pattern) -> Result<Self, PatternError> {
        let hir = ParserBuilder::new()
            .utf8(false)
            .unicode(false)
            .build()
            .parse(&pattern.regex)
            .map_err(|error| pattern.error(error.to_string(), "correct the regular expression"))?;
        let properties = hir.properties();
        if properties.minimum_len() == Some(0) {
            return Err(pattern.error(
                "the regular expression matches the empty text",
                "require at least one character of the secret",
            ));
        }
        let derived = properties
            .maximum_len()
            .map_or(DEFAULT_WINDOW, |len| len.min(LONGEST_DERIVED_WINDOW));
        let window = pattern.window.map_or(derived, |window| window as usize);
        let anchor =
            Anchor::of(&hir, &pattern.keywords).filter(|_| window <= LARGEST_ANCHORED_WINDOW);
        let config = Regex::config()
            .utf8_empty(false)
            // Where a search starts exactly, nothing is skipped, and half of the time to compile is.
            .auto_prefilter(anchor.is_none())
            .nfa_size_limit(Some(SIZE_LIMIT))
            .hybrid_cache_capacity(CACHE);
        let regex = Regex::builder()
            .configure(config)
            .build_from_hir(&hir)
            .map_err(|_| {
                pattern.error(
                    "the regular expression is too large",
                    "replace large repetitions such as `{1,1000}` by `+` and set `window`",
                )
            })?;
        let group = |name| regex.group_info().to_index(PatternID::ZERO, name);
        let secrets: Vec<usize> = regex
            .group_info()
            .pattern_names(PatternID::ZERO)
            .enumerate()
            .filter(|(_, name)| name.is_some_and(|name| name.starts_with("secret")))
            .map(|(index, _)| index)
            .collect();
        if secrets.is_empty() {
            return Err(pattern.error(
                "the regular expression has no group `secret`",
                "write `(?P<secret>…)` around the value",
            ));
        }
        Ok(Self {
            test: group("test"),
            anchor,
            secrets,
            window,
            regex,
        })
    }

    /// Calls `hit` for each match inside `range`; what surrounds the range is seen by `\b` alone.
    pub(super) fn find(&self, text: &str, range: Range<usize>, mut hit: impl FnMut(Hit)) {
        let mut captures = self.regex.create_captures();
        let mut input = Input::new(text).range(range);
        loop {
            self.regex.search_captures(&input, &mut captures);
            let Some(whole) = captures.get_match() else {
                return;
            };
            if let Some(found) = self.hit(&captures) {
                hit(found);
            }
            // No match is empty, so this always moves on.
            input.set_start(whole.end());
        }
    }

    /// The match that begins at the start of `range`.
    pub(super) fn find_at(&self, text: &str, range: Range<usize>) -> Option<Hit> {
        let input = Input::new(text).range(range).anchored(Anchored::Yes);
        // Most keywords begin nothing: no room for groups is needed to see that.
        let whole = self.regex.search_half(&input)?;
        let mut captures = self.regex.create_captures();
        self.regex.search_captures(
            &input.clone().range(input.start()..whole.offset()),
            &mut captures,
        );
        self.hit(&captures)
    }

    fn hit(&self, captures: &Captures) -> Option<Hit> {
        let secret = self
            .secrets
            .iter()
            .find_map(|&group| captures.get_group(group))?;
        let test = self
            .test
            .is_some_and(|group| captures.get_group(group).is_some());
        Some(Hit {
            secret: secret.range(),
            test,
        })
    }
}
