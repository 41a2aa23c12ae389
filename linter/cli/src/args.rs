//! What was typed. What it means is decided once, in `settings`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Format of the report
    #[arg(long, short, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    /// Write the report to FILE, or also in another FORMAT to FILE (repeatable)
    #[arg(long, short, value_name = "[FORMAT=]FILE")]
    pub(crate) output: Vec<String>,
    /// End with 0 in spite of findings
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// Colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    /// Findings only, no summary
    #[arg(long, short, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say what decided the run and how long it took
    #[arg(long, short, visible_alias = "stats")]
    pub(crate) verbose: bool,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
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
