//! The rule trait. A rule sees facts and emits findings; it never sees flags, severity overrides,
//! suppressions or baselines.
//!
//! A rule names the hooks it implements ([`Rule::hooks`]); the engine walks every file, value,
//! block and module once and calls only those. What must be compared across the whole run (the
//! same secret in two environments) is emitted as [`Evidence`] and looked at in
//! [`Rule::conclude`], when all modules have been seen and their texts are gone.

use std::borrow::Cow;
use std::ops::BitOr;

use hcl_syntax::Expr;
use secret_policy::Policy;

use crate::digest::DigestKey;
use crate::facts::{Block, Environment, Module, Position, SourceFile, Trace, Workspace, trace};
use crate::finding::{Confidence, Digest, FileId, Finding, Place, RuleId, Severity};

/// What a rule says about itself; everything a documentation page needs.
#[derive(Clone, Debug)]
pub struct RuleMeta {
    /// Kebab-case name of the bad thing; reads well after "allow".
    pub id: RuleId,
    /// Former ids.
    pub aliases: &'static [&'static str],
    /// What kind of trouble it reports.
    pub family: Family,
    /// One line: what it reports.
    pub summary: Cow<'static, str>,
    /// Why it matters, one or two sentences; the default of [`Finding::why`].
    pub why: Cow<'static, str>,
    /// What to do; the default of [`Finding::help`].
    pub help: Cow<'static, str>,
    /// Markdown: examples (`hcl` blocks; `hcl,expect` must report), false alarms, references.
    pub docs: Cow<'static, str>,
    /// Default severity.
    pub severity: Severity,
    /// Usual confidence.
    pub confidence: Confidence,
    /// Which finding stays when several rules report one literal.
    pub rank: Rank,
    /// Where the rule is in its life.
    pub lifecycle: Lifecycle,
}

/// Families of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Secrets in the text.
    Credentials,
    /// Secrets shared between environments.
    Environments,
    /// Secrets that end up in state.
    State,
    /// Secrets that flow where they leak.
    Flow,
    /// Secrets that live too long.
    Lifetime,
    /// Trouble with the linter's own comments and files.
    Config,
}

impl Family {
    /// Its name in ids, documentation and configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Environments => "environments",
            Self::State => "state",
            Self::Flow => "flow",
            Self::Lifetime => "lifetime",
            Self::Config => "config",
        }
    }
}

/// How specific a statement about a literal is. When several findings have the same literal as
/// their secret, those of the highest rank stay; findings of [`Rank::Apart`] never compete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// Says something else than "this literal is a secret": state, flow, environments, lifetime.
    Apart,
    /// The literal is a dummy.
    Placeholder,
    /// A secret by name or entropy.
    Generic,
    /// A secret by where it stands: variable default, variable file, encoded text.
    Located,
    /// A secret by the argument it is given to: provider block, backend.
    Argument,
    /// A secret by a format that is not one vendor's: URL with password, private key.
    Format,
    /// A secret by its vendor's format.
    Vendor,
}

/// Rule life cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Off unless asked for.
    Preview,
    /// On by default.
    Stable,
    /// Still works; says what replaces it.
    Deprecated,
}

/// A set of hooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hooks(u8);

impl Hooks {
    /// [`Rule::text`].
    pub const TEXT: Self = Self(1);
    /// [`Rule::position`].
    pub const POSITION: Self = Self(2);
    /// [`Rule::block`].
    pub const BLOCK: Self = Self(4);
    /// [`Rule::module`].
    pub const MODULE: Self = Self(8);
    /// [`Rule::conclude`].
    pub const CONCLUDE: Self = Self(16);

    /// True when every hook of `other` is in the set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Hooks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Which values of a block a rule wants to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// None.
    Nothing,
    /// Those of the outermost attributes and nested blocks in which one of the rule's words stands; all,
    /// when one stands in the block's header, and in JSON, where a word can be written in many ways.
    Mentions,
    /// All.
    Everything,
}

impl Look {
    /// This if `wanted`, else [`Look::Nothing`].
    #[must_use]
    pub fn when(self, wanted: bool) -> Self {
        if wanted { self } else { Self::Nothing }
    }
}

/// What a rule searches texts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word<'w> {
    /// At least three lower-case characters, found in any case.
    Part(&'w str),
    /// The same, not followed by a lower-case letter.
    End(&'w str),
    /// What can be the base64 of a text: [`Word::ENCODED`] or more characters of either alphabet, an
    /// upper-case letter among them, behind a quote or on several lines.
    Encoded,
}

/// A word that stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Its index in [`Rule::words`].
    pub word: u32,
    /// Byte offset of its start.
    pub start: u32,
}

impl Word<'_> {
    /// Fewer characters are not looked at as base64.
    pub const ENCODED: usize = 24;

    /// True for a character of [`Word::Encoded`].
    #[must_use]
    pub fn is_encoded(byte: u8) -> bool {
        const ENCODED: [bool; 256] = {
            let mut table = [false; 256];
            let mut byte = 0_u8;
            while byte < 128 {
                table[byte as usize] = byte.is_ascii_alphanumeric()
                    || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-' | b'\n');
                byte += 1;
            }
            table
        };
        ENCODED[usize::from(byte)]
    }

    /// True when the word stands in a text. For one word and one text; the engine finds all at once.
    #[must_use]
    pub fn is_in(self, text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        match self {
            Self::Part(word) => lower.contains(word),
            Self::End(word) => lower.match_indices(word).any(|(start, _)| {
                let next = text.as_bytes().get(start + word.len());
                !next.is_some_and(u8::is_ascii_lowercase)
            }),
            Self::Encoded => {
                let bytes = text.as_bytes();
                let runs = bytes.split(|byte| !Self::is_encoded(*byte));
                let mut start = 0_usize;
                runs.into_iter().any(|run| {
                    let before = start.checked_sub(1).map(|at| bytes[at]);
                    start += run.len() + 1;
                    Self::is_encoded_run(before, run)
                })
            }
        }
    }

    /// True for a run of characters of [`Word::Encoded`] that is one; `before` is the byte before it.
    #[must_use]
    pub fn is_encoded_run(before: Option<u8>, run: &[u8]) -> bool {
        run.len() >= Self::ENCODED
            && (before == Some(b'"') || run.contains(&b'\n'))
            && run.iter().any(u8::is_ascii_uppercase)
    }
}

/// A rule: what it says about itself and one or more hooks.
///
/// - Hooks are called once per file, value, block, module and run, in source order.
/// - A rule keeps no state between calls; equal facts give equal findings.
/// - A hook that [`Rule::hooks`] does not name is never called.
pub trait Rule: Send + Sync {
    /// What the rule says about itself; the first of [`Rule::metas`].
    fn meta(&self) -> &RuleMeta;

    /// Every id the rule reports, for rules that stand for many (credential patterns).
    fn metas(&self) -> &[RuleMeta] {
        std::slice::from_ref(self.meta())
    }

    /// The hooks the rule implements.
    fn hooks(&self) -> Hooks;

    /// What is searched for in every file, for all rules at once: that is quicker than a look at every
    /// value, and than a search of each rule's own. [`Rule::text`] is told where they stand, and
    /// [`Rule::looks_into`] can choose values by them ([`Look::Mentions`]). Provided: no words.
    fn words(&self) -> Vec<Word<'_>> {
        Vec::new()
    }

    /// Looks at the text of a file. `words` are the rule's own, in the order in which they stand there.
    fn text(&self, _cx: &Cx<'_, '_>, _file: &SourceFile, _words: &[Occurrence], _sink: &mut Sink) {}

    /// Which values of a block are shown to [`Rule::position`]: asked once a block, so that a rule for a
    /// few kinds of blocks costs nothing elsewhere. Provided: all of every block.
    fn looks_into(&self, _cx: &Cx<'_, '_>, _block: &Block<'_>) -> Look {
        Look::Everything
    }

    /// Looks at one value; containers are shown before their elements.
    fn position<'a>(&self, _cx: &Cx<'_, 'a>, _position: &Position<'_, 'a>, _sink: &mut Sink) {}

    /// Looks at one top-level block, or at a file's own attributes.
    fn block<'a>(&self, _cx: &Cx<'_, 'a>, _block: &Block<'a>, _sink: &mut Sink) {}

    /// Looks at one module (`cx.module`).
    fn module(&self, _cx: &Cx<'_, '_>, _sink: &mut Sink) {}

    /// Looks at everything the rule itself gave to [`Sink::evidence`] in this run, sorted by key,
    /// then path, then place.
    fn conclude(&self, _evidence: &[Evidence], _sink: &mut Sink) {}
}

/// What surrounds a hook: the module, the workspace it is in, and services.
#[derive(Clone, Copy)]
pub struct Cx<'r, 'a> {
    /// All modules that are looked at together.
    pub workspace: &'r Workspace<'a>,
    /// The module looked at.
    pub module: &'r Module<'a>,
    key: &'r DigestKey,
}

impl<'r, 'a> Cx<'r, 'a> {
    /// The surroundings of a module.
    #[must_use]
    pub fn new(workspace: &'r Workspace<'a>, module: &'r Module<'a>, key: &'r DigestKey) -> Self {
        Self {
            workspace,
            module,
            key,
        }
    }

    /// What is behind the value at a position. Computed once per position, whoever asks.
    #[must_use]
    pub fn trace_at<'p>(&self, position: &'p Position<'_, 'a>) -> &'p Trace<'a> {
        position
            .trace
            .get_or_init(|| trace(self.workspace, self.module, position.block, position.expr))
    }

    /// What is behind an expression that stands in `block` of this module.
    #[must_use]
    pub fn trace(&self, block: &Block<'a>, expr: Expr<'a>) -> Trace<'a> {
        trace(self.workspace, self.module, block, expr)
    }

    /// The keyed digest of a literal: how equal secrets are recognised.
    #[must_use]
    pub fn digest(&self, text: &str) -> Digest {
        self.key.digest(text)
    }

    /// The environment of a file.
    #[must_use]
    pub fn environment(&self, file: FileId) -> Option<&'r Environment> {
        self.workspace.environment(file)
    }

    /// The policy file, when there is one without mistakes.
    #[must_use]
    pub fn policy(&self) -> Option<&'r Policy> {
        self.workspace.policy()
    }

    /// The text of a place.
    #[must_use]
    pub fn text_of(&self, place: Place) -> &'a str {
        let file = self.workspace.file(place.file);
        file.and_then(|file| file.text().get(place.start as usize..place.end as usize))
            .unwrap_or_default()
    }
}

/// A fact to compare across the run: this secret (or reference, or identity) is used here.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What is compared: the digest of a literal or of a reference's identity.
    pub key: Digest,
    /// Whose environment.
    pub environment: Option<Environment>,
    /// Where.
    pub place: Place,
    /// Path of the file, for order and messages.
    pub path: String,
    /// Address of the value.
    pub address: String,
    /// True when the text at `place` is secret and must be masked.
    pub secret: bool,
    /// What the rule wants to remember; no secret text.
    pub note: String,
}

/// Takes what rules emit.
#[derive(Debug, Default)]
pub struct Sink {
    /// Findings in the order they came.
    pub findings: Vec<Finding>,
    /// Evidence with the index of the rule that gave it.
    pub evidence: Vec<(u32, Evidence)>,
    rule: u32,
}

impl Sink {
    /// An empty sink.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says which rule emits from now on, by its index in the registry.
    pub fn enter(&mut self, rule: usize) {
        self.rule = rule as u32;
    }

    /// Emits a finding.
    pub fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Emits a fact for [`Rule::conclude`].
    pub fn evidence(&mut self, evidence: Evidence) {
        self.evidence.push((self.rule, evidence));
    }
}
