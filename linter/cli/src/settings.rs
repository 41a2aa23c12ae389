//! What the command line means, validated once. Nothing below this file sees a flag.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use secret_policy::nearest;
use secretlint_core::{Rule, RuleMeta};
use secretlint_engine::project::{self, Project, Source, Sources};
use secretlint_engine::{Config, Level, RuleNames, TextInput, own_rules, to_text};

use crate::args::{CheckArgs, Colour, ScopeArgs};
use crate::environment::Environment;
use crate::error::CliError;
use crate::output::{Destination, Look};

/// Name of texts from standard input that were given none.
const UNNAMED: &str = "stdin.tf";

/// What to lint and how to judge it.
pub(crate) struct Scope {
    /// Folder the run started in.
    pub(crate) root: PathBuf,
    /// Files and folders.
    pub(crate) paths: Vec<PathBuf>,
    /// Standard input, when asked for.
    pub(crate) texts: Vec<TextInput>,
    /// The configuration, with the command line's wishes applied.
    pub(crate) project: Project,
    /// The shipped rules.
    pub(crate) rules: Vec<&'static dyn Rule>,
}

/// What a command does with the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BaselineUse {
    /// Accept what it accepts.
    Apply,
    /// The command works on the baseline itself.
    Leave,
}

impl Scope {
    /// Validates `args` and reads the project's files.
    pub(crate) fn new(args: &ScopeArgs, baseline: BaselineUse) -> Result<Self, CliError> {
        let root = current_folder()?;
        if let Some(threads) = args.threads {
            use_threads(threads)?;
        }
        let rules = secretlint_rules::rules();
        let project = project::load(
            &Sources {
                root: &root,
                config: named(args.config.as_deref(), args.no_config),
                policy: named(args.policy.as_deref(), false),
                baseline: named(args.baseline.as_deref(), baseline == BaselineUse::Leave),
                today: today(),
            },
            &RuleNames::new(&rules),
        )?;
        let (paths, texts) = inputs(args)?;
        let mut scope = Self {
            root,
            paths,
            texts,
            project,
            rules,
        };
        scope.apply(args)?;
        Ok(scope)
    }

    fn apply(&mut self, args: &ScopeArgs) -> Result<(), CliError> {
        let changes = level_changes(args, &self.rules, &self.project.config)?;
        let config = &mut self.project.config;
        for (id, level) in changes {
            config.set_level(&id, level);
        }
        config.files.hidden |= args.hidden;
        config.files.ignore_files &= !args.no_ignore;
        config.ignore_suppressions |= args.no_suppress;
        Ok(())
    }
}

/// Folder the program runs in.
pub(crate) fn current_folder() -> Result<PathBuf, CliError> {
    std::env::current_dir().map_err(|source| CliError::Read {
        path: ".".into(),
        source,
    })
}

/// The day of the run.
pub(crate) fn today() -> jiff::civil::Date {
    jiff::Zoned::now().date()
}

fn named(path: Option<&Path>, off: bool) -> Source<'_> {
    match path {
        _ if off => Source::Off,
        Some(path) => Source::Named(path),
        None => Source::Usual,
    }
}

fn use_threads(threads: usize) -> Result<(), CliError> {
    if threads == 0 {
        return Err(CliError::Usage("--threads takes a number from 1".into()));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global()
        .map_err(|error| CliError::Usage(format!("--threads {threads}: {error}")))
}

/// Paths from disk and the text from standard input.
fn inputs(args: &ScopeArgs) -> Result<(Vec<PathBuf>, Vec<TextInput>), CliError> {
    let is_stdin = |path: &PathBuf| path.as_os_str() == "-";
    let mut paths: Vec<_> = args.paths.clone();
    if !paths.iter().any(is_stdin) {
        if args.stdin_filename.is_some() {
            return Err(CliError::Usage(
                "--stdin-filename needs `-` among the paths".into(),
            ));
        }
        if paths.is_empty() {
            paths.push(".".into());
        }
        return Ok((paths, Vec::new()));
    }
    paths.retain(|path| !is_stdin(path));
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    let text =
        to_text(bytes).map_err(|reason| CliError::Usage(format!("standard input {reason}")))?;
    let path = args.stdin_filename.clone().unwrap_or(UNNAMED.into());
    Ok((paths, vec![TextInput { path, text }]))
}

/// Levels the command line sets, by rule id; later ones win.
fn level_changes(
    args: &ScopeArgs,
    rules: &[&dyn Rule],
    config: &Config,
) -> Result<Vec<(String, Level)>, CliError> {
    let own = project::own_patterns(config);
    let own: Vec<&dyn Rule> = own.iter().map(|rule| rule as &dyn Rule).collect();
    let all: Vec<&dyn Rule> = rules.iter().copied().chain(own).collect();
    let names = RuleNames::new(&all);
    let metas = || all.iter().flat_map(|rule| rule.metas()).chain(own_rules());
    let covered = |name: &String| -> Result<Vec<&RuleMeta>, CliError> {
        if !names.is_known(name) {
            return Err(unknown_rule(name, &names));
        }
        Ok(metas()
            .filter(|meta| names.covers(name, &meta.id))
            .collect())
    };
    let mut changes = Vec::new();
    let mut set = |metas: Vec<&RuleMeta>, level| {
        changes.extend(metas.into_iter().map(|meta| (meta.id.to_string(), level)));
    };
    if !args.select.is_empty() {
        set(metas().collect(), Level::Off);
        for name in &args.select {
            set(covered(name)?, Level::On);
        }
    }
    for (names, level) in [
        (&args.warn, Level::Warning),
        (&args.deny, Level::Error),
        (&args.allow, Level::Off),
    ] {
        for name in names {
            set(covered(name)?, level);
        }
    }
    Ok(changes)
}

/// The error for a rule nobody knows, with the nearest one there is.
pub(crate) fn unknown_rule(name: &str, names: &RuleNames<'_>) -> CliError {
    let hint = match nearest(name, names.all()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`secretlint rules` lists all rules".to_owned(),
    };
    CliError::Usage(format!("unknown rule or family `{name}`; {hint}"))
}

/// Where reports go: standard output and files.
pub(crate) fn destinations(args: &CheckArgs) -> Result<Vec<Destination>, CliError> {
    let mut all = Vec::new();
    for output in &args.output {
        let destination = Destination::parse(output, args.format)?;
        if all
            .iter()
            .any(|other: &Destination| other.path == destination.path)
        {
            return Err(CliError::Usage(format!("--output {output}: named twice")));
        }
        all.push(destination);
    }
    if all.iter().all(|destination| destination.is_extra) {
        all.insert(0, Destination::standard_output(args.format));
    }
    Ok(all)
}

/// How text for people may look on standard output.
pub(crate) fn look(colour: Colour, environment: &Environment) -> Look {
    let terminal = std::io::stdout().is_terminal();
    let detected = || supports_color::on(supports_color::Stream::Stdout).is_some();
    Look {
        colour: match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => wants_colour(environment, terminal, detected),
        },
        links: terminal && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout),
        unicode: !terminal || supports_unicode::on(supports_unicode::Stream::Stdout),
        width: width(terminal_size::terminal_size().map(|(width, _)| width.0)),
    }
}

fn wants_colour(environment: &Environment, terminal: bool, detected: impl Fn() -> bool) -> bool {
    if environment.no_color {
        return false;
    }
    if environment.clicolor_force {
        return true;
    }
    terminal && !environment.clicolor_off && detected()
}

/// Columns to wrap at: what is there, but neither unreadably narrow nor wide.
fn width(columns: Option<u16>) -> usize {
    usize::from(columns.unwrap_or(100)).clamp(32, 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(args: &ScopeArgs) -> Result<Vec<(String, Level)>, CliError> {
        level_changes(args, &secretlint_rules::rules(), &Config::new(today()))
    }

    #[test]
    fn select_turns_everything_else_off() {
        let args = ScopeArgs {
            select: vec!["syntax-error".into()],
            ..ScopeArgs::default()
        };
        let changes = changes(&args).unwrap();
        assert_eq!(changes.last().unwrap(), &("syntax-error".into(), Level::On));
        let off = changes.iter().filter(|(_, level)| *level == Level::Off);
        assert!(off.count() > 100);
    }

    #[test]
    fn an_unknown_rule_names_its_neighbour() {
        let args = ScopeArgs {
            deny: vec!["syntax-eror".into()],
            ..ScopeArgs::default()
        };
        let error = changes(&args).unwrap_err().to_string();
        assert!(error.contains("did you mean `syntax-error`?"), "{error}");
    }

    #[test]
    fn families_stand_for_their_rules() {
        let args = ScopeArgs {
            allow: vec!["config".into()],
            ..ScopeArgs::default()
        };
        let ids: Vec<_> = changes(&args).unwrap();
        assert!(ids.contains(&("unused-suppression".into(), Level::Off)));
        assert!(ids.iter().all(|(id, _)| id != "github-token"));
    }

    #[test]
    fn colour_follows_the_conventions() {
        let env = |no_color, clicolor_off, clicolor_force| Environment {
            no_color,
            clicolor_off,
            clicolor_force,
            unwatched: false,
            commit: None,
        };
        for (environment, terminal, wanted) in [
            (env(false, false, false), true, true),
            (env(false, false, false), false, false),
            (env(true, false, true), true, false),
            (env(false, true, false), true, false),
            (env(false, false, true), false, true),
        ] {
            assert_eq!(
                wants_colour(&environment, terminal, || true),
                wanted,
                "{environment:?}"
            );
        }
    }

    #[test]
    fn width_stays_readable() {
        assert_eq!(
            (width(None), width(Some(10)), width(Some(500))),
            (100, 32, 120)
        );
    }
}
