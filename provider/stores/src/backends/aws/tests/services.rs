//! What the services of the double do, one function for each action.

use std::collections::{BTreeMap, BTreeSet};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::double::{ACCOUNT, ParameterVersion, Refused, SESSION_KEY, Secret, State, Version};

type Answered = Result<Value, Refused>;

fn text<'a>(body: &'a Value, field: &str) -> &'a str {
    body[field].as_str().unwrap_or_default()
}

/// Answers a call of the JSON protocol.
pub(super) fn json(state: &mut State, action: &str, body: &Value) -> Answered {
    match action {
        "GetSecretValue" => get_secret(state, body),
        "BatchGetSecretValue" => batch(state, body),
        "DescribeSecret" => describe_secret(state, body),
        "ListSecretVersionIds" => list_versions(state, body),
        "CreateSecret" => create_secret(state, body),
        "PutSecretValue" => put_secret_value(state, body),
        "UpdateSecretVersionStage" => move_stage(state, body),
        "RestoreSecret" => {
            secret(state, body)?.deleted = None;
            Ok(json!({}))
        }
        "DeleteSecret" => delete_secret(state, body),
        "GetParameter" => {
            let found = parameter(state, text(body, "Name"))?;
            Ok(json!({ "Parameter": found }))
        }
        "GetParameters" => parameters(state, body),
        "DescribeParameters" => describe_parameters(state, body),
        "GetParameterHistory" => history(state, body),
        "PutParameter" => put(state, body),
        "DeleteParameter" => match state.parameters.remove(text(body, "Name")) {
            Some(_) => Ok(json!({})),
            None => Err(("ParameterNotFound", String::new())),
        },
        "Decrypt" => decrypt(state, body),
        "DescribeKey" => Ok(json!({ "KeyMetadata": {
            "KeyId": "k", "Arn": format!("arn:aws:kms:eu-west-1:{ACCOUNT}:key/k"), "CreationDate": 1.7e9,
            "Enabled": !state.key_disabled, "KeyUsage": "ENCRYPT_DECRYPT",
        } })),
        "GetAuthorizationToken" => Ok(json!({ "authorizationData": [{
            "authorizationToken": BASE64_STANDARD.encode("AWS:registry-password-91"),
            "expiresAt": state.now() + 43_200.0,
            "proxyEndpoint": format!("https://{}.dkr.ecr.eu-west-1.amazonaws.com", body["registryIds"][0].as_str().unwrap()),
        }] })),
        _ => Err(("UnknownOperationException", String::new())),
    }
}

/// Puts a value as the service does: the labels move.
pub(super) fn put_secret(state: &mut State, name: &str, value: &Value) {
    let now = state.now();
    let count = state.secrets.len();
    let secret = state
        .secrets
        .entry(name.to_owned())
        .or_insert_with(|| Secret {
            arn: format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:{name}-Ab{count:04}"),
            created: now,
            ..Secret::default()
        });
    let id = format!("{:08x}-0000-4000-8000-{count:012x}", secret.versions.len());
    add_version(secret, &id, value.clone(), "AWSCURRENT", now);
}

fn add_version(secret: &mut Secret, id: &str, value: Value, stage: &str, now: f64) {
    secret.versions.push(Version {
        id: id.to_owned(),
        value,
        stages: BTreeSet::new(),
        created: now,
    });
    set_stage(secret, stage, id);
}

fn set_stage(secret: &mut Secret, stage: &str, to: &str) {
    let mut before = None;
    for version in &mut secret.versions {
        if version.stages.remove(stage) {
            before = Some(version.id.clone());
        }
    }
    for version in &mut secret.versions {
        if version.id == to {
            version.stages.insert(stage.to_owned());
        }
    }
    if stage == "AWSCURRENT"
        && let Some(before) = before
    {
        set_stage(secret, "AWSPREVIOUS", &before);
    }
}

/// The secret that a name, an ARN or a short ARN means.
fn secret<'a>(state: &'a mut State, body: &Value) -> Result<&'a mut Secret, Refused> {
    let id = text(body, "SecretId");
    let found = state.secrets.iter_mut().find(|(name, secret)| {
        *name == id
            || secret.arn == id
            || secret
                .arn
                .strip_prefix(id)
                .is_some_and(|rest| rest.len() == 7)
    });
    found.map(|(_, secret)| secret).ok_or_else(|| {
        (
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.".to_owned(),
        )
    })
}

fn get_secret(state: &mut State, body: &Value) -> Answered {
    let secret = secret(state, body)?;
    if secret.deleted.is_some() {
        return Err((
            "InvalidRequestException",
            "the secret was marked for deletion".to_owned(),
        ));
    }
    let id = body["VersionId"].as_str();
    if id.is_some_and(|id| id.len() < 32) {
        return Err((
            "ValidationException",
            "Member must have length greater than or equal to 32".to_owned(),
        ));
    }
    let stage = body["VersionStage"].as_str().or(if id.is_none() {
        Some("AWSCURRENT")
    } else {
        None
    });
    let version = secret.versions.iter().find(|version| {
        id.is_none_or(|id| version.id == id)
            && stage.is_none_or(|stage| version.stages.contains(stage))
    });
    let version = version.ok_or_else(|| {
        (
            "ResourceNotFoundException",
            "can't find the specified secret value for staging label".to_owned(),
        )
    })?;
    let mut answer = version.value.clone();
    answer["ARN"] = secret.arn.clone().into();
    answer["VersionId"] = version.id.clone().into();
    answer["VersionStages"] = json!(version.stages);
    answer["CreatedDate"] = version.created.into();
    let arn = secret.arn.clone();
    let name = state
        .secrets
        .iter()
        .find(|(_, secret)| secret.arn == arn)
        .unwrap()
        .0;
    answer["Name"] = name.clone().into();
    Ok(answer)
}

fn batch(state: &mut State, body: &Value) -> Answered {
    let ids: Vec<String> = serde_json::from_value(body["SecretIdList"].clone()).unwrap();
    if ids.is_empty() || ids.len() > 20 {
        return Err((
            "ValidationException",
            "Member must have length less than or equal to 20".to_owned(),
        ));
    }
    let start: usize = body["NextToken"]
        .as_str()
        .map_or(0, |token| token.parse().unwrap());
    let end = state
        .page
        .map_or(ids.len(), |page| (start + page).min(ids.len()));
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in &ids[start..end] {
        let denied = state.denied.contains(&format!("GetSecretValue {id}"));
        let answer = if denied {
            Err(("AccessDeniedException", String::new()))
        } else {
            get_secret(state, &json!({ "SecretId": id }))
        };
        match answer {
            Ok(value) => values.push(value),
            Err((code, message)) => {
                errors.push(json!({ "SecretId": id, "ErrorCode": code, "Message": message }));
            }
        }
    }
    let mut answer = json!({ "SecretValues": values, "Errors": errors });
    if end < ids.len() {
        answer["NextToken"] = end.to_string().into();
    }
    Ok(answer)
}

fn describe_secret(state: &mut State, body: &Value) -> Answered {
    let secret = secret(state, body)?;
    let stages: BTreeMap<_, _> = secret
        .versions
        .iter()
        .filter(|version| !version.stages.is_empty())
        .map(|version| (version.id.clone(), version.stages.clone()))
        .collect();
    let mut answer = json!({
        "ARN": secret.arn, "CreatedDate": secret.created, "LastChangedDate": secret.created,
        "VersionIdsToStages": stages, "Tags": [{ "Key": "team", "Value": "payments" }],
    });
    if let Some(time) = secret.deleted {
        answer["DeletedDate"] = time.into();
    }
    if let Some(time) = secret.rotation {
        answer["NextRotationDate"] = time.into();
    }
    Ok(answer)
}

fn list_versions(state: &mut State, body: &Value) -> Answered {
    let secret = secret(state, body)?;
    let versions: Vec<_> = secret
        .versions
        .iter()
        .map(|version| json!({ "VersionId": version.id, "CreatedDate": version.created, "VersionStages": version.stages }))
        .collect();
    Ok(json!({ "Versions": versions }))
}

fn value_of(body: &Value) -> Result<Value, Refused> {
    for field in ["SecretString", "SecretBinary"] {
        if let Some(value) = body[field].as_str().filter(|value| !value.is_empty()) {
            return Ok(json!({ field: value }));
        }
    }
    Err((
        "InvalidRequestException",
        "You must provide either SecretString or SecretBinary.".to_owned(),
    ))
}

fn create_secret(state: &mut State, body: &Value) -> Answered {
    let name = text(body, "Name").to_owned();
    let value = value_of(body)?;
    let token = text(body, "ClientRequestToken").to_owned();
    if let Some(secret) = state.secrets.get(&name) {
        let same = secret
            .versions
            .iter()
            .any(|version| version.id == token && version.value == value);
        return match secret.deleted {
            Some(_) => Err((
                "InvalidRequestException",
                "already scheduled for deletion".to_owned(),
            )),
            None if same => Ok(json!({})),
            None => Err(("ResourceExistsException", String::new())),
        };
    }
    let (now, count) = (state.now(), state.secrets.len());
    let mut secret = Secret {
        arn: format!("arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:{name}-Ab{count:04}"),
        created: now,
        ..Secret::default()
    };
    add_version(&mut secret, &token, value, "AWSCURRENT", now);
    state.secrets.insert(name, secret);
    Ok(json!({}))
}

fn put_secret_value(state: &mut State, body: &Value) -> Answered {
    let value = value_of(body)?;
    let now = state.now();
    let token = text(body, "ClientRequestToken").to_owned();
    state.last_token = Some(token.clone());
    let secret = secret(state, body)?;
    if let Some(version) = secret.versions.iter().find(|version| version.id == token) {
        let same = version.value == value;
        return if same {
            Ok(json!({}))
        } else {
            Err(("ResourceExistsException", String::new()))
        };
    }
    let stage = body["VersionStages"][0]
        .as_str()
        .unwrap_or("AWSCURRENT")
        .to_owned();
    add_version(secret, &token, value, &stage, now);
    Ok(json!({}))
}

fn move_stage(state: &mut State, body: &Value) -> Answered {
    let secret = secret(state, body)?;
    let stage = text(body, "VersionStage");
    let holder = secret
        .versions
        .iter()
        .find(|version| version.stages.contains(stage))
        .map(|version| version.id.clone());
    let remove = body["RemoveFromVersionId"].as_str();
    if holder.as_deref() != remove {
        return Err((
            "InvalidParameterException",
            "The staging label is attached to another version".to_owned(),
        ));
    }
    match body["MoveToVersionId"].as_str() {
        Some(to) => set_stage(secret, stage, to),
        None => secret.versions.iter_mut().for_each(|version| {
            version.stages.remove(stage);
        }),
    }
    Ok(json!({}))
}

fn delete_secret(state: &mut State, body: &Value) -> Answered {
    let now = state.now();
    if body["ForceDeleteWithoutRecovery"] == true {
        state.secrets.remove(text(body, "SecretId"));
        return Ok(json!({}));
    }
    secret(state, body)?.deleted = Some(now);
    Ok(json!({}))
}

/// Puts a version of a parameter.
pub(super) fn put_parameter(state: &mut State, name: &str, value: &str) {
    let version = ParameterVersion {
        value: value.to_owned(),
        labels: Vec::new(),
        modified: state.now(),
    };
    state
        .parameters
        .entry(name.to_owned())
        .or_default()
        .push(version);
}

fn parameter(state: &State, wanted: &str) -> Answered {
    let (name, selector) = match wanted.rsplit_once(':') {
        Some((name, selector)) if !selector.starts_with("parameter") => (name, Some(selector)),
        _ => (wanted, None),
    };
    let plain = name.split_once(":parameter").map_or(name, |(_, name)| name);
    let versions = state
        .parameters
        .get(plain)
        .ok_or(("ParameterNotFound", String::new()))?;
    let place = match selector {
        None => Some(versions.len() - 1),
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => number
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1))
            .filter(|place| *place < versions.len()),
        Some(label) => versions
            .iter()
            .position(|version| version.labels.iter().any(|its| its == label)),
    };
    let place = place.ok_or(("ParameterVersionNotFound", String::new()))?;
    let mut answer = json!({
        "Name": plain, "ARN": format!("arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter{plain}"), "Type": "SecureString",
        "Value": versions[place].value, "Version": place + 1, "LastModifiedDate": versions[place].modified,
    });
    if let Some(selector) = selector {
        answer["Selector"] = format!(":{selector}").into();
    }
    Ok(answer)
}

fn parameters(state: &State, body: &Value) -> Answered {
    let names: Vec<String> = serde_json::from_value(body["Names"].clone()).unwrap();
    let different: BTreeSet<_> = names.iter().collect();
    if names.len() > 10 || different.len() != names.len() {
        return Err((
            "ValidationException",
            "Member must have length less than or equal to 10".to_owned(),
        ));
    }
    if names
        .iter()
        .any(|name| state.denied.contains(&format!("GetParameter {name}")))
    {
        return Err(("AccessDeniedException", String::new()));
    }
    let (mut found, mut invalid) = (Vec::new(), Vec::new());
    for name in names {
        match parameter(state, &name) {
            Ok(parameter) => found.push(parameter),
            Err(_) => invalid.push(name),
        }
    }
    Ok(json!({ "Parameters": found, "InvalidParameters": invalid }))
}

fn describe_parameters(state: &State, body: &Value) -> Answered {
    let name = body["ParameterFilters"][0]["Values"][0].as_str().unwrap();
    let versions = state.parameters.get(name);
    let found: Vec<_> = versions
        .iter()
        .map(|versions| {
            json!({
                "Name": name, "Version": versions.len(), "LastModifiedUser": format!("arn:aws:iam::{ACCOUNT}:user/me"),
                "LastModifiedDate": versions.last().unwrap().modified,
                "Policies": [{ "PolicyType": "Expiration", "PolicyText":
                    r#"{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2031-12-02T21:34:33.000Z"}}"# }],
            })
        })
        .collect();
    Ok(json!({ "Parameters": found }))
}

fn history(state: &State, body: &Value) -> Answered {
    assert_eq!(
        body["WithDecryption"], false,
        "metadata is read without values"
    );
    let versions = state
        .parameters
        .get(text(body, "Name"))
        .ok_or(("ParameterNotFound", String::new()))?;
    let all: Vec<_> = versions
        .iter()
        .enumerate()
        .map(|(place, version)| {
            json!({ "Version": place + 1, "LastModifiedDate": version.modified, "Labels": version.labels, "Value": "AQICAHh" })
        })
        .collect();
    Ok(json!({ "Parameters": all }))
}

fn put(state: &mut State, body: &Value) -> Answered {
    let (name, value) = (text(body, "Name"), text(body, "Value"));
    assert_eq!(text(body, "Type"), "SecureString");
    let limit = if text(body, "Tier") == "Advanced" {
        8192
    } else {
        4096
    };
    if value.is_empty() || value.len() > limit {
        return Err(("ValidationException", String::new()));
    }
    if name.contains('/') && !name.starts_with('/') {
        return Err((
            "ValidationException",
            "Parameter name must be a fully qualified name.".to_owned(),
        ));
    }
    if state.parameters.contains_key(name) && body["Overwrite"] != true {
        return Err(("ParameterAlreadyExists", String::new()));
    }
    put_parameter(state, name, value);
    Ok(json!({ "Version": state.parameters[name].len(), "Tier": "Standard" }))
}

fn decrypt(state: &State, body: &Value) -> Answered {
    if state.key_disabled {
        return Err(("DisabledException", String::new()));
    }
    let blob = BASE64_STANDARD
        .decode(text(body, "CiphertextBlob"))
        .unwrap();
    let blob =
        String::from_utf8(blob).map_err(|_| ("InvalidCiphertextException", String::new()))?;
    let mut parts = blob.splitn(3, '|');
    let (key, context, value) = (
        parts.next().unwrap(),
        parts.next().unwrap_or_default(),
        parts.next(),
    );
    let given = body["EncryptionContext"]
        .as_object()
        .map(|context| json!(context).to_string())
        .unwrap_or_default();
    if key != text(body, "KeyId") {
        return Err(("IncorrectKeyException", String::new()));
    }
    match value.filter(|_| context == given) {
        Some(value) => Ok(json!({ "KeyId": key, "Plaintext": BASE64_STANDARD.encode(value) })),
        None => Err(("InvalidCiphertextException", String::new())),
    }
}

/// Answers a call of the query protocol.
pub(super) fn sts(
    state: &mut State,
    action: &str,
    form: &BTreeMap<String, String>,
) -> Result<String, Refused> {
    let wrapped = |result: String| {
        format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{result}</{action}Result>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
        )
    };
    if action == "GetCallerIdentity" {
        return Ok(wrapped(format!(
            "<Arn>arn:aws:iam::{ACCOUNT}:user/me</Arn><UserId>U</UserId><Account>{ACCOUNT}</Account>"
        )));
    }
    let role = form.get("RoleArn").cloned().unwrap_or_default();
    if role.ends_with("/forbidden") {
        return Err((
            "AccessDenied",
            "not authorized to perform: sts:AssumeRole".to_owned(),
        ));
    }
    if action == "AssumeRoleWithWebIdentity" {
        let token = form.get("WebIdentityToken").cloned().unwrap_or_default();
        let claims = token
            .split('.')
            .nth(1)
            .and_then(|part| base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Value = claims
            .and_then(|claims| serde_json::from_slice(&claims).ok())
            .unwrap_or_default();
        if claims["aud"] != "sts.amazonaws.com" {
            return Err((
                "InvalidIdentityToken",
                "Incorrect token audience".to_owned(),
            ));
        }
    }
    let key = format!("ASIASESSION{}", state.sessions.len());
    let token = format!("session-token-{}", state.sessions.len());
    state.sessions.insert(key.clone(), (token.clone(), false));
    let seconds: i64 = form
        .get("DurationSeconds")
        .map_or(3600, |text| text.parse().unwrap());
    let end = Timestamp::from_second(state.now() as i64 + seconds).unwrap();
    let name = form.get("RoleSessionName").cloned().unwrap_or_default();
    Ok(wrapped(format!(
        "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{SESSION_KEY}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>{end}</Expiration></Credentials>\
         <AssumedRoleUser><Arn>{role}/{name}</Arn><AssumedRoleId>AROA:{name}</AssumedRoleId></AssumedRoleUser>"
    )))
}
