//! The environment variables the program looks at, read once at the start.

use std::ffi::OsString;

/// What the environment says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// `NO_COLOR` is set and not empty.
    pub(crate) no_color: bool,
    /// `CLICOLOR=0`.
    pub(crate) clicolor_off: bool,
    /// `CLICOLOR_FORCE` is set and not `0`.
    pub(crate) clicolor_force: bool,
    /// A CI system runs the program, or the terminal is a dumb one: nobody watches.
    pub(crate) unwatched: bool,
    /// The commit a CI job runs on.
    pub(crate) commit: Option<String>,
}

impl Environment {
    /// Reads the process's environment.
    pub(crate) fn read() -> Self {
        Self::from(|name| std::env::var_os(name))
    }

    fn from(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| {
            get(name)
                .filter(|value| !value.is_empty())
                .map(|value| value.to_string_lossy().into_owned())
        };
        Self {
            no_color: text("NO_COLOR").is_some(),
            clicolor_off: text("CLICOLOR").as_deref() == Some("0"),
            clicolor_force: text("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            unwatched: text("CI").is_some_and(|value| value != "false")
                || text("TERM").is_none_or(|value| value == "dumb"),
            commit: [
                "CI_COMMIT_SHA",
                "GITHUB_SHA",
                "BUILD_SOURCEVERSION",
                "GIT_COMMIT",
            ]
            .into_iter()
            .find_map(text)
            .filter(|commit| commit.bytes().all(|byte| byte.is_ascii_hexdigit())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Environment {
        Environment::from(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn empty_variables_count_as_unset() {
        assert!(!of(&[("NO_COLOR", "")]).no_color);
        assert!(of(&[("NO_COLOR", "1")]).no_color);
        assert!(!of(&[("CLICOLOR_FORCE", "0")]).clicolor_force);
    }

    #[test]
    fn the_commit_comes_from_the_ci_system() {
        let both = of(&[("GITHUB_SHA", "abc1"), ("CI_COMMIT_SHA", "def2")]);
        assert_eq!(both.commit.as_deref(), Some("def2"));
        assert_eq!(of(&[("GIT_COMMIT", "not a commit")]).commit, None);
    }
}
