//! What the ephemeral resources of AWS and Google Cloud have in common.

use secret_policy::{Scheme, SecretRef};
use tf_framework::prelude::*;

use crate::reference;

/// Checks `ref`, which must be of `scheme`.
pub(super) fn check(config: &Config, scheme: Scheme) -> Diagnostics {
    let mut problems = reference::check(config, "ref");
    let known = config.known::<String>("ref");
    if let Some(Ok(found)) = known.map(|text| SecretRef::parse(&text))
        && found.reference.scheme() != scheme
    {
        problems.push(
            Diagnostic::error("Reference of another kind")
                .detail(format!(
                    "This resource opens `{scheme}://{}`. Use `secretref_value` for stored secrets.",
                    scheme.path_form()
                ))
                .at("ref"),
        );
    }
    problems
}
