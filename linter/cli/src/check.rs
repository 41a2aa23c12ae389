//! `secretlint [check]`: one run of the engine, written wherever it was asked to go.

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::CommandFactory as _;
use secret_policy::nearest;
use secretlint_core::facts::Environments as _;
use secretlint_core::{Report, Rule, RuleMeta, Severity};
use secretlint_engine::{Input, Linter, Progress, own_rules, project};

use crate::args::{CheckArgs, Cli};
use crate::environment::Environment;
use crate::error::CliError;
use crate::history;
use crate::output::{Destination, Look, Surroundings, write_atomically};
use crate::progress::Bar;
use crate::revision::Changes;
use crate::settings::{BaselineUse, Scope, destinations, look};

/// How a run ended; the exit code says it to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing of level warning or error.
    Clean = 0,
    /// At least one finding of level warning or error.
    Findings = 1,
    /// Something could not be linted.
    Incomplete = 2,
}

/// Lints and reports.
pub(crate) fn run(args: &CheckArgs, environment: &Environment) -> Result<Ending, CliError> {
    let started = (Instant::now(), jiff::Timestamp::now());
    let destinations = destinations(args)?;
    refuse_misspelt_command(&args.scope.paths)?;
    let mut scope = Scope::new(&args.scope, BaselineUse::Apply)?;
    let counted = if args.history { "commits" } else { "files" };
    let bar = Bar::new(counted, args.quiet, environment);
    let report = if args.history {
        if history::is_shallow(&scope) && !args.quiet {
            writeln!(
                io::stderr(),
                "secretlint: this clone is shallow, its older commits are not searched; \
                 `git fetch --unshallow` gets them"
            )?;
        }
        history::report(&scope, args.since.as_deref(), bar.progress())?
    } else {
        let changes = Changes::of(args, &scope)?;
        if let Some(changes) = &changes {
            scope.texts.extend(changes.texts.iter().cloned());
        }
        let only = changes.as_ref().map(|changes| changes.paths.as_slice());
        scope.lint(only, bar.progress())?
    };
    bar.end();
    let own = project::own_patterns(&scope.project.config);
    let rules = scope.all_rules(own.as_ref().map(|own| own as &dyn Rule));
    let environments = scope.project.config.environments();
    let around = Surroundings {
        rules: &metas(&rules),
        look: look(args.color, environment),
        quiet: args.quiet,
        commit: environment.commit.as_deref(),
        times: (started.1, jiff::Timestamp::now()),
        environment_of: &|path| Some(environments.of_path(path)?.name.to_string()),
    };
    for destination in &destinations {
        write(&report, destination, &around)?;
    }
    if args.verbose {
        say_what_happened(&report, &scope, started.0)?;
    }
    Ok(ending(&report, args.exit_zero))
}

/// A first word that names no file but nearly a command is a slip, not a path.
fn refuse_misspelt_command(paths: &[PathBuf]) -> Result<(), CliError> {
    let Some(path) = paths.first() else {
        return Ok(());
    };
    let word = path.to_str().unwrap_or_default();
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    if !is_word || path.exists() {
        return Ok(());
    }
    let command = Cli::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    match nearest(word, names) {
        Some(near) => Err(CliError::Usage(format!(
            "there is no file or folder `{word}`; did you mean the command `{near}`?"
        ))),
        None => Ok(()),
    }
}

impl Scope {
    /// Runs the engine; only findings in `only` are reported when it is given.
    pub(crate) fn lint(
        &self,
        only: Option<&[String]>,
        progress: Option<&dyn Progress>,
    ) -> Result<Report, CliError> {
        let own = project::own_patterns(&self.project.config);
        let rules = self.all_rules(own.as_ref().map(|own| own as &dyn Rule));
        // The root is the current folder: relative paths save the system the way down to it, file by file.
        let below = |path: &PathBuf| match path.strip_prefix(&self.root) {
            Ok(below) => below.to_owned(),
            Err(_) => path.clone(),
        };
        let paths: Vec<PathBuf> = self.paths.iter().map(below).collect();
        let input = Input {
            root: Path::new("."),
            paths: &paths,
            texts: &self.texts,
            only,
        };
        let report = Linter::new(&rules, &self.project.config)
            .with_progress(progress)
            .lint(&input);
        if report.paths.is_empty() && report.unreadable.is_empty() && only.is_none() {
            let paths: Vec<_> = self
                .paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            return Err(CliError::Usage(format!(
                "nothing to lint in {}: no .tf, .tofu, .tfvars, .hcl, .nomad or .tf.json files; \
                 ignore files are obeyed unless --no-ignore is given",
                paths.join(", ")
            )));
        }
        Ok(report)
    }

    /// The shipped rules and the project's own patterns.
    pub(crate) fn all_rules<'r>(&self, own: Option<&'r dyn Rule>) -> Vec<&'r dyn Rule> {
        let shipped = self.rules.iter().map(|&rule| rule as &'r dyn Rule);
        shipped.chain(own).collect()
    }
}

/// What every rule says about itself, sorted by id.
pub(crate) fn metas<'r>(rules: &[&'r dyn Rule]) -> Vec<&'r RuleMeta> {
    let mut metas: Vec<&RuleMeta> = rules
        .iter()
        .flat_map(|rule| rule.metas())
        .chain(own_rules())
        .collect();
    metas.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    metas
}

fn write(
    report: &Report,
    destination: &Destination,
    around: &Surroundings<'_>,
) -> Result<(), CliError> {
    let Some(path) = &destination.path else {
        let mut out = BufWriter::new(io::stdout().lock());
        let written = destination.format.write(report, around, &mut out);
        return match written.and_then(|()| out.flush()) {
            // Whoever read our output has seen enough; the files are still written.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        };
    };
    let plain = Surroundings {
        look: Look::plain(),
        quiet: false,
        ..*around
    };
    write_atomically(path, |out| destination.format.write(report, &plain, out))
}

fn ending(report: &Report, exit_zero: bool) -> Ending {
    let fails = |severity| severity != Severity::Note;
    if !report.unreadable.is_empty() {
        Ending::Incomplete
    } else if !exit_zero
        && report
            .findings
            .iter()
            .any(|finding| fails(finding.severity))
    {
        Ending::Findings
    } else {
        Ending::Clean
    }
}

fn say_what_happened(report: &Report, scope: &Scope, started: Instant) -> io::Result<()> {
    let mut err = io::stderr().lock();
    let config = scope
        .project
        .config_path
        .as_ref()
        .map_or_else(|| "none".to_owned(), |path| path.display().to_string());
    let policy = scope.project.config.policy.as_ref();
    writeln!(err, "configuration: {config}")?;
    writeln!(
        err,
        "policy: {}",
        policy.map_or("none", |policy| policy.file())
    )?;
    writeln!(
        err,
        "looked at {} files, {} bytes, {} modules in {:.1} ms",
        report.stats.files,
        report.stats.bytes,
        report.stats.modules,
        started.elapsed().as_secs_f64() * 1000.0
    )
}
