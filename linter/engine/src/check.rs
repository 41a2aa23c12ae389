//! Facts -> findings: every rule over one shared walk.

use hcl_syntax::Span;
use rayon::prelude::*;
use secretlint_core::facts::{Block, Module, Position, Positions, Visitor, Workspace};
use secretlint_core::{Cx, DigestKey, Hooks, Look, Rule, Sink};

use crate::words::{Mentions, Place, Words};

/// The rules by hook, so that a walk calls only those that listen. Indexes are those of the
/// registry the rules came from.
pub(crate) struct Registry<'r> {
    text: Vec<Listener<'r>>,
    /// At most 64.
    position: Vec<Listener<'r>>,
    block: Vec<Listener<'r>>,
    module: Vec<Listener<'r>>,
    words: Words,
}

/// A rule with its index.
type Listener<'r> = (usize, &'r dyn Rule);

impl<'r> Registry<'r> {
    /// The rules that `is_on` lets in.
    pub(crate) fn new(rules: &'r [&'r dyn Rule], is_on: impl Fn(&dyn Rule) -> bool) -> Self {
        let on: Vec<bool> = rules.iter().map(|rule| is_on(*rule)).collect();
        let listening = |hook: Hooks| -> Vec<Listener<'r>> {
            let all = rules.iter().enumerate();
            all.filter(|(index, rule)| on[*index] && rule.hooks().contains(hook))
                .map(|(index, rule)| (index, *rule))
                .collect()
        };
        let (text, position) = (listening(Hooks::TEXT), listening(Hooks::POSITION));
        debug_assert!(
            position.len() <= 64,
            "a rule that looks at positions is a bit"
        );
        let words = Words::new((0..rules.len()).filter(|index| on[*index]).map(|index| {
            let place =
                |listening: &[Listener<'_>]| listening.iter().position(|(own, _)| *own == index);
            Place {
                rule: rules[index],
                text: place(&text),
                position: place(&position),
            }
        }));
        Self {
            text,
            position,
            block: listening(Hooks::BLOCK),
            module: listening(Hooks::MODULE),
            words,
        }
    }

    /// What the rules emit for each of `modules`, in their order.
    pub(crate) fn check<'a>(
        &self,
        workspace: &Workspace<'a>,
        modules: &[&Module<'a>],
        key: &DigestKey,
    ) -> Vec<Sink> {
        modules
            .par_iter()
            .map_init(
                || Mentions::new(self.text.len()),
                |mentions, module| self.check_module(workspace, module, key, mentions),
            )
            .collect()
    }

    fn check_module<'a>(
        &self,
        workspace: &Workspace<'a>,
        module: &Module<'a>,
        key: &DigestKey,
        mentions: &mut Mentions,
    ) -> Sink {
        let cx = Cx::new(workspace, module, key);
        let mut sink = Sink::new();
        // Blocks are in the order of their files.
        let mut blocks = &module.blocks[..];
        let mut positions = Positions::default();
        for file in &module.files {
            self.words.search(file, mentions);
            for (place, (index, rule)) in self.text.iter().enumerate() {
                sink.enter(*index);
                rule.text(&cx, file, mentions.of_text(place), &mut sink);
            }
            let own = blocks.partition_point(|facts| facts.file.id == file.id);
            let (here, rest) = blocks.split_at(own);
            blocks = rest;
            for facts in here {
                let showing = showing(&cx, facts, &self.position, mentions, &mut sink);
                if let Some(mut showing) = showing {
                    positions.show(facts, &mut showing);
                }
            }
        }
        for facts in &module.blocks {
            for (index, rule) in &self.block {
                sink.enter(*index);
                rule.block(&cx, facts, &mut sink);
            }
        }
        for (index, rule) in &self.module {
            sink.enter(*index);
            rule.module(&cx, &mut sink);
        }
        sink
    }
}

/// What shows the values of a block to the rules that want to see them, if there are some.
fn showing<'s, 'r, 'a>(
    cx: &'s Cx<'r, 'a>,
    block: &'s Block<'a>,
    rules: &'s [Listener<'s>],
    mentions: &'s Mentions,
    sink: &'s mut Sink,
) -> Option<Showing<'s, 'r, 'a>> {
    let (mut always, mut mentioning) = (0, 0);
    for (bit, (_, rule)) in rules.iter().enumerate() {
        match rule.looks_into(cx, block) {
            Look::Nothing => {}
            Look::Mentions => mentioning |= 1 << bit,
            Look::Everything => always |= 1 << bit,
        }
    }
    if block.file.kind.is_json() {
        always |= mentioning;
    } else if mentioning != 0 {
        if always == 0 && mentions.inside(block.span) & mentioning == 0 {
            return None;
        }
        always |= mentions.inside(block.header) & mentioning;
    }
    (always | mentioning != 0).then_some(Showing {
        cx,
        block,
        rules,
        mentions,
        always,
        mentioning,
        looking: always,
        sink,
    })
}

/// Shows values to rules, which are bits by their place.
struct Showing<'s, 'r, 'a> {
    cx: &'s Cx<'r, 'a>,
    block: &'s Block<'a>,
    rules: &'s [Listener<'s>],
    mentions: &'s Mentions,
    /// Rules that see every value of the block.
    always: u64,
    /// Rules that see what is inside an item with one of their words.
    mentioning: u64,
    /// Rules that see the item at hand.
    looking: u64,
    sink: &'s mut Sink,
}

impl<'a> Visitor<'a> for Showing<'_, '_, 'a> {
    fn enters(&mut self, item: Span, paired: bool) -> bool {
        self.looking = self.always;
        if self.mentioning & !self.always != 0 {
            // The name of a pair stands in another item than the value that it names.
            let span = if paired { self.block.span } else { item };
            self.looking |= self.mentions.inside(span) & self.mentioning;
        }
        self.looking != 0
    }

    fn position(&mut self, position: &Position<'_, 'a>) {
        let mut rest = self.looking;
        while rest != 0 {
            let (index, rule) = self.rules[rest.trailing_zeros() as usize];
            rest &= rest - 1;
            self.sink.enter(index);
            rule.position(self.cx, position, self.sink);
        }
    }
}
