//! A double of AWS: checks every signature, and answers and refuses in the shapes of the real services
//! (status 400 with a `__type`, XML for STS). Built from the published API references.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::server::{Answer, Request, serve};
use super::services;
use super::signature::Signed;

pub(super) const KEY: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
pub(super) const ACCOUNT: &str = "123456789012";
/// The key of every session that the double gives.
pub(super) const SESSION_KEY: &str = "session-secret-6b1f";

/// What a version of a secret holds.
#[derive(Clone, Debug)]
pub(super) struct Version {
    pub(super) id: String,
    /// The fields `SecretString` or `SecretBinary`.
    pub(super) value: Value,
    pub(super) stages: BTreeSet<String>,
    pub(super) created: f64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Secret {
    pub(super) arn: String,
    pub(super) versions: Vec<Version>,
    pub(super) deleted: Option<f64>,
    pub(super) created: f64,
    pub(super) rotation: Option<f64>,
}

#[derive(Clone, Debug)]
pub(super) struct ParameterVersion {
    pub(super) value: String,
    pub(super) labels: Vec<String>,
    pub(super) modified: f64,
}

/// What the double does to the next requests instead of answering.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    Error(&'static str),
    Wait(Duration),
    Page,
    Redirect(String),
}

/// Everything that the double knows.
#[derive(Default)]
pub(super) struct State {
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) parameters: BTreeMap<String, Vec<ParameterVersion>>,
    /// Session tokens by access key: the key of the session and whether it expired.
    pub(super) sessions: BTreeMap<String, (String, bool)>,
    /// Actions that are denied, alone or with a resource: `GetSecretValue`, `GetSecretValue prod/db`.
    pub(super) denied: BTreeSet<String>,
    pub(super) faults: VecDeque<Fault>,
    /// Seconds that its clock is ahead.
    pub(super) ahead: i64,
    /// Whether it keeps its time to itself.
    pub(super) no_date: bool,
    pub(super) log: Vec<String>,
    /// Forms of the calls of STS.
    pub(super) forms: Vec<BTreeMap<String, String>>,
    /// How many secrets one page of a batch holds.
    pub(super) page: Option<usize>,
    pub(super) key_disabled: bool,
    pub(super) last_token: Option<String>,
}

#[derive(Clone)]
pub(super) struct Double {
    pub(super) address: String,
    state: Arc<Mutex<State>>,
}

/// A refusal: type and message.
pub(super) type Refused = (&'static str, String);

impl Double {
    pub(super) fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let inner = Arc::clone(&state);
        let address = serve(move |request| inner.lock().unwrap().answer(request));
        Self { address, state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The actions that were asked for since the last time.
    pub(super) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.state().log)
    }

    pub(super) fn put_secret(&self, name: &str, value: &str) {
        services::put_secret(&mut self.state(), name, &json!({ "SecretString": value }));
    }

    pub(super) fn put_parameter(&self, name: &str, value: &str) {
        services::put_parameter(&mut self.state(), name, value);
    }
}

impl State {
    pub(super) fn now(&self) -> f64 {
        Timestamp::now().as_second() as f64 + self.ahead as f64
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let target = request.header("x-amz-target").map(str::to_owned);
        let form: BTreeMap<_, _> = request.form().into_iter().collect();
        let action = match &target {
            Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
            None => form.get("Action").cloned().unwrap_or_default(),
        };
        self.log.push(action.clone());
        let is_json = target.is_some();
        let mut delay = Duration::ZERO;
        match self.faults.pop_front() {
            Some(Fault::Error(code)) => {
                return self.refuse(is_json, (code, "plumAnchor".to_owned()));
            }
            Some(Fault::Wait(period)) => delay = period,
            Some(Fault::Page) => {
                return Answer {
                    status: 503,
                    body: "<html>plumAnchor</html>".to_owned(),
                    ..Answer::default()
                };
            }
            Some(Fault::Redirect(place)) => {
                return Answer {
                    status: 301,
                    headers: vec![("location", place)],
                    ..Answer::default()
                };
            }
            None => {}
        }
        let unsigned = action == "AssumeRoleWithWebIdentity";
        let checked = if unsigned {
            Ok(())
        } else {
            self.check(request, is_json)
        };
        let outcome = checked.and_then(|()| match target {
            Some(_) => {
                let body: Value = serde_json::from_slice(&request.body)
                    .map_err(|error| ("SerializationException", error.to_string()))?;
                let name = ["SecretId", "Name", "KeyId"].iter().find_map(|field| body[field].as_str());
                let place = format!("{action} {}", name.unwrap_or_default());
                if self.denied.contains(&action) || self.denied.contains(&place) {
                    return Err((
                        "AccessDeniedException",
                        format!("User: arn:aws:iam::{ACCOUNT}:user/me is not authorized to perform: {action}"),
                    ));
                }
                services::json(self, &action, &body).map(|value| value.to_string())
            }
            None => {
                self.forms.push(form.clone());
                services::sts(self, &action, &form)
            }
        });
        let mut answer = match outcome {
            Ok(body) => Answer {
                status: 200,
                body,
                headers: self.headers(),
                ..Answer::default()
            },
            Err(refused) => self.refuse(is_json, refused),
        };
        answer.delay = delay;
        answer
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let now = Timestamp::from_second(self.now() as i64).unwrap();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&now)
            .unwrap();
        let mut headers = vec![
            ("date", date),
            (
                "x-amzn-requestid",
                "11111111-2222-3333-4444-555555555555".to_owned(),
            ),
        ];
        if self.no_date {
            headers.remove(0);
        }
        headers
    }

    fn refuse(&self, is_json: bool, (code, message): Refused) -> Answer {
        let body = if is_json {
            json!({ "__type": code, "Message": message }).to_string()
        } else {
            format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                 <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
            )
        };
        let status = match code {
            "InternalServiceError" => 500,
            "ExpiredToken" | "InvalidClientTokenId" | "SignatureDoesNotMatch" | "AccessDenied" => {
                403
            }
            _ => 400,
        };
        Answer {
            status,
            body,
            headers: self.headers(),
            ..Answer::default()
        }
    }

    /// Date, key, session and signature, in the words of the services.
    fn check(&self, request: &Request, is_json: bool) -> Result<(), Refused> {
        let pick = |json: &'static str, query: &'static str| if is_json { json } else { query };
        let signed = Signed::read(request).ok_or_else(|| {
            (
                pick(
                    "MissingAuthenticationTokenException",
                    "MissingAuthenticationToken",
                ),
                String::new(),
            )
        })?;
        let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", &signed.date)
            .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC))
            .map_err(|_| {
                (
                    pick("IncompleteSignatureException", "IncompleteSignature"),
                    String::new(),
                )
            })?;
        let bad = pick("InvalidSignatureException", "SignatureDoesNotMatch");
        if (date.timestamp().as_second() as f64 - self.now()).abs() > 300.0 {
            return Err((
                bad,
                "Signature expired: it is now earlier than the date of the request".to_owned(),
            ));
        }
        let unknown = pick("UnrecognizedClientException", "InvalidClientTokenId");
        let secret = match &signed.token {
            None if signed.access_key == KEY.0 => KEY.1,
            None => {
                return Err((
                    unknown,
                    "The security token included in the request is invalid.".to_owned(),
                ));
            }
            Some(token) => match self.sessions.get(&signed.access_key) {
                Some((its, true)) if its == token => {
                    return Err((
                        pick("ExpiredTokenException", "ExpiredToken"),
                        "The security token included in the request is expired".to_owned(),
                    ));
                }
                Some((its, false)) if its == token => SESSION_KEY,
                _ => {
                    return Err((
                        unknown,
                        "The security token included in the request is invalid.".to_owned(),
                    ));
                }
            },
        };
        let service = match request
            .header("x-amz-target")
            .unwrap_or_default()
            .split('.')
            .next()
        {
            Some("secretsmanager") => "secretsmanager",
            Some("AmazonSSM") => "ssm",
            Some("TrentService") => "kms",
            Some("AmazonEC2ContainerRegistry_V20150921") => "ecr",
            _ => "sts",
        };
        if signed.service != service
            || signed.region != "eu-west-1"
            || !signed.is_by(request, secret)
        {
            return Err((
                bad,
                "The request signature we calculated does not match".to_owned(),
            ));
        }
        Ok(())
    }
}
