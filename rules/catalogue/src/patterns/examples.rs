//! Runs the examples that patterns carry: what `secretlint rules test` does.

use super::{Catalogue, Class, expand_example};

/// An example that does not do what its list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleFailure {
    /// Id of the pattern.
    pub pattern: String,
    /// The list, `match` or `ignore`, and the index in it.
    pub place: (&'static str, usize),
    /// What happened instead.
    pub what: String,
}

impl std::fmt::Display for ExampleFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (list, index) = self.place;
        write!(
            f,
            "pattern `{}`: {list}[{index}]: {}",
            self.pattern, self.what
        )
    }
}

/// Runs every example of every pattern. An example under `match` must be found by its pattern and
/// not be taken for a placeholder; one under `ignore` must not be found by its pattern, except
/// as a placeholder. Empty = all is well.
#[must_use]
pub fn test_examples(catalogue: &Catalogue) -> Vec<ExampleFailure> {
    let mut failures = Vec::new();
    for pattern in catalogue.patterns() {
        let lists = [("match", &pattern.matches), ("ignore", &pattern.ignore)];
        for (list, examples) in lists {
            for (index, example) in examples.iter().enumerate() {
                if let Err(what) = run(catalogue, &pattern.id, example, list == "match") {
                    let place = (list, index);
                    failures.push(ExampleFailure {
                        pattern: pattern.id.to_string(),
                        place,
                        what,
                    });
                }
            }
        }
    }
    failures
}

fn run(catalogue: &Catalogue, id: &str, example: &str, wanted: bool) -> Result<(), String> {
    let text = expand_example(example).map_err(|error| error.to_string())?;
    let best = catalogue
        .scan(&text)
        .into_iter()
        .filter(|found| found.pattern.id == id)
        .map(|found| found.class)
        .max();
    match (wanted, best) {
        (true, None) => Err("is not found".to_owned()),
        (true, Some(Class::Placeholder)) => Err("is taken for a placeholder".to_owned()),
        (false, Some(Class::Real | Class::Test)) => Err("is reported".to_owned()),
        _ => Ok(()),
    }
}
