//! `secretlint explain` and `secretlint rules`: what the rules say about themselves.

use std::fmt::Write as _;
use std::io::Write as _;

use secretlint_core::{Confidence, Family, Lifecycle, Rule, RuleMeta};
use secretlint_engine::project::{self, Source, Sources, rule_page};
use secretlint_engine::{Config, RuleNames};
use secretlint_rules::evaluation::how_evaluated;
use secretlint_rules::patterns::{builtin, test_examples};
use serde_json::json;

use crate::args::{ListFormat, RulesAction, RulesArgs};
use crate::check::{Ending, metas};
use crate::error::CliError;
use crate::output::severity_word;
use crate::settings::{current_folder, today, unknown_rule};

/// Explains one rule: shipped, or of the configuration found from here.
pub(crate) fn explain(id: &str) -> Result<Ending, CliError> {
    let config = configuration(Source::Usual)?;
    let own = project::own_patterns(&config);
    let rules = all_rules(own.as_ref().map(|own| own as &dyn Rule));
    let names = RuleNames::new(&rules);
    let meta = names.meta(id).ok_or_else(|| unknown_rule(id, &names))?;
    print(&page(meta))
}

/// Lists the rules or tests the examples of patterns.
pub(crate) fn rules(args: &RulesArgs) -> Result<Ending, CliError> {
    if let Some(RulesAction::Test { config }) = &args.action {
        return test(config.as_deref().map_or(Source::Usual, Source::Named));
    }
    let rules = secretlint_rules::rules();
    let metas = metas(&rules);
    print(&match args.format {
        ListFormat::Text => text_list(&metas),
        ListFormat::Json => json_list(&metas),
        ListFormat::Markdown => index(&metas),
    })
}

fn configuration(config: Source<'_>) -> Result<Config, CliError> {
    let root = current_folder()?;
    let sources = Sources {
        root: &root,
        config,
        policy: Source::Off,
        baseline: Source::Off,
        today: today(),
    };
    let rules = secretlint_rules::rules();
    Ok(project::load(&sources, &RuleNames::new(&rules))?.config)
}

fn all_rules<'r>(own: Option<&'r dyn Rule>) -> Vec<&'r dyn Rule> {
    let shipped = secretlint_rules::rules();
    let shipped = shipped.into_iter().map(|rule| rule as &'r dyn Rule);
    shipped.chain(own).collect()
}

/// Runs the examples; every one that does not do what its list says is named.
fn test(config: Source<'_>) -> Result<Ending, CliError> {
    let config = configuration(config)?;
    let mut text = String::new();
    let mut failed = false;
    for mistakes in &config.mistakes {
        for trouble in &mistakes.troubles {
            failed = true;
            let _ = writeln!(
                text,
                "{}: {}; {}",
                mistakes.path, trouble.message, trouble.help
            );
        }
    }
    let mut count = 0;
    for catalogue in [Some(builtin()), config.patterns.as_ref()]
        .into_iter()
        .flatten()
    {
        count += catalogue.patterns().len();
        for failure in test_examples(catalogue) {
            failed = true;
            let _ = writeln!(text, "{failure}");
        }
    }
    if !failed {
        let _ = writeln!(text, "The examples of {count} patterns behave as written.");
    }
    print(&text)?;
    Ok(if failed {
        Ending::Findings
    } else {
        Ending::Clean
    })
}

fn print(text: &str) -> Result<Ending, CliError> {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Ending::Clean)
}

/// A rule's page, as `explain` shows it and `docs/rules` holds it.
pub(crate) fn page(meta: &RuleMeta) -> String {
    let mut text = format!("# {}\n\n{}\n\n", meta.id, meta.summary.trim());
    let _ = writeln!(
        text,
        "Family {} · severity {} · confidence {}{}\n",
        meta.family.name(),
        severity_word(meta.severity),
        confidence_word(meta.confidence),
        match meta.lifecycle {
            Lifecycle::Preview => " · preview: off unless turned on",
            Lifecycle::Stable => "",
            Lifecycle::Deprecated => " · deprecated",
        }
    );
    if !meta.aliases.is_empty() {
        let _ = writeln!(text, "Formerly {}.\n", meta.aliases.join(", "));
    }
    // Pages of patterns bring these sections with them.
    for (title, body) in [("Why", &meta.why), ("What to do", &meta.help)] {
        if !body.is_empty() && !meta.docs.contains(body.trim()) {
            let _ = writeln!(text, "## {title}\n\n{}\n", body.trim());
        }
    }
    let docs = meta.docs.trim();
    let docs = docs
        .strip_prefix(meta.summary.trim())
        .unwrap_or(docs)
        .trim();
    if !docs.is_empty() {
        let _ = writeln!(text, "{docs}\n");
    }
    let evaluated = match meta.family {
        // The linter's own messages are no judgement on a configuration.
        Family::Config => String::new(),
        _ => how_evaluated(&meta.id),
    };
    if !evaluated.is_empty() {
        let _ = writeln!(text, "## How it was evaluated\n\n{evaluated}\n");
    }
    let _ = writeln!(
        text,
        "## Accept one finding\n\n```hcl\n# secretlint: allow {} reason=\"…\" until=2027-01-31\n```",
        meta.id
    );
    text
}

fn confidence_word(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

fn text_list(metas: &[&RuleMeta]) -> String {
    let width = metas.iter().map(|meta| meta.id.len()).max().unwrap_or(0);
    metas.iter().fold(String::new(), |mut text, meta| {
        let severity = severity_word(meta.severity);
        let _ = writeln!(
            text,
            "{:width$}  {severity:7}  {}",
            meta.id,
            first_line(&meta.summary)
        );
        text
    })
}

fn json_list(metas: &[&RuleMeta]) -> String {
    let list: Vec<_> = metas
        .iter()
        .map(|meta| {
            json!({
                "id": meta.id,
                "family": meta.family.name(),
                "summary": meta.summary,
                "why": meta.why,
                "help": meta.help,
                "severity": meta.severity,
                "confidence": meta.confidence,
                "default": meta.lifecycle != Lifecycle::Preview,
                "page": rule_page(&meta.id),
            })
        })
        .collect();
    format!("{:#}\n", serde_json::Value::from(list))
}

/// `docs/rules/index.md`: every rule by family.
pub(crate) fn index(metas: &[&RuleMeta]) -> String {
    let mut text = String::from(
        "# Rules\n\nWritten by a test; `secretlint explain RULE` shows the same pages. In folders of examples and fixtures, \
         and in test files of Terraform, findings are one step milder unless a level is configured; secrets in a \
         vendor's format are not.\n",
    );
    for family in [
        Family::Credentials,
        Family::Environments,
        Family::State,
        Family::Flow,
        Family::Lifetime,
        Family::Config,
    ] {
        let of_family: Vec<_> = metas.iter().filter(|meta| meta.family == family).collect();
        if of_family.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "\n## {}\n\n| rule | severity | what |\n|---|---|---|",
            family.name()
        );
        for meta in of_family {
            let summary = first_line(&meta.summary).replace('|', "\\|");
            let severity = severity_word(meta.severity);
            let _ = writeln!(
                text,
                "| [{id}]({id}.md) | {severity} | {summary} |",
                id = meta.id
            );
        }
    }
    text
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules")
    }

    /// `UPDATE=1 cargo test -p secretlint` writes the pages.
    #[test]
    fn the_pages_are_up_to_date() {
        let rules = secretlint_rules::rules();
        let metas = metas(&rules);
        let mut pages = vec![("index.md".to_owned(), index(&metas))];
        pages.extend(
            metas
                .iter()
                .map(|meta| (format!("{}.md", meta.id), page(meta))),
        );
        let update = std::env::var_os("UPDATE").is_some();
        if update {
            let _ = std::fs::remove_dir_all(folder());
            std::fs::create_dir_all(folder()).unwrap();
        }
        let mut stale = Vec::new();
        for (name, text) in &pages {
            let path = folder().join(name);
            if update {
                std::fs::write(&path, text).unwrap();
            } else if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
                stale.push(name);
            }
        }
        assert!(
            stale.is_empty(),
            "stale, write them with UPDATE=1: {stale:?}"
        );
        let wanted: BTreeSet<_> = pages.into_iter().map(|(name, _)| name).collect();
        let there: BTreeSet<_> = std::fs::read_dir(folder())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(there, wanted);
    }

    #[test]
    fn every_rule_says_what_why_and_what_to_do() {
        let rules = secretlint_rules::rules();
        for meta in metas(&rules) {
            let page = page(meta);
            for part in [&meta.summary, &meta.why, &meta.help] {
                assert!(!part.trim().is_empty(), "{}", meta.id);
                assert!(page.contains(part.trim()), "{}: lacks `{part}`", meta.id);
            }
        }
    }

    #[test]
    fn the_json_list_can_be_read() {
        let rules = secretlint_rules::rules();
        let list: serde_json::Value = serde_json::from_str(&json_list(&metas(&rules))).unwrap();
        assert!(list.as_array().unwrap().len() > 250);
        assert!(list[0]["page"].as_str().unwrap().ends_with(".md"));
    }
}
