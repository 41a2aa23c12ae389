//! Which level the host wants to see.

use tracing::Level;

/// Level when no variable says anything: what goes wrong is always worth a line.
const DEFAULT: Level = Level::WARN;

/// Reads the level for the provider called `name`: `TF_LOG_PROVIDER_<NAME>`, else `TF_LOG_PROVIDER`, else
/// `TF_LOG`. `None` means no logs at all.
pub(crate) fn from_lookup(name: &str, lookup: impl Fn(&str) -> Option<String>) -> Option<Level> {
    let own = format!("TF_LOG_PROVIDER_{}", name.to_uppercase().replace('-', "_"));
    [own.as_str(), "TF_LOG_PROVIDER", "TF_LOG"]
        .into_iter()
        .find_map(lookup)
        .map_or(Some(DEFAULT), |text| parse(&text))
}

/// Parses a level as hosts do: case does not matter, and what they do not know means everything.
fn parse(text: &str) -> Option<Level> {
    match text.to_uppercase().as_str() {
        "OFF" => None,
        "ERROR" => Some(Level::ERROR),
        "WARN" => Some(Level::WARN),
        "INFO" => Some(Level::INFO),
        "DEBUG" => Some(Level::DEBUG),
        _ => Some(Level::TRACE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(vars: &[(&str, &str)]) -> Option<Level> {
        from_lookup("secret-ref", |key| {
            vars.iter()
                .find(|(name, _)| *name == key)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_most_specific_variable_wins() {
        let all = [
            ("TF_LOG", "error"),
            ("TF_LOG_PROVIDER", "info"),
            ("TF_LOG_PROVIDER_SECRET_REF", "debug"),
        ];
        assert_eq!(level(&all), Some(Level::DEBUG));
        assert_eq!(level(&all[..2]), Some(Level::INFO));
        assert_eq!(level(&all[..1]), Some(Level::ERROR));
        assert_eq!(level(&[]), Some(Level::WARN));
    }

    #[test]
    fn json_and_unknown_levels_mean_everything() {
        for text in ["JSON", "json", "trace", "verbose"] {
            assert_eq!(level(&[("TF_LOG", text)]), Some(Level::TRACE));
        }
        assert_eq!(level(&[("TF_LOG", "off")]), None);
    }
}
