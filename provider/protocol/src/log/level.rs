//! Which levels the host wants to see.

use std::collections::BTreeMap;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// Level when no variable says anything: what goes wrong is always worth a line.
const DEFAULT: LevelFilter = LevelFilter::WARN;

/// The levels of one provider's logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    all: LevelFilter,
    /// Rust crate names and their own levels.
    subsystems: Vec<(String, LevelFilter)>,
}

impl Levels {
    /// Reads the levels of the provider called `name` from environment variables.
    ///
    /// `TF_LOG_PROVIDER_<NAME>`, else `TF_LOG_PROVIDER`, else `TF_LOG` hold the level of all of our
    /// crates. `TF_LOG_PROVIDER_<NAME>_<CRATE>` holds that of one sub-system, for instance
    /// `TF_LOG_PROVIDER_SECRETREF_SECRET_STORES`.
    pub(crate) fn from_vars(name: &str, vars: &BTreeMap<&str, &str>) -> Self {
        let own = format!("TF_LOG_PROVIDER_{}", name.to_uppercase().replace('-', "_"));
        let all = [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
            .into_iter()
            .find_map(|key| vars.get(key));
        let subsystems = vars
            .iter()
            .filter_map(|(key, value)| {
                let subsystem = key.strip_prefix(&own)?.strip_prefix('_')?;
                Some((subsystem.to_lowercase(), parse(value)))
            })
            .collect();
        Self {
            all: all.map_or(DEFAULT, |text| parse(text)),
            subsystems,
        }
    }

    /// The level of all of our crates that have none of their own; `None` when they log nothing.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.all.into_level()
    }

    /// The filter for these levels. Crates other than `own_crates` are held at WARN: what HTTP and TLS
    /// libraries trace can include headers, and so credentials.
    pub(super) fn filter(&self, own_crates: &[&str]) -> Targets {
        let own = |name: &&str| own_crates.contains(name);
        Targets::new()
            .with_default(self.all.min(LevelFilter::WARN))
            .with_targets(own_crates.iter().map(|name| (*name, self.all)))
            .with_targets(
                self.subsystems
                    .iter()
                    .map(|(name, level)| (name.as_str(), *level))
                    .filter(|(name, _)| own(name)),
            )
    }
}

/// Parses a level as hosts do: case does not matter, and what they do not know means everything.
fn parse(text: &str) -> LevelFilter {
    match text.to_uppercase().as_str() {
        "OFF" => LevelFilter::OFF,
        "ERROR" => LevelFilter::ERROR,
        "WARN" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(vars: &[(&str, &str)]) -> Levels {
        Levels::from_vars("secret-ref", &vars.iter().copied().collect())
    }

    #[test]
    fn the_most_specific_variable_wins() {
        let all = [
            ("TF_LOG", "error"),
            ("TF_LOG_PROVIDER", "info"),
            ("TF_LOG_PROVIDER_SECRET_REF", "debug"),
        ];
        assert_eq!(levels(&all).level(), Some(Level::DEBUG));
        assert_eq!(levels(&all[..2]).level(), Some(Level::INFO));
        assert_eq!(levels(&all[..1]).level(), Some(Level::ERROR));
        assert_eq!(levels(&[]).level(), Some(Level::WARN));
    }

    #[test]
    fn json_and_unknown_levels_mean_everything() {
        for text in ["JSON", "json", "trace", "verbose"] {
            assert_eq!(levels(&[("TF_LOG", text)]).level(), Some(Level::TRACE));
        }
        assert_eq!(levels(&[("TF_LOG", "off")]).level(), None);
    }

    #[test]
    fn a_subsystem_has_its_own_level() {
        let filter = levels(&[
            ("TF_LOG", "off"),
            ("TF_LOG_PROVIDER_SECRET_REF_STORES", "debug"),
        ])
        .filter(&["stores", "wire"]);
        assert!(filter.would_enable("stores::vault", &Level::DEBUG));
        assert!(!filter.would_enable("stores::vault", &Level::TRACE));
        assert!(!filter.would_enable("wire", &Level::ERROR));
    }

    #[test]
    fn foreign_crates_log_what_goes_wrong_and_no_more() {
        let vars = [
            ("TF_LOG", "trace"),
            ("TF_LOG_PROVIDER_SECRET_REF_HYPER", "trace"),
        ];
        let filter = levels(&vars).filter(&["stores"]);
        assert!(filter.would_enable("stores", &Level::TRACE));
        assert!(filter.would_enable("hyper", &Level::WARN));
        assert!(!filter.would_enable("hyper", &Level::INFO));
    }
}
