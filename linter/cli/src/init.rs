//! `secretlint init`: a first `secretlint.toml` and `secretref.toml` from what is in the tree.
//! Existing files are never touched.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use secret_policy::policy::{Draft, FILE_NAME as POLICY};
use secret_policy::{SecretRef, environments};
use secretlint_engine::config::FILE_NAME as CONFIG;

use crate::args::ScopeArgs;
use crate::check::Ending;
use crate::error::CliError;
use crate::output::write_atomically;
use crate::settings::{BaselineUse, Scope};

const CONFIG_TEXT: &str = "\
# Settings of secretlint. Every key is described by its JSON Schema; `secretlint rules` lists the rules.

[files]
exclude = []

# Level by rule or family: off, on, note, warning, error.
[rules]

[suppressions]
# A comment that silences a finding must say why.
require-reason = true
";

/// Writes both files.
pub(crate) fn run() -> Result<Ending, CliError> {
    let args = ScopeArgs {
        no_config: true,
        ..ScopeArgs::default()
    };
    let scope = Scope::new(&args, BaselineUse::Leave)?;
    for name in [CONFIG, POLICY] {
        if scope.root.join(name).exists() {
            return Err(CliError::Usage(format!(
                "{name} exists already; init writes first files only"
            )));
        }
    }
    let report = scope.lint(None, None)?;
    let draft = draft(&scope.root, &report.paths)?;
    write(&scope.root.join(CONFIG), CONFIG_TEXT)?;
    write(&scope.root.join(POLICY), &draft.to_toml())?;
    let names: Vec<_> = draft.environments.keys().map(String::as_str).collect();
    writeln!(
        std::io::stdout(),
        "{CONFIG} and {POLICY} written; environments found: {}",
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    )?;
    Ok(Ending::Clean)
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    write_atomically(path, |out| out.write_all(text.as_bytes()))
}

/// The environments of the tree, with the references their files hold.
fn draft(root: &Path, paths: &[String]) -> Result<Draft, CliError> {
    let mut draft = Draft::default();
    for path in paths {
        let Some(found) = environments::infer(path) else {
            continue;
        };
        let environment = draft
            .environments
            .entry(found.environment.to_owned())
            .or_default();
        environment.paths.insert(glob(path, found.segment));
        let full = root.join(path);
        let text = std::fs::read(&full).map_err(|source| CliError::Read { path: full, source })?;
        environment
            .refs
            .extend(references(&String::from_utf8_lossy(&text)));
    }
    Ok(draft)
}

/// The folder that names the environment and everything in it, or the one file.
fn glob(path: &str, segment: &str) -> String {
    let mut folder = String::new();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            break;
        }
        folder.push_str(part);
        folder.push('/');
        if part == segment {
            return folder + "**";
        }
    }
    path.to_owned()
}

/// Quoted secret references in a text.
fn references(text: &str) -> BTreeSet<SecretRef> {
    text.split(['"', '\n'])
        .filter(|part| part.contains("://"))
        .filter_map(|part| SecretRef::parse(part).ok())
        .map(|parsed| parsed.reference)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_the_folder_that_names_it() {
        assert_eq!(glob("live/prod/db/main.tf", "prod"), "live/prod/**");
        assert_eq!(glob("vars/prod.tfvars", "prod"), "vars/prod.tfvars");
    }

    #[test]
    fn references_are_read_from_strings() {
        let found =
            references("ref = \"local://dev/db#password\"\nurl = \"https://example.com\"\n");
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["local://dev/db#password"]);
    }
}
