//! What `kubectl` asks before anything else: which kinds of objects there are.

use serde_json::{Value, json};

use super::super::http::{Reply, json as answer};
use super::status;

const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";

/// Answers a `GET` that is about no object.
pub(super) fn discover(path: &[&str]) -> Reply {
    match document(path) {
        Some(found) => answer(200, &found),
        None => status(
            404,
            "NotFound",
            "the server could not find the requested resource",
        ),
    }
}

fn document(path: &[&str]) -> Option<Value> {
    Some(match path {
        ["version"] => json!({
            "major": "1", "minor": "34", "gitVersion": "v1.34.0", "platform": "linux/amd64",
        }),
        ["api"] => {
            json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })
        }
        ["apis"] => {
            let group = |name: &str| {
                let version = json!({ "groupVersion": format!("{name}/v1"), "version": "v1" });
                json!({ "name": name, "versions": [version], "preferredVersion": version })
            };
            json!({
                "kind": "APIGroupList",
                "apiVersion": "v1",
                "groups": [group(AUTHENTICATION), group(AUTHORIZATION)],
            })
        }
        ["api", "v1"] => resources(
            "v1",
            &[
                ("secrets", "Secret", true),
                ("serviceaccounts", "ServiceAccount", true),
                ("serviceaccounts/token", "TokenRequest", true),
            ],
        ),
        ["apis", AUTHENTICATION, "v1"] => resources(
            "authentication.k8s.io/v1",
            &[
                ("selfsubjectreviews", "SelfSubjectReview", false),
                ("tokenreviews", "TokenReview", false),
            ],
        ),
        ["apis", AUTHORIZATION, "v1"] => resources(
            "authorization.k8s.io/v1",
            &[("selfsubjectaccessreviews", "SelfSubjectAccessReview", false)],
        ),
        _ => return None,
    })
}

fn resources(version: &str, all: &[(&str, &str, bool)]) -> Value {
    let resources: Vec<_> = all
        .iter()
        .map(|(name, kind, namespaced)| {
            json!({
                "name": name, "singularName": "", "namespaced": namespaced, "kind": kind,
                "verbs": ["create", "delete", "get", "list", "patch"],
            })
        })
        .collect();
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources,
    })
}
