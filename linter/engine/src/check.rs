//! Facts -> findings: every rule over one shared walk.

use rayon::prelude::*;
use secretlint_core::facts::{Module, Workspace, each_position};
use secretlint_core::{Cx, DigestKey, Hooks, Rule, Sink};

use crate::words::{Found, Words};

/// The rules by hook, so that a walk calls only those that listen. Indexes are those of the
/// registry the rules came from.
pub(crate) struct Registry<'r> {
    rules: &'r [&'r dyn Rule],
    text: Vec<usize>,
    position: Vec<usize>,
    block: Vec<usize>,
    module: Vec<usize>,
    /// Of the rules that look at positions.
    words: Words,
}

impl<'r> Registry<'r> {
    /// The rules that `is_on` lets in.
    pub(crate) fn new(rules: &'r [&'r dyn Rule], is_on: impl Fn(&dyn Rule) -> bool) -> Self {
        let listening = |hook: Hooks| -> Vec<usize> {
            let wanted =
                |(_, rule): &(usize, &&dyn Rule)| rule.hooks().contains(hook) && is_on(**rule);
            rules
                .iter()
                .enumerate()
                .filter(wanted)
                .map(|(index, _)| index)
                .collect()
        };
        let position = listening(Hooks::POSITION);
        Self {
            rules,
            text: listening(Hooks::TEXT),
            words: Words::new(position.iter().map(|&index| rules[index])),
            position,
            block: listening(Hooks::BLOCK),
            module: listening(Hooks::MODULE),
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
            .map(|module| self.check_module(workspace, module, key))
            .collect()
    }

    fn check_module<'a>(
        &self,
        workspace: &Workspace<'a>,
        module: &Module<'a>,
        key: &DigestKey,
    ) -> Sink {
        let cx = Cx::new(workspace, module, key);
        let mut sink = Sink::new();
        let of = |indexes: &[usize]| {
            indexes
                .iter()
                .map(|&index| (index, self.rules[index]))
                .collect::<Vec<_>>()
        };
        let (text, position, block, whole) = (
            of(&self.text),
            of(&self.position),
            of(&self.block),
            of(&self.module),
        );
        for file in &module.files {
            for (index, rule) in &text {
                sink.enter(*index);
                rule.text(&cx, file, &mut sink);
            }
        }
        let mut looking = Vec::with_capacity(position.len());
        let mut words = Found::default();
        for facts in &module.blocks {
            let mentioned = self.words.rules_of(facts, &mut words);
            let is_mentioned = |index: usize| index >= 64 || (mentioned >> index) & 1 != 0;
            let wanted = position.iter().enumerate();
            let wanted = wanted
                .filter(|(index, (_, rule))| is_mentioned(*index) && rule.looks_into(&cx, facts));
            looking.clear();
            looking.extend(wanted.map(|(_, rule)| *rule));
            if !looking.is_empty() {
                each_position(facts, &mut |at| {
                    for (index, rule) in &looking {
                        sink.enter(*index);
                        rule.position(&cx, at, &mut sink);
                    }
                });
            }
            for (index, rule) in &block {
                sink.enter(*index);
                rule.block(&cx, facts, &mut sink);
            }
        }
        for (index, rule) in &whole {
            sink.enter(*index);
            rule.module(&cx, &mut sink);
        }
        sink
    }
}
