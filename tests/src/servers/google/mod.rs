//! A double of Google Cloud: the services that give tokens, and Secret Manager.
//!
//! It checks what the real ones check: signatures, issuers, audiences and ends of assertions and proofs, delegations,
//! scopes, rights of each caller, checksums and etags; and answers in the shapes of the published references. The
//! official Python clients are run against it in the tests; texts and limits rest on the documentation.
//!
//! | file | what |
//! |---|---|
//! | `logins` | `oauth2`, `sts`, `iamcredentials`, `iam`, and the metadata server of a machine |
//! | `aws` | the signed request that proves an identity of AWS |
//! | `secrets` | `secretmanager` |

mod aws;
mod logins;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use hyper::header::{DATE, HeaderValue};
use serde_json::{Value, json};

use super::authority::Issued;
use super::double::{Asked, Behaviour, Double, random};
use super::http::{Reply, json as answer};
use super::oidc_issuer::{OidcIssuer, Verifier};
use super::tokens::{TokenSigner, now};
use secrets::Secret;
pub use secrets::VersionState;

/// How long tokens hold, in seconds.
const TOKEN_SECONDS: u64 = 3600;
const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";
/// Enough for making tokens of service accounts.
const IAM: &str = "https://www.googleapis.com/auth/iam";

/// What a caller may do with the secrets of the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GoogleRole {
    /// Everything.
    Admin,
    /// Read values (`roles/secretmanager.secretAccessor`).
    Accessor,
    /// Know secrets and versions, not values (`roles/secretmanager.viewer`).
    Viewer,
    /// Add versions to secrets that are there (`roles/secretmanager.secretVersionAdder`).
    Adder,
}

/// A token that was given.
struct Given {
    caller: String,
    scopes: BTreeSet<String>,
    ends: u64,
}

/// Who is trusted by the provider of a pool.
enum Trust {
    Issuer {
        verifier: Verifier,
        audience: String,
        subject: String,
    },
    Aws {
        key: (String, String),
        account: String,
    },
}

/// A login of a person: client id and secret, refresh token.
type Person = (String, String, String);

struct State {
    url: String,
    /// Id and number of the project.
    project: (String, String),
    tokens: BTreeMap<String, Given>,
    /// Keys of service accounts, by their ids.
    keys: BTreeMap<String, (String, TokenSigner)>,
    accounts: BTreeSet<String>,
    people: BTreeMap<String, Person>,
    providers: BTreeMap<String, Trust>,
    /// The service account of the machine.
    machine: Option<String>,
    roles: BTreeSet<(String, GoogleRole)>,
    /// Who may make tokens of whom.
    delegations: BTreeSet<(String, String)>,
    /// Secrets by location (empty for global ones) and name.
    secrets: BTreeMap<(String, String), Secret>,
    /// Seconds that its clock is ahead.
    ahead: u64,
    /// Whether its answers tell its time.
    tells_time: bool,
    /// Whether checksums of values are wrong.
    corrupts: bool,
    log: Vec<String>,
}

/// The double.
pub struct Google(Double<State>);

/// What is refused: status code, status word, message, and a reason where there is one.
struct Refused(u16, &'static str, String, &'static str);

impl Google {
    /// Starts it with the empty project `project`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(project: &str, certificate: Option<&Issued>) -> Result<Self> {
        let state = State {
            url: String::new(),
            project: (project.to_owned(), "100200300400".to_owned()),
            tokens: BTreeMap::new(),
            keys: BTreeMap::new(),
            accounts: BTreeSet::new(),
            people: BTreeMap::new(),
            providers: BTreeMap::new(),
            machine: None,
            roles: BTreeSet::new(),
            delegations: BTreeSet::new(),
            secrets: BTreeMap::new(),
            ahead: 0,
            tells_time: true,
            corrupts: false,
            log: Vec::new(),
        };
        let double = Double::start(state, certificate)?;
        let url = double.url();
        double.with(|state| state.url = url);
        Ok(Self(double))
    }

    /// Its address: every service answers there.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// What `GCE_METADATA_HOST` holds on its machines.
    #[must_use]
    pub fn metadata_host(&self) -> String {
        let url = self.url();
        url.trim_start_matches("http://").to_owned()
    }

    /// The number of the project.
    #[must_use]
    pub fn project_number(&self) -> String {
        self.0.with(|state| state.project.1.clone())
    }

    /// A new service account called `name`.
    #[must_use]
    pub fn service_account(&self, name: &str) -> String {
        self.0.with(|state| {
            let email = format!("{name}@{}.iam.gserviceaccount.com", state.project.0);
            state.accounts.insert(email.clone());
            email
        })
    }

    /// A new key of the account `email`, as the file that is downloaded.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn key(&self, email: &str) -> Result<String> {
        let (signer, private) = TokenSigner::rsa()?;
        let encoded = BASE64_STANDARD.encode(private);
        let lines: Vec<&str> = encoded
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).unwrap_or_default())
            .collect();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            lines.join("\n")
        );
        let id = signer.key_id().to_owned();
        let file = self.0.with(|state| {
            json!({
                "type": "service_account",
                "project_id": state.project.0,
                "private_key_id": id,
                "private_key": pem,
                "client_email": email,
                "client_id": "1",
                "token_uri": format!("{}/token", state.url),
                "universe_domain": "googleapis.com",
            })
        });
        self.0
            .with(|state| state.keys.insert(id, (email.to_owned(), signer)));
        Ok(file.to_string())
    }

    /// A new login of a person called `name`, as `gcloud auth application-default login` writes it.
    #[must_use]
    pub fn person(&self, name: &str) -> String {
        let (id, secret, refresh) = (random(16), random(24), format!("1//{}", random(40)));
        let person = (id.clone(), secret.clone(), refresh.clone());
        self.0
            .with(|state| state.people.insert(name.to_owned(), person));
        json!({
            "type": "authorized_user",
            "client_id": id,
            "client_secret": secret,
            "refresh_token": refresh,
            "token_uri": format!("{}/token", self.url()),
        })
        .to_string()
    }

    /// Trusts tokens of `issuer` with the usual audience and this subject; the name of the provider and of the
    /// identity that such a token is.
    #[must_use]
    pub fn trust(&self, issuer: &OidcIssuer, subject: &str) -> (String, String) {
        self.provider("github", subject, |audience| Trust::Issuer {
            verifier: issuer.verifier(),
            audience,
            subject: subject.to_owned(),
        })
    }

    /// Trusts whoever signs with this access key of AWS; the same as [`Google::trust`].
    #[must_use]
    pub fn trust_aws(&self, key: (&str, &str), account: &str) -> (String, String) {
        self.provider("aws", account, |_| Trust::Aws {
            key: (key.0.to_owned(), key.1.to_owned()),
            account: account.to_owned(),
        })
    }

    fn provider(
        &self,
        name: &str,
        subject: &str,
        trust: impl FnOnce(String) -> Trust,
    ) -> (String, String) {
        self.0.with(|state| {
            let pool = format!(
                "projects/{}/locations/global/workloadIdentityPools/ci",
                state.project.1
            );
            let provider = format!("{pool}/providers/{name}");
            let audience = format!("https://iam.googleapis.com/{provider}");
            state.providers.insert(provider.clone(), trust(audience));
            let identity = format!("principal://iam.googleapis.com/{pool}/subject/{subject}");
            (provider, identity)
        })
    }

    /// Makes `email` the service account of the machine.
    pub fn set_machine(&self, email: &str) {
        self.0.with(|state| state.machine = Some(email.to_owned()));
    }

    /// Gives `caller` a role in the project.
    pub fn grant(&self, caller: &str, role: GoogleRole) {
        self.0
            .with(|state| state.roles.insert((caller.to_owned(), role)));
    }

    /// Allows `caller` to make tokens of `account`.
    pub fn delegate(&self, caller: &str, account: &str) {
        let pair = (caller.to_owned(), account.to_owned());
        self.0.with(|state| state.delegations.insert(pair));
    }

    /// A token of a new account with these roles.
    #[must_use]
    pub fn token(&self, roles: &[GoogleRole]) -> String {
        let email = self.service_account(&random(12));
        for role in roles {
            self.grant(&email, *role);
        }
        self.0
            .with(|state| state.give(&email, &[CLOUD_PLATFORM.to_owned()], TOKEN_SECONDS))
    }

    /// Ends all tokens, as a service that was restored from a backup.
    pub fn revoke_tokens(&self) {
        self.0.with(|state| state.tokens.clear());
    }

    /// Who holds `token` and with which scopes.
    #[must_use]
    pub fn holder(&self, token: &str) -> Option<(String, Vec<String>)> {
        self.0.with(|state| {
            let given = state.tokens.get(token)?;
            Some((given.caller.clone(), given.scopes.iter().cloned().collect()))
        })
    }

    /// The claims of an identity token that it signed.
    ///
    /// # Errors
    /// When it is none.
    pub fn claims(&self, token: &str) -> Result<Value> {
        google_key()?.verify(token)
    }

    /// Stores a new version of the global secret `name` and returns its number.
    pub fn put(&self, name: &str, value: &[u8]) -> u64 {
        self.put_at("", name, value)
    }

    /// The same for a regional secret.
    pub fn put_at(&self, location: &str, name: &str, value: &[u8]) -> u64 {
        let place = (location.to_owned(), name.to_owned());
        self.0
            .with(|state| state.secrets.entry(place).or_default().add(value))
    }

    /// Changes the state of a version.
    pub fn set_state(&self, name: &str, number: u64, to: VersionState) {
        self.0.with(|state| {
            let place = (String::new(), name.to_owned());
            if let Some(secret) = state.secrets.get_mut(&place) {
                secret.set_state(number, to);
            }
        });
    }

    /// Gives a version another name.
    pub fn alias(&self, name: &str, alias: &str, number: u64) {
        self.0.with(|state| {
            let place = (String::new(), name.to_owned());
            let secret = state.secrets.entry(place).or_default();
            secret.aliases.insert(alias.to_owned(), number);
        });
    }

    /// How a secret is replicated, as it was created.
    #[must_use]
    pub fn replication(&self, location: &str, name: &str) -> Option<Value> {
        let place = (location.to_owned(), name.to_owned());
        self.0
            .with(|state| Some(state.secrets.get(&place)?.description.clone()))
    }

    /// From now on its clock is ahead, and its answers say so or not.
    pub fn set_clock(&self, seconds_ahead: u64, tells_time: bool) {
        self.0.with(|state| {
            state.ahead = seconds_ahead;
            state.tells_time = tells_time;
        });
    }

    /// From now on checksums of values are wrong.
    pub fn corrupt(&self) {
        self.0.with(|state| state.corrupts = true);
    }

    /// From now on answers `requests` more, then asks to slow down.
    pub fn limit(&self, requests: Option<u32>) {
        self.0.limit(requests);
    }

    /// Method and path of the requests since this was asked last.
    #[must_use]
    pub fn take_log(&self) -> Vec<String> {
        self.0.with(|state| std::mem::take(&mut state.log))
    }
}

/// The key of Google itself. Made once in a process: making one takes a while.
fn google_key() -> Result<&'static TokenSigner> {
    static KEY: OnceLock<Option<TokenSigner>> = OnceLock::new();
    let made = KEY.get_or_init(|| TokenSigner::rsa().ok().map(|(signer, _)| signer));
    made.as_ref().context("no RSA key can be made")
}

impl State {
    fn now(&self) -> u64 {
        now() + self.ahead
    }

    /// A token of `caller`.
    fn give(&mut self, caller: &str, scopes: &[String], seconds: u64) -> String {
        let token = format!("ya29.{}", random(48));
        let given = Given {
            caller: caller.to_owned(),
            scopes: scopes.iter().cloned().collect(),
            ends: self.now() + seconds,
        };
        self.tokens.insert(token.clone(), given);
        token
    }

    /// Who calls an interface, whose own scope is `narrow`.
    fn caller(&self, asked: &Asked, narrow: &str) -> std::result::Result<String, Refused> {
        let given = asked
            .token
            .as_ref()
            .and_then(|token| self.tokens.get(token))
            .filter(|given| given.ends > self.now());
        let Some(given) = given else {
            return Err(Refused(
                401,
                "UNAUTHENTICATED",
                "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or \
                 other valid authentication credential."
                    .to_owned(),
                "ACCESS_TOKEN_TYPE_UNSUPPORTED",
            ));
        };
        if !given.scopes.contains(CLOUD_PLATFORM) && !given.scopes.contains(narrow) {
            return Err(Refused(
                403,
                "PERMISSION_DENIED",
                "Request had insufficient authentication scopes.".to_owned(),
                "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
            ));
        }
        let quota = asked.header("x-goog-user-project");
        if !quota.is_empty() && quota != self.project.0 && quota != self.project.1 {
            return Err(Refused(
                403,
                "PERMISSION_DENIED",
                format!("Caller does not have required permission to use project {quota}."),
                "USER_PROJECT_DENIED",
            ));
        }
        Ok(given.caller.clone())
    }
}

impl Refused {
    fn denied(permission: &str, resource: &str) -> Self {
        Self(
            403,
            "PERMISSION_DENIED",
            format!(
                "Permission '{permission}' denied for resource '{resource}' (or it may not exist)."
            ),
            "IAM_PERMISSION_DENIED",
        )
    }

    fn missing(message: String) -> Self {
        Self(404, "NOT_FOUND", message, "")
    }

    fn invalid(message: &str) -> Self {
        Self(400, "INVALID_ARGUMENT", message.to_owned(), "")
    }

    fn reply(self) -> Reply {
        let Self(code, status, message, reason) = self;
        answer(code, &error(code, status, &message, reason))
    }
}

fn error(code: u16, status: &str, message: &str, reason: &str) -> Value {
    let mut error = json!({ "code": code, "message": message, "status": status });
    if !reason.is_empty() {
        error["details"] = json!([{
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
        }]);
    }
    json!({ "error": error })
}

impl Behaviour for State {
    fn slow_down(&self) -> Value {
        error(
            429,
            "RESOURCE_EXHAUSTED",
            "Quota exceeded for quota metric 'Access requests' of service 'secretmanager.googleapis.com'.",
            "RATE_LIMIT_EXCEEDED",
        )
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        self.log
            .push(format!("{} /{}", asked.method, asked.path.join("/")));
        let mut reply = self.respond(asked);
        // Otherwise the server itself writes the right time.
        if let Reply::Answer(response) = &mut reply
            && self.ahead > 0
            && self.tells_time
            && let Ok(time) = jiff::Timestamp::from_second(self.now().cast_signed())
            && let Ok(text) =
                jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time)
            && let Ok(value) = HeaderValue::from_str(&text)
        {
            response.headers_mut().insert(DATE, value);
        }
        reply
    }
}

impl State {
    fn respond(&mut self, asked: &Asked) -> Reply {
        let (method, path) = asked.route();
        match (method, path.as_slice()) {
            ("POST", ["token"]) => self.oauth(asked),
            ("POST", ["v1", "token"]) => self.exchange(asked),
            ("GET", ["computeMetadata", "v1", rest @ ..]) => self.metadata(asked, rest),
            ("POST", ["v1", "projects", "-", "serviceAccounts", verb]) => {
                let outcome = self.service_account_verb(asked, verb);
                outcome.map_or_else(Refused::reply, |value| answer(200, &value))
            }
            (method, ["v1", "projects", project, rest @ ..]) => {
                let outcome = self.secret_manager(asked, method, project, rest);
                outcome.map_or_else(Refused::reply, |value| answer(200, &value))
            }
            _ => Refused::missing("Requested entity was not found.".to_owned()).reply(),
        }
    }
}
