//! How the rules did on real configurations: counts and what a person thought of a sample. Data in
//! `evaluation.toml`, read only when a page is asked for.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// The file: what was looked at, and what each rule reported there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// What was looked at.
    pub corpus: Corpus,
    /// What each rule reported, by id. Rules that are not here reported nothing.
    pub rules: BTreeMap<String, Outcome>,
}

/// What was looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Corpus {
    /// Public repositories, each linted by itself.
    pub repositories: u32,
    /// Files in them that the linter reads.
    pub files: u32,
    /// When.
    pub date: String,
}

/// What a rule reported.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Places reported.
    pub findings: u32,
    /// Repositories they are in.
    pub repositories: u32,
    /// Findings, drawn at random, that a person read in their context.
    #[serde(default)]
    pub reviewed: u32,
    /// How many of those were wrong.
    #[serde(default)]
    pub wrong: u32,
    /// What the wrong ones were, or what else is to be known. Whole sentences.
    #[serde(default)]
    pub note: String,
}

/// The evaluation of all rules; `None` when the file is not well-formed, which a test excludes.
pub fn evaluation() -> Option<&'static Evaluation> {
    static READ: OnceLock<Option<Evaluation>> = OnceLock::new();
    READ.get_or_init(|| toml::from_str(include_str!("../evaluation.toml")).ok())
        .as_ref()
}

/// How a rule was evaluated, in sentences for its page.
#[must_use]
pub fn how_evaluated(id: &str) -> String {
    let Some(Evaluation { corpus, rules }) = evaluation() else {
        return String::new();
    };
    let mut text = format!(
        "The examples of this page are run by the tests. On {} files of {} public repositories ({}) the rule",
        corpus.files, corpus.repositories, corpus.date
    );
    let Some(outcome) = rules.get(id) else {
        text.push_str(" reported nothing.");
        return text;
    };
    let places = if outcome.findings == 1 {
        "place"
    } else {
        "places"
    };
    let in_repositories = if outcome.repositories == 1 {
        "one repository".to_owned()
    } else {
        format!("{} repositories", outcome.repositories)
    };
    text.push_str(&format!(
        " reported {} {places} in {in_repositories}.",
        outcome.findings
    ));
    if outcome.reviewed > 0 {
        let which = if outcome.reviewed == outcome.findings {
            "All of them".to_owned()
        } else {
            format!("{} of them, drawn at random,", outcome.reviewed)
        };
        let verdict = match outcome.wrong {
            0 => "none was wrong".to_owned(),
            1 => "one was wrong".to_owned(),
            wrong => format!("{wrong} were wrong"),
        };
        text.push_str(&format!(" {which} were read in their context: {verdict}."));
    }
    if !outcome.note.is_empty() {
        text.push(' ');
        text.push_str(outcome.note.trim());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_file_is_well_formed_and_names_rules() {
        let found = evaluation().expect("evaluation.toml is well-formed");
        let rules = crate::rules();
        let known: BTreeSet<&str> = rules
            .iter()
            .flat_map(|rule| rule.metas())
            .map(|meta| &*meta.id)
            .collect();
        for (id, outcome) in &found.rules {
            assert!(known.contains(id.as_str()), "{id} is no rule");
            assert!(outcome.reviewed <= outcome.findings, "{id}");
            assert!(outcome.wrong <= outcome.reviewed, "{id}");
            assert!(outcome.findings > 0 && outcome.repositories > 0, "{id}");
        }
    }

    #[test]
    fn rules_that_are_on_were_read_where_they_report() {
        let found = evaluation().expect("evaluation.toml is well-formed");
        for meta in crate::semantic::RULES.iter().flat_map(|rule| rule.metas()) {
            if let Some(outcome) = found.rules.get(&*meta.id) {
                assert!(outcome.reviewed > 0, "nobody read what {} reports", meta.id);
            }
        }
    }
}
