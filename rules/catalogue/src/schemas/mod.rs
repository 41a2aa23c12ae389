//! What providers say about their arguments: which are secret, which have write-only siblings,
//! which data sources put a secret into state. Facts are data in `schemas/<provider>.toml`;
//! the build turns them into tables, so nothing is parsed at start.

mod table;

use table::Table;

/// Something whose value is stored in state although it is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Local name of the provider.
    pub provider: &'static str,
    /// Its secret attributes.
    pub secret: &'static [&'static str],
    /// The ephemeral resource that gives the same value without storing it.
    pub ephemeral: Option<&'static str>,
    /// The provider version that brought the ephemeral resource.
    pub since: Option<&'static str>,
    /// True when only the object's name tells whether it is secret (parameter stores).
    pub named: bool,
}

/// A write-only sibling of an argument: `<argument>_wo` with `<argument>_wo_version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOnly {
    /// The argument that is stored, its last name only.
    pub argument: &'static str,
    /// The provider version that brought the sibling; `None` when it is not known.
    pub since: Option<&'static str>,
}

/// An ephemeral resource that stands in for a data source or a generating resource of the same shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ephemeral {
    /// Its arguments and nested blocks, without those that every block has.
    pub arguments: &'static [&'static str],
    /// The attributes that can be read from it.
    pub results: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/schemas.rs"));

/// True when `path`, joined by dots, is `names`.
fn is_path<'n>(path: &str, mut names: impl Iterator<Item = &'n str>) -> bool {
    path.split('.').all(|part| names.next() == Some(part)) && names.next().is_none()
}

/// True when `path`, joined by dots, is the beginning of `names`.
fn leads_to<'n>(path: &str, mut names: impl Iterator<Item = &'n str>) -> bool {
    path.split('.').all(|part| names.next() == Some(part))
}

/// True when the argument of a resource at that path is a secret, or is inside one
/// (`kubernetes_secret` `data.password`).
pub fn is_secret_argument<'n>(
    resource: &str,
    names: &(impl Iterator<Item = &'n str> + Clone),
) -> bool {
    ARGUMENTS
        .find(resource)
        .is_some_and(|paths| paths.iter().any(|path| leads_to(path, names.clone())))
}

/// True when an argument of the resource is a secret.
#[must_use]
pub fn takes_secret(resource: &str) -> bool {
    ARGUMENTS.find(resource).is_some()
}

/// True when a provider block's argument is a credential.
pub fn is_provider_credential<'n>(
    provider: &str,
    names: &(impl Iterator<Item = &'n str> + Clone),
) -> bool {
    PROVIDER_BLOCKS
        .find(provider)
        .is_some_and(|paths| paths.iter().any(|path| is_path(path, names.clone())))
}

/// True when a backend's (or remote state's) argument is a credential.
#[must_use]
pub fn is_backend_credential(backend: &str, name: &str) -> bool {
    BACKENDS
        .find(backend)
        .is_some_and(|names| names.contains(&name))
}

/// The write-only sibling of the argument at that path.
pub fn write_only<'n>(
    resource: &str,
    names: &(impl Iterator<Item = &'n str> + Clone),
) -> Option<WriteOnly> {
    let (path, since) = WRITE_ONLY
        .find(resource)?
        .iter()
        .find(|(path, _)| is_path(path, names.clone()))?;
    let argument = path.rsplit('.').next().unwrap_or(path);
    Some(WriteOnly {
        argument,
        since: (!since.is_empty()).then_some(*since),
    })
}

/// True when some argument of the resource has a write-only sibling.
#[must_use]
pub fn has_write_only(resource: &str) -> bool {
    WRITE_ONLY.find(resource).is_some()
}

/// The write-only siblings of a resource, as paths of the stored arguments; those whose version
/// argument is not known for certain are left out.
pub fn write_only_arguments(resource: &str) -> impl Iterator<Item = &'static str> {
    WRITE_ONLY
        .find(resource)
        .unwrap_or_default()
        .iter()
        .filter(|(_, since)| !since.is_empty())
        .map(|(path, _)| *path)
}

/// The argument by which the provider learns that a write-only value is a new one.
#[must_use]
pub fn version_argument(resource: &str, argument: &str) -> String {
    let word = if resource.starts_with("kubernetes_") {
        "revision"
    } else {
        "version"
    };
    format!("{argument}_wo_{word}")
}

/// The data source, when it puts a secret into state.
#[must_use]
pub fn stored_by_data(kind: &str) -> Option<Stored> {
    DATA.find(kind)
}

/// The resource, when it generates a secret into state.
#[must_use]
pub fn generated(kind: &str) -> Option<Stored> {
    GENERATED.find(kind)
}

/// The shape of an ephemeral resource, where it is known.
#[must_use]
pub fn ephemeral(kind: &str) -> Option<Ephemeral> {
    EPHEMERAL.find(kind)
}

/// True when a resource's computed attribute is secret.
#[must_use]
pub fn is_secret_result(kind: &str, attribute: &str) -> bool {
    RESULTS.find(kind).is_some_and(|paths| {
        paths
            .iter()
            .any(|path| path.rsplit('.').next() == Some(attribute))
    })
}

/// What to use instead of the long-lived credential that a resource creates.
#[must_use]
pub fn instead_of_long_lived(kind: &str) -> Option<&'static str> {
    LONG_LIVED.find(kind)
}

/// True for a value of the plain environment of a container, function or app.
pub fn is_environment<'n>(resource: &str, names: &(impl Iterator<Item = &'n str> + Clone)) -> bool {
    ENVIRONMENTS
        .find(resource)
        .is_some_and(|paths| paths.iter().any(|path| leads_to(path, names.clone())))
}

/// True for user data and start-up scripts.
pub fn is_user_data<'n>(resource: &str, names: &(impl Iterator<Item = &'n str> + Clone)) -> bool {
    USER_DATA
        .find(resource)
        .is_some_and(|paths| paths.iter().any(|path| leads_to(path, names.clone())))
}

/// The resources with a plain environment, and where it is.
#[cfg(test)]
pub(crate) fn environments() -> &'static [(&'static str, &'static [&'static str])] {
    ENVIRONMENTS.entries
}

/// The resources that take user data, and where.
#[cfg(test)]
pub(crate) fn user_data() -> &'static [(&'static str, &'static [&'static str])] {
    USER_DATA.entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'n>(names: &'n [&'n str]) -> impl Iterator<Item = &'n str> + Clone {
        names.iter().copied()
    }

    #[test]
    fn tables_are_sorted_and_find_their_names() {
        fn check<V: Copy>(table: &Table<V>) {
            let entries = table.entries;
            assert!(entries.windows(2).all(|pair| pair[0].0 < pair[1].0));
            assert!(!entries.is_empty());
            assert!(entries.iter().all(|(name, _)| table.find(name).is_some()));
            assert!(table.find("no_such_thing").is_none());
        }
        check(&ARGUMENTS);
        check(&BACKENDS);
        check(&DATA);
        check(&ENVIRONMENTS);
        check(&EPHEMERAL);
        check(&GENERATED);
        check(&LONG_LIVED);
        check(&PROVIDER_BLOCKS);
        check(&RESULTS);
        check(&USER_DATA);
        check(&WRITE_ONLY);
    }

    #[test]
    fn arguments_are_found_by_path() {
        assert!(is_secret_argument("aws_db_instance", &at(&["password"])));
        assert!(!is_secret_argument(
            "aws_db_instance",
            &at(&["password_wo"])
        ));
        assert!(is_secret_argument(
            "kubernetes_secret",
            &at(&["data", "user"])
        ));
        assert!(is_provider_credential(
            "helm",
            &at(&["kubernetes", "token"])
        ));
        assert!(is_backend_credential("s3", "secret_key"));
        assert!(is_secret_result("aws_iam_access_key", "secret"));
        assert!(!is_secret_result("aws_iam_access_key", "id"));
    }

    #[test]
    fn siblings_know_their_version() {
        let found = write_only("google_alloydb_cluster", &at(&["initial_user", "password"]));
        assert_eq!(
            found,
            Some(WriteOnly {
                argument: "password",
                since: Some("7.20.0")
            })
        );
        assert_eq!(write_only("aws_db_instance", &at(&["username"])), None);
    }

    #[test]
    fn versions_have_three_parts() {
        let versions = WRITE_ONLY
            .entries
            .iter()
            .flat_map(|(_, list)| list.iter().map(|(_, since)| *since));
        let stored = DATA
            .entries
            .iter()
            .chain(GENERATED.entries)
            .filter_map(|(_, stored)| stored.since);
        for version in versions.chain(stored).filter(|version| !version.is_empty()) {
            let parts: Vec<_> = version.split('.').map(str::parse::<u32>).collect();
            assert!(
                parts.len() == 3 && parts.iter().all(Result::is_ok),
                "{version}"
            );
        }
    }
}
