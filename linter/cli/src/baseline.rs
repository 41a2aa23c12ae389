//! `secretlint baseline`: findings a project accepts for now, in a file that may be committed.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use rand::RngExt as _;
use secretlint_core::report::ReportedFinding;
use secretlint_core::{Family, Report};
use secretlint_engine::{Baseline, RuleNames};

use crate::args::{BaselineAction, BaselineArgs, ScopeArgs};
use crate::check::Ending;
use crate::error::CliError;
use crate::history;
use crate::output::write_atomically;
use crate::settings::{BaselineUse, Scope};

/// Used when neither the command line nor the configuration names a file.
const DEFAULT: &str = ".secretlint-baseline.json";

/// Updates or prunes the baseline.
pub(crate) fn run(action: &BaselineAction) -> Result<Ending, CliError> {
    match action {
        BaselineAction::Update(args) => {
            let (path, mut baseline, report, scope) = prepare(args)?;
            let names = RuleNames::new(&scope.rules);
            baseline.accept(acceptable(&report, &names));
            write(&path, &baseline)?;
            say(&format!(
                "{}: {} findings accepted",
                path.display(),
                baseline.len()
            ))
        }
        BaselineAction::Prune(args) => {
            let (path, mut baseline, report, _) = prepare(args)?;
            let removed = baseline.prune(&report.findings);
            write(&path, &baseline)?;
            say(&format!(
                "{}: {removed} entries removed, {} left",
                path.display(),
                baseline.len()
            ))
        }
    }
}

/// The baseline as it is, and what a run without it finds.
fn prepare(args: &BaselineArgs) -> Result<(PathBuf, Baseline, Report, Scope), CliError> {
    let mut scope = Scope::new(&args.scope, BaselineUse::Leave)?;
    let path = path(&args.scope, &scope);
    let baseline = match std::fs::read_to_string(&path) {
        Ok(text) => Baseline::parse(&text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Baseline::new(new_key())?,
        Err(source) => return Err(CliError::Read { path, source }),
    };
    let config = &mut scope.project.config;
    if !config.key.is_private() {
        config.key = baseline.key().clone();
    }
    let mut report = scope.lint(None, None)?;
    if args.history {
        let history = history::report(&scope, None, None)?;
        report.findings.extend(history.findings);
    }
    Ok((path, baseline, report, scope))
}

fn path(args: &ScopeArgs, scope: &Scope) -> PathBuf {
    if let Some(path) = &args.baseline {
        return scope.root.join(path);
    }
    let configured = scope.project.config.baseline_path.as_deref();
    let folder = scope.project.folder(&scope.root);
    folder.join(configured.unwrap_or(DEFAULT))
}

/// Everything but trouble with the linter's own files, which nobody wants to keep.
fn acceptable<'r>(
    report: &'r Report,
    names: &'r RuleNames<'_>,
) -> impl Iterator<Item = &'r ReportedFinding> {
    report.findings.iter().filter(|finding| {
        names
            .meta(&finding.rule)
            .is_none_or(|meta| meta.family != Family::Config)
    })
}

fn new_key() -> String {
    let bytes: [u8; 16] = rand::rng().random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write(path: &Path, baseline: &Baseline) -> Result<(), CliError> {
    let text = baseline.to_json()?;
    write_atomically(path, |out| out.write_all(text.as_bytes()))
}

fn say(text: &str) -> Result<Ending, CliError> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(Ending::Clean)
}
