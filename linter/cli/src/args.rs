//! What was typed. What it means is decided once, in `settings`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::output::Format;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "secretlint",
    version,
    about = "Finds secrets in HCL: hardcoded, shared across environments, on their way to state.",
    after_help = "Exit codes: 0 clean (notes do not count), 1 findings, 2 could not run.",
    args_conflicts_with_subcommands = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) check: CheckArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Lint files and folders (the default)
    Check(CheckArgs),
    /// Repair findings in place
    Fix(FixArgs),
    /// Explain a rule: what, why, example, repair
    Explain {
        /// The rule's id
        rule: String,
    },
    /// List the rules, or test the examples of credential patterns
    Rules(RulesArgs),
    /// Accept today's findings, or forget those that are gone
    Baseline {
        #[command(subcommand)]
        action: BaselineAction,
    },
    /// Write a first secretlint.toml and secretref.toml from what is in the tree
    Init,
    /// Say whether an environment may use a secret reference, and why
    Policy(PolicyArgs),
    /// Serve an editor over standard input and output
    Lsp,
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

/// What to read, and what decides about it.
#[derive(Debug, Default, Args)]
pub(crate) struct ScopeArgs {
    /// Files and folders; `-` is standard input [default: the current folder]
    #[arg(value_name = "PATHS")]
    pub(crate) paths: Vec<PathBuf>,
    /// Name for the text from standard input, which decides its kind
    #[arg(long, value_name = "NAME")]
    pub(crate) stdin_filename: Option<String>,
    /// Configuration file [default: secretlint.toml, found upward]
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub(crate) config: Option<PathBuf>,
    /// Ignore configuration files
    #[arg(long)]
    pub(crate) no_config: bool,
    /// Policy file [default: secretref.toml, found upward]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// Baseline file [default: the configured one]
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Report only these rules or families
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) select: Vec<String>,
    /// Do not report this rule or family
    #[arg(
        long,
        short = 'A',
        visible_alias = "ignore",
        value_name = "RULE",
        value_delimiter = ','
    )]
    pub(crate) allow: Vec<String>,
    /// Report this rule or family as a warning
    #[arg(long, short = 'W', value_name = "RULE", value_delimiter = ',')]
    pub(crate) warn: Vec<String>,
    /// Report this rule or family as an error
    #[arg(long, short = 'D', value_name = "RULE", value_delimiter = ',')]
    pub(crate) deny: Vec<String>,
    /// Comments, allow lists and the baseline silence nothing: for audits
    #[arg(long)]
    pub(crate) no_suppress: bool,
    /// Do not obey ignore files
    #[arg(long)]
    pub(crate) no_ignore: bool,
    /// Look into hidden files and folders
    #[arg(long)]
    pub(crate) hidden: bool,
    /// Number of threads [default: one for each processor]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,
}

#[derive(Debug, Default, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Report only files that changed since this revision
    #[arg(long, value_name = "REV", conflicts_with = "staged")]
    pub(crate) since: Option<String>,
    /// Report only what is staged for the next commit, as it is staged
    #[arg(long)]
    pub(crate) staged: bool,
    /// Search all commits instead of the tree; with --since, those that REV does not reach
    #[arg(long, conflicts_with = "staged")]
    pub(crate) history: bool,
    /// Form of the report: human, short, json, jsonl, sarif, github, gitlab-codequality,
    /// gitlab-secret-detection, junit, checkstyle or html
    // The list above keeps `--help` on one screen.
    #[arg(long, short, value_enum, default_value_t = Format::Human, hide_possible_values = true, hide_default_value = true)]
    pub(crate) format: Format,
    /// Write the report to FILE; FORMAT=FILE writes a further one (repeatable)
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Vec<String>,
    /// End with 0 in spite of findings
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// Colour: auto, always or never
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto, hide_possible_values = true, hide_default_value = true)]
    pub(crate) color: Colour,
    /// Findings only, no summary
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say what decided the run and how long it took
    #[arg(long, short, visible_alias = "stats")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FixArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Show the changes, write nothing
    #[arg(long)]
    pub(crate) diff: bool,
    /// Also apply fixes that change what the configuration does
    #[arg(long = "unsafe")]
    pub(crate) unsafe_fixes: bool,
    /// Also change lines that git could not give back
    #[arg(long)]
    pub(crate) allow_dirty: bool,
    /// Apply the fixes of this rule only (repeatable)
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) rule: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RulesArgs {
    /// Form of the list
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    pub(crate) format: ListFormat,
    #[command(subcommand)]
    pub(crate) action: Option<RulesAction>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesAction {
    /// Run the examples of the built-in and the configured credential patterns
    Test {
        /// Configuration file [default: secretlint.toml, found upward]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineAction {
    /// Write the baseline: accept every finding there is now
    Update(BaselineArgs),
    /// Remove entries whose finding is gone; accepts nothing new
    Prune(BaselineArgs),
}

#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// Also count what the commits hold
    #[arg(long)]
    pub(crate) history: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// The reference, such as `vault+prod://kv/payments/db#password`
    pub(crate) reference: String,
    /// The environment that wants it
    #[arg(long, short, value_name = "NAME", conflicts_with = "path")]
    pub(crate) environment: Option<String>,
    /// A file of the tree, whose environment wants it
    #[arg(long, value_name = "FILE")]
    pub(crate) path: Option<String>,
    /// Policy file [default: secretref.toml, found upward]
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// In a terminal, unless `NO_COLOR` or `CLICOLOR` say otherwise
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    #[default]
    Text,
    Json,
    Markdown,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_fits_a_screen() {
        let command = Cli::command().term_width(100);
        let shown = command.try_get_matches_from(["secretlint", "--help"]);
        let help = shown.unwrap_err().to_string();
        assert!(help.lines().count() <= 55, "{help}");
    }

    #[test]
    fn check_is_the_default_command() {
        let short = Cli::try_parse_from(["secretlint", "--staged", "live"]).unwrap();
        assert!(short.command.is_none());
        assert!(short.check.staged);
        let long = Cli::try_parse_from(["secretlint", "check", "--staged", "live"]).unwrap();
        let Some(Command::Check(args)) = long.command else {
            panic!("not check")
        };
        assert_eq!(args.scope.paths, short.check.scope.paths);
    }
}
