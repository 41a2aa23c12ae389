//! The parts of a reference.

use secret_policy::SecretRef;

use crate::error::{ErrorKind, Operation, Result, StoreError};

/// The folder name that stands for dynamic secrets.
const DYNAMIC: &str = "dynamic-secrets";

/// A folder of secrets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Folder {
    /// Slug or id.
    pub(super) project: String,
    pub(super) environment: String,
    /// Starts with a slash.
    pub(super) path: String,
}

/// A secret, or a dynamic secret that makes some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) folder: Folder,
    pub(super) name: String,
    pub(super) dynamic: bool,
}

impl Place {
    pub(super) fn of(operation: Operation, reference: &SecretRef) -> Result<Self> {
        let [project, environment, folders @ .., name] = reference.segments() else {
            return Err(StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                "a secret of Infisical is `project/environment/[folder/]NAME`",
            ));
        };
        let (folders, dynamic) = match folders {
            [outer @ .., last] if last == DYNAMIC => (outer, true),
            folders => (folders, false),
        };
        Ok(Self {
            folder: Folder {
                project: project.clone(),
                environment: environment.clone(),
                path: format!("/{}", folders.join("/")),
            },
            name: name.clone(),
            dynamic,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_dynamic_secrets_are_told_apart() {
        for (text, path, name, dynamic) in [
            ("infisical://p/prod/KEY", "/", "KEY", false),
            ("infisical://p/prod/a/b/KEY", "/a/b", "KEY", false),
            ("infisical://p/prod/dynamic-secrets/pg", "/", "pg", true),
            ("infisical://p/prod/a/dynamic-secrets/pg", "/a", "pg", true),
        ] {
            let place = Place::of(Operation::Open, &text.parse().unwrap()).unwrap();
            assert_eq!(place.folder.path, path, "{text}");
            assert_eq!(
                (place.name.as_str(), place.dynamic),
                (name, dynamic),
                "{text}"
            );
        }
    }
}
