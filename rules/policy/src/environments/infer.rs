//! The environment of one path. Looks from the file upwards: the closest name decides.

use super::names::{WEAK, canonical, canonical_pair};

/// Folders whose children are environments, so that every usual name counts there.
const CONTAINERS: &[&str] = &[
    "account",
    "accounts",
    "config",
    "configs",
    "deployments",
    "env",
    "environment",
    "environments",
    "envs",
    "live",
    "tfvars",
    "vars",
    "workspaces",
];

/// Words beside an environment's name that do not change it: regions, clouds, "env" itself.
const NEUTRAL: &[&str] = &[
    "account",
    "af",
    "ap",
    "asia",
    "aws",
    "azure",
    "ca",
    "central",
    "cluster",
    "cn",
    "east",
    "env",
    "environment",
    "eu",
    "europe",
    "gcp",
    "gov",
    "il",
    "me",
    "mx",
    "north",
    "northeast",
    "northwest",
    "region",
    "sa",
    "south",
    "southeast",
    "southwest",
    "uk",
    "us",
    "west",
];

/// Words of variable and backend files that are not part of a name.
const FILE_WORDS: &[&str] = &[
    "auto",
    "backend",
    "config",
    "gcs",
    "azurerm",
    "s3",
    "terraform",
    "variables",
    "vars",
];

/// An environment that a path suggests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inferred<'p> {
    /// Its canonical name.
    pub environment: &'static str,
    /// The folder or file name that decided.
    pub segment: &'p str,
    /// Where that segment starts in the path, in bytes.
    pub start: usize,
}

/// The environment that the path of a file suggests. `path` is relative to the root of the tree and
/// uses `/`, so that names above the tree do not count.
pub fn infer(path: &str) -> Option<Inferred<'_>> {
    let (folders, file) = path
        .rsplit_once('/')
        .map_or(("", path), |(folders, file)| (folders, file));
    let folders = own_folders(folders);
    let parent = folders.last().map(|(_, name)| *name);
    // A module is used by environments; its files belong to none.
    let inside_module = path.split('/').rev().skip(1).any(is_module_folder);
    let from_file = (!inside_module).then(|| from_file(file, parent)).flatten();
    from_file
        .map(|environment| Inferred {
            environment,
            segment: file,
            start: path.len() - file.len(),
        })
        .or_else(|| {
            (0..folders.len()).rev().find_map(|index| {
                let (start, segment) = folders[index];
                let above = index.checked_sub(1).map(|above| folders[above].1);
                from_folder(segment, above).map(|environment| Inferred {
                    environment,
                    segment,
                    start,
                })
            })
        })
}

/// The folders above the first `modules`, with their positions.
fn own_folders(folders: &str) -> Vec<(usize, &str)> {
    let position = |name: &str| name.as_ptr() as usize - folders.as_ptr() as usize;
    let names = folders
        .split('/')
        .take_while(|name| !is_module_folder(name));
    names
        .filter(|name| !matches!(*name, "" | "."))
        .map(|name| (position(name), name))
        .collect()
}

fn is_module_folder(name: &str) -> bool {
    matches!(
        name,
        "modules" | "module" | "_modules" | "tf-modules" | "terraform-modules"
    )
}

fn is_container(parent: Option<&str>) -> bool {
    let is_one = |name: &str| {
        CONTAINERS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    parent.is_some_and(is_one)
}

fn from_folder(name: &str, parent: Option<&str>) -> Option<&'static str> {
    let contained = is_container(parent);
    if let Some(environment) = canonical(name) {
        return (contained || !is_weak(name)).then_some(environment);
    }
    let words = words(name);
    let suffix = ends_with_environment(&words);
    only_environment(&words, |rest| contained || suffix || all_neutral(rest))
}

/// Whether a compound name ends as environments do: `payments-prod`, `cluster_non_prod`. The word
/// `stage` is left out, because many things have stages.
fn ends_with_environment(words: &[&str]) -> bool {
    let [.., before, last] = words else {
        return false;
    };
    // Something "in development" is not an environment.
    let phrase = matches!(before.to_ascii_lowercase().as_str(), "in" | "under");
    canonical(last).is_some() && !phrase && !is_weak(last) && !last.eq_ignore_ascii_case("stage")
}

fn from_file(name: &str, parent: Option<&str>) -> Option<&'static str> {
    let stem = name.split('.').next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let is_variables = [".tfvars", ".tfbackend", ".pkrvars"]
        .iter()
        .any(|mark| lower.contains(mark));
    let is_backend = lower.contains("backend")
        && [".hcl", ".conf", ".tf"]
            .iter()
            .any(|end| lower.ends_with(end));
    if is_variables || is_backend {
        let words: Vec<_> = words(name)
            .into_iter()
            .filter(|word| !is_file_word(word))
            .collect();
        if let [only] = words[..] {
            return canonical(only);
        }
        return only_environment(&words, |_| true);
    }
    let extension = &lower[stem.len()..];
    let is_configuration = matches!(extension, ".tf" | ".tofu" | ".hcl" | ".tf.json");
    if is_container(parent) {
        return canonical(stem);
    }
    only_environment(&words(stem), all_neutral).filter(|_| is_configuration)
}

fn is_file_word(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    FILE_WORDS.contains(&lower.as_str())
        || matches!(
            lower.as_str(),
            "tfvars" | "tfbackend" | "pkrvars" | "json" | "hcl" | "conf" | "tf"
        )
}

fn is_weak(word: &str) -> bool {
    WEAK.contains(&word.to_ascii_lowercase().as_str())
}

fn is_neutral(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let numbered = lower.trim_end_matches(|c: char| c.is_ascii_digit());
    numbered.len() <= 1 || NEUTRAL.contains(&numbered)
}

fn all_neutral(words: &[&str]) -> bool {
    words.iter().all(|word| is_neutral(word))
}

fn words(name: &str) -> Vec<&str> {
    name.split(['-', '_', '.'])
        .filter(|word| !word.is_empty())
        .collect()
}

/// The one environment among the words, when there is exactly one and `rest` accepts the others.
/// Two neighbouring words are tried first: `pre-prod` and `non-prod` are not `prod`.
fn only_environment(words: &[&str], rest: impl Fn(&[&str]) -> bool) -> Option<&'static str> {
    let mut found = None;
    let mut others = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let pair = words
            .get(index + 1)
            .and_then(|next| canonical_pair(words[index], next));
        let environment =
            pair.or_else(|| canonical(words[index]).filter(|_| !is_weak(words[index])));
        match (environment, found) {
            (None, _) => others.push(words[index]),
            (Some(new), Some(old)) if new != old => return None,
            (Some(new), _) => found = Some(new),
        }
        index += if pair.is_some() { 2 } else { 1 };
    }
    found.filter(|_| rest(&others))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usual_layouts() {
        for (path, expected) in [
            ("live/prod/db/terragrunt.hcl", Some(("prod", "prod"))),
            ("environments/staging/main.tf", Some(("staging", "staging"))),
            ("envs/dev/us-east-1/main.tf", Some(("dev", "dev"))),
            ("infra/production/main.tf", Some(("prod", "production"))),
            (
                "live/accounts/dev/eu/prod/vpc/main.tf",
                Some(("prod", "prod")),
            ),
            (
                "terraform/prod-eu-west-1/main.tf",
                Some(("prod", "prod-eu-west-1")),
            ),
            ("environments/acme-prd/main.tf", Some(("prod", "acme-prd"))),
            ("environments/test/main.tf", Some(("test", "test"))),
            ("prod.tfvars", Some(("prod", "prod.tfvars"))),
            ("dev/prod.tfvars", Some(("prod", "prod.tfvars"))),
            (
                "vars/stg.auto.tfvars.json",
                Some(("staging", "stg.auto.tfvars.json")),
            ),
            ("test.tfvars", Some(("test", "test.tfvars"))),
            (
                "terraform.prod.tfvars",
                Some(("prod", "terraform.prod.tfvars")),
            ),
            ("acme-prod-eu.tfvars", Some(("prod", "acme-prod-eu.tfvars"))),
            ("pre-prod.tfvars", Some(("preprod", "pre-prod.tfvars"))),
            (
                "acme-non-prod.tfvars",
                Some(("nonprod", "acme-non-prod.tfvars")),
            ),
            ("backend-qa.hcl", Some(("qa", "backend-qa.hcl"))),
            ("prod.s3.tfbackend", Some(("prod", "prod.s3.tfbackend"))),
            (
                "config/backend.prod.conf",
                Some(("prod", "backend.prod.conf")),
            ),
            ("environments/prod.yaml", Some(("prod", "prod.yaml"))),
            ("prod.tf", Some(("prod", "prod.tf"))),
            ("environment-prod.tf", Some(("prod", "environment-prod.tf"))),
            ("keycloak-dev/main.tf", Some(("dev", "keycloak-dev"))),
            ("waf_non_prod/main.tf", Some(("nonprod", "waf_non_prod"))),
            ("live/prod/env.hcl", Some(("prod", "prod"))),
            (
                "environments/prod/modules/db/main.tf",
                Some(("prod", "prod")),
            ),
            ("./sandbox/main.tf", Some(("sandbox", "sandbox"))),
        ] {
            let inferred = infer(path);
            assert_eq!(
                inferred.map(|found| (found.environment, found.segment)),
                expected,
                "{path}"
            );
            if let Some(found) = inferred {
                assert!(path[found.start..].starts_with(found.segment), "{path}");
            }
        }
    }

    #[test]
    fn names_that_only_look_like_environments_do_not_count() {
        for path in [
            "main.tf",
            "terraform.tfvars",
            "test/main.tf",
            "tests/integration/main.tf",
            "modules/prod/main.tf",
            "modules/db/prod.tfvars",
            "dev-tools/main.tf",
            "prod-infra/main.tf",
            "products/main.tf",
            "live/main.tf",
            "load/main.tf",
            "review/app/main.tf",
            "dev-to-prod.tfvars",
            "test.tf",
            "dev.example.com.tf",
            "westa-hub-stage.tf",
            "deploy_stage/main.tf",
            "dev-override-provider/main.tf",
            "lambda_staging_export/main.tf",
            "test/acceptance/main.tf",
            "in-development/main.tf",
            "stage_gates/main.tf",
            "",
            "/",
        ] {
            assert_eq!(infer(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_path_has_an_answer_inside_it(path in "([a-z/.-]|prod|dev|pre|é|modules){0,12}") {
            if let Some(found) = infer(&path) {
                prop_assert_eq!(&path[found.start..found.start + found.segment.len()], found.segment);
            }
        }
    }
}
