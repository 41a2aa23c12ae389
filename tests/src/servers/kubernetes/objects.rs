//! Secrets: made, read, patched, removed.
//!
//! <https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/secret-v1/>

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value, json};

use super::super::double::{Asked, random};
use super::super::http::{Reply, json as answer};
use super::{Need, State, not_found, protobuf, status};

/// What all keys of a Secret may hold together, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

impl State {
    pub(super) fn put_secret(&mut self, namespace: &str, name: &str, keys: &[(&str, &[u8])]) {
        let data: Map<String, Value> = keys
            .iter()
            .map(|(key, value)| ((*key).to_owned(), BASE64_STANDARD.encode(value).into()))
            .collect();
        let object = json!({ "metadata": { "name": name }, "data": data });
        self.store(namespace, object, "kubectl-create");
    }

    pub(super) fn keys_of(&self, namespace: &str, name: &str) -> Option<BTreeMap<String, Vec<u8>>> {
        let object = self.secrets.get(&(namespace.to_owned(), name.to_owned()))?;
        let data = object["data"].as_object().into_iter().flatten();
        let keys = data.map(|(key, value)| {
            let encoded = value.as_str().unwrap_or_default();
            (
                key.clone(),
                BASE64_STANDARD.decode(encoded).unwrap_or_default(),
            )
        });
        Some(keys.collect())
    }

    /// A call on the Secrets of `namespace`.
    pub(super) fn secrets(
        &mut self,
        user: &str,
        namespace: &str,
        name: Option<&str>,
        asked: &Asked,
    ) -> Reply {
        let verb = match (asked.method.as_str(), name) {
            ("GET", Some(_)) => "get",
            ("GET", None) => "list",
            ("POST", None) => "create",
            ("PATCH", Some(_)) => "patch",
            ("DELETE", Some(_)) => "delete",
            _ => {
                return status(
                    405,
                    "MethodNotAllowed",
                    "the server does not allow this method on the requested resource",
                );
            }
        };
        let need = Need {
            verb,
            group: "",
            resource: "secrets",
            namespace,
        };
        if let Err(reply) = self.allow(user, need) {
            return *reply;
        }
        match name {
            None if verb == "list" => self.list(namespace),
            None => self.create(namespace, asked),
            Some(name) => self.one(verb, (namespace, name), asked),
        }
    }

    fn list(&self, namespace: &str) -> Reply {
        let items: Vec<_> = self
            .secrets
            .iter()
            .filter(|((its, _), _)| its == namespace)
            .map(|(_, object)| object)
            .collect();
        answer(
            200,
            &json!({ "kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": items }),
        )
    }

    fn create(&mut self, namespace: &str, asked: &Asked) -> Reply {
        let Some(object) = asked.object::<protobuf::Secret>() else {
            return status(400, "BadRequest", "the body is no Secret");
        };
        let Some(name) = object["metadata"]["name"].as_str().map(str::to_owned) else {
            return invalid(
                "",
                "metadata.name: Required value: name or generateName is required",
            );
        };
        if let Some(problem) = problem(&name, &object) {
            return problem;
        }
        let place = (namespace.to_owned(), name.clone());
        if self.secrets.contains_key(&place) {
            let message = format!("secrets {name:?} already exists");
            return status(409, "AlreadyExists", &message);
        }
        let stored = self.store(namespace, object, "secretref");
        shown(201, stored, asked)
    }

    fn one(&mut self, verb: &str, (namespace, name): (&str, &str), asked: &Asked) -> Reply {
        let place = (namespace.to_owned(), name.to_owned());
        let Some(found) = self.secrets.get(&place) else {
            return not_found("secrets", name);
        };
        match verb {
            "get" => shown(200, found, asked),
            "delete" => {
                let uid = found["metadata"]["uid"].clone();
                self.secrets.remove(&place);
                answer(
                    200,
                    &json!({
                        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                        "details": { "name": name, "kind": "secrets", "uid": uid },
                    }),
                )
            }
            _ => {
                let mut object = found.clone();
                let done = match asked.header("content-type") {
                    "application/json-patch+json" => patch(&mut object, &asked.body),
                    "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
                        merge(&mut object, &asked.body);
                        Some(())
                    }
                    _ => {
                        let message = "the body of the request was in an unknown format";
                        return status(415, "UnsupportedMediaType", message);
                    }
                };
                if done.is_none() {
                    let message = "the server rejected our request due to an error in our request";
                    return status(422, "Invalid", message);
                }
                if let Some(problem) = problem(name, &object) {
                    return problem;
                }
                let stored = self.store(namespace, object, "secretref");
                shown(200, stored, asked)
            }
        }
    }

    /// Stores an object with what the server adds to it.
    fn store(&mut self, namespace: &str, mut object: Value, manager: &str) -> &Value {
        let now = jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string();
        let version = self.next_version();
        let name = object["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if let Some(plain) = object
            .as_object_mut()
            .and_then(|all| all.remove("stringData"))
        {
            for (key, text) in plain.as_object().into_iter().flatten() {
                let text = text.as_str().unwrap_or_default();
                object["data"][key] = BASE64_STANDARD.encode(text).into();
            }
        }
        object["kind"] = "Secret".into();
        object["apiVersion"] = "v1".into();
        if object["type"].as_str().is_none_or(str::is_empty) {
            object["type"] = "Opaque".into();
        }
        let meta = &mut object["metadata"];
        meta["namespace"] = namespace.into();
        meta["resourceVersion"] = version.into();
        if meta["uid"].is_null() {
            let uid = format!("{}-{}-4000-8000-{}", random(8), random(4), random(12));
            meta["uid"] = uid.into();
            meta["creationTimestamp"] = now.clone().into();
        }
        meta["managedFields"] = json!([{
            "manager": manager, "operation": "Update", "apiVersion": "v1", "time": now,
            "fieldsType": "FieldsV1", "fieldsV1": { "f:data": {} },
        }]);
        let place = (namespace.to_owned(), name);
        self.secrets.insert(place.clone(), object);
        &self.secrets[&place]
    }
}

/// The object, or only its metadata where that was asked for.
fn shown(code: u16, object: &Value, asked: &Asked) -> Reply {
    if !asked.header("accept").contains("as=PartialObjectMetadata") {
        return answer(code, object);
    }
    answer(
        code,
        &json!({
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": object["metadata"],
        }),
    )
}

fn invalid(name: &str, what: &str) -> Reply {
    status(
        422,
        "Invalid",
        &format!("Secret {name:?} is invalid: {what}"),
    )
}

/// What is wrong with an object.
fn problem(name: &str, object: &Value) -> Option<Reply> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let outer = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.len() > 253
        || !name.chars().all(inner)
        || !name.starts_with(outer)
        || !name.ends_with(outer)
    {
        let what =
            format!("metadata.name: Invalid value: {name:?}: a lowercase RFC 1123 subdomain");
        return Some(invalid(name, &what));
    }
    let mut size = 0;
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if key.is_empty() || key.len() > 253 || !key.chars().all(fits) {
            let what = format!(
                "data[{key}]: Invalid value: a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
            );
            return Some(invalid(name, &what));
        }
        let decoded = value
            .as_str()
            .and_then(|text| BASE64_STANDARD.decode(text).ok());
        let Some(decoded) = decoded else {
            let message =
                "Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data";
            return Some(status(400, "BadRequest", message));
        };
        size += decoded.len();
    }
    (size > MAX_BYTES).then(|| invalid(name, "data: Too long: may not be more than 1048576 bytes"))
}

/// A JSON patch (RFC 6902), as far as it tests, adds, replaces and removes members of objects.
fn patch(object: &mut Value, changes: &Value) -> Option<()> {
    for change in changes.as_array()? {
        let (parent, last) = change["path"].as_str()?.rsplit_once('/')?;
        let parent = object.pointer_mut(parent)?;
        let member = last.replace("~1", "/").replace("~0", "~");
        match change["op"].as_str()? {
            "test" => (parent[&member] == change["value"]).then_some(())?,
            "add" => parent[&member] = change["value"].clone(),
            "replace" => *parent.get_mut(&member)? = change["value"].clone(),
            "remove" => drop(parent.as_object_mut()?.remove(&member)?),
            _ => return None,
        }
    }
    Some(())
}

/// A merge patch (RFC 7386).
fn merge(object: &mut Value, change: &Value) {
    let Some(members) = change.as_object() else {
        *object = change.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    for (name, value) in members {
        if value.is_null() {
            object.as_object_mut().map(|all| all.remove(name));
        } else {
            merge(&mut object[name], value);
        }
    }
}
