//! The tokens of one run: the login, and the short-lived child token under which everything leased is made.
//!
//! - A login happens at the first use, and again when its token has ended.
//! - The child ends by itself soon after a crash, and all leases with it; it is extended while the run lasts. Where
//!   none may be made, the life of a token that this run got by logging in is cut to the same length.
//! - At the end the child revokes itself, which the default policy allows, and so does a token that this run got
//!   by logging in. A token that somebody else made is left alone.
//!
//! Read [`Run::call`] first.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use reqwest::StatusCode;
use reqwest::header::{HeaderName, HeaderValue};
use secret_value::{Secret, redaction};
use serde_json::json;
use tokio::task::AbortHandle;

use super::answer::{Auth, Envelope};
use super::book::Book;
use super::client::{Call, Client};
use super::login::{Login, LoginRequest, Method, Proof, SharedIdentity, encode};
use super::mounts::Mounts;
use super::options::Options;
use super::refusal;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::Response;

/// A token with less time left is not used for something new.
const LAST_MOMENT: Duration = Duration::from_secs(5);
/// A token that ends sooner and cannot be extended is worth a warning.
const LONG_APPLY: Duration = Duration::from_secs(3600);

/// What the tokens are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Something that makes no lease.
    Read,
    /// The same, where the server wants a token.
    Login,
    /// Something that may make a lease.
    Lease,
}

/// One run with one server.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) client: Client,
    pub(super) options: Options,
    pub(super) mounts: Mounts,
    pub(super) book: Book,
    login: Login,
    identity: SharedIdentity,
    state: tokio::sync::Mutex<State>,
    /// Tokens that were opened as credentials, by accessor: they are extended and ended by themselves.
    made: Mutex<HashMap<String, Secret>>,
    notes: Mutex<Vec<String>>,
    /// Leases under a token that this run does not end, and that were not given back.
    leases: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    base: Option<Arc<Held>>,
    leasing: Option<Arc<Held>>,
}

/// A token in use.
pub(super) struct Held {
    text: Secret,
    /// Names the token without being one.
    pub(super) accessor: String,
    /// This run made it, or it was made for this run, so this run ends it.
    pub(super) own: bool,
    /// Somebody else made it.
    given: bool,
    end: Mutex<End>,
    /// Extends it in the background.
    keeper: Mutex<Option<AbortHandle>>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    /// `None` for a token without end.
    at: Option<Instant>,
    renewable: bool,
}

/// What the server tells about a token.
#[derive(Debug, serde::Deserialize)]
struct TokenFacts {
    #[serde(default)]
    accessor: String,
    #[serde(default)]
    ttl: u64,
    #[serde(default)]
    renewable: bool,
    #[serde(default, rename = "type")]
    kind: String,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

impl Held {
    fn from_auth(auth: Auth) -> Self {
        redaction::register(&auth.client_token.0);
        Self {
            text: auth.client_token.0,
            accessor: auth.accessor,
            own: true,
            given: false,
            end: Mutex::new(End::after(auth.lease_duration, auth.renewable)),
            keeper: Mutex::default(),
        }
    }

    fn left(&self) -> Option<Duration> {
        let end = *self.end.lock().unwrap_or_else(PoisonError::into_inner);
        Some(end.at?.saturating_duration_since(Instant::now()))
    }

    fn is_over(&self) -> bool {
        self.left().is_some_and(|left| left < LAST_MOMENT)
    }

    fn renewable(&self) -> bool {
        self.end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .renewable
    }

    fn prolong(&self, end: End) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
    }
}

impl End {
    fn after(seconds: u64, renewable: bool) -> Self {
        Self {
            // No end is written as 0.
            at: (seconds > 0)
                .then(|| Instant::now().checked_add(Duration::from_secs(seconds)))
                .flatten(),
            renewable,
        }
    }
}

impl Run {
    pub(super) fn new(options: Options, identity: SharedIdentity) -> Result<Self> {
        let client = options.client()?;
        Ok(Self {
            book: Book::new(&options.environment, &client),
            client,
            login: Login::choose(&options)?,
            options,
            mounts: Mounts::default(),
            identity,
            state: tokio::sync::Mutex::default(),
            made: Mutex::default(),
            notes: Mutex::default(),
            leases: AtomicUsize::new(0),
        })
    }

    /// Sends a request under a token that suits `need`, logging in first where necessary, and again when the
    /// token turns out to have ended.
    ///
    /// # Errors
    /// Those of the network and of logging in; an answer that says no is an answer.
    pub(super) async fn call(self: &Arc<Self>, need: Need, call: Call<'_>) -> Result<Response> {
        if let (Need::Read, Login::Method(method)) = (need, &self.login)
            && method.inline
        {
            return self.call_inline(method, call).await;
        }
        let held = self.token(call.operation, need).await?;
        let answer = self.client.send(&call.clone().token(&held.text)?).await?;
        if answer.status != StatusCode::FORBIDDEN || !self.has_ended(call.operation, &held).await {
            return Ok(answer);
        }
        tracing::info!("the token of the store has ended; logging in again");
        self.forget(&held).await;
        let again = self.token(call.operation, need).await?;
        if again.text == held.text {
            return Ok(answer);
        }
        self.client.send(&call.token(&again.text)?).await
    }

    /// Proves the identity with the request itself, so that no token is made.
    async fn call_inline(&self, method: &Method, mut call: Call<'_>) -> Result<Response> {
        let login = method.request(&self.proof(call.operation)).await?;
        let path = HeaderValue::from_str(&login.path).map_err(|_| {
            StoreError::new(
                ErrorKind::Config,
                call.operation,
                "the mount of the auth method is not text",
            )
        })?;
        call = call.header("x-vault-inline-auth-path", path);
        for (place, (name, value)) in login.parameters.iter().enumerate() {
            let parameter = encode(call.operation, &json!({ "key": name, "value": value }))?;
            let text = BASE64_URL_SAFE_NO_PAD.encode(&*parameter);
            if let (Ok(name), Ok(mut value)) = (
                HeaderName::try_from(format!("x-vault-inline-auth-parameter-{place}")),
                HeaderValue::from_str(&text),
            ) {
                value.set_sensitive(true);
                call.headers.insert(name, value);
            }
        }
        self.client.send(&call).await
    }

    fn proof(&self, operation: Operation) -> Proof<'_> {
        Proof {
            operation,
            client: &self.client,
            identity: &self.identity,
            options: &self.options,
        }
    }

    /// The token for `need`, made when there is none.
    async fn token(self: &Arc<Self>, operation: Operation, need: Need) -> Result<Arc<Held>> {
        let mut state = self.state.lock().await;
        if state.base.as_ref().is_some_and(|held| held.is_over()) {
            *state = State::default();
        }
        if state.leasing.as_ref().is_some_and(|held| held.is_over()) {
            state.leasing = None;
        }
        let base = match &state.base {
            Some(base) => Arc::clone(base),
            None => {
                if let Some(left_over) = self.book.left_over() {
                    self.note(&left_over);
                }
                let base = Arc::new(self.log_in(operation).await?);
                self.keep(&base);
                Arc::clone(state.base.insert(base))
            }
        };
        if need != Need::Lease {
            return Ok(base);
        }
        if let Some(leasing) = &state.leasing {
            return Ok(Arc::clone(leasing));
        }
        let leasing = self.leasing(operation, base).await?;
        Ok(Arc::clone(state.leasing.insert(leasing)))
    }

    async fn log_in(&self, operation: Operation) -> Result<Held> {
        let method = match &self.login {
            Login::Token { source, revoke } => {
                let text = source.read(&self.options, operation).await?;
                redaction::register(&text);
                let mut held = Held {
                    text,
                    accessor: String::new(),
                    own: *revoke,
                    given: true,
                    end: Mutex::new(End {
                        at: None,
                        renewable: false,
                    }),
                    keeper: Mutex::default(),
                };
                if *revoke && let Some(facts) = self.look_up(operation, &held).await? {
                    held.accessor = facts.accessor;
                }
                return Ok(held);
            }
            Login::Method(method) => method,
        };
        let named = |error: StoreError| error.with_context("login", method.name);
        let request: LoginRequest = method
            .request(&self.proof(operation))
            .await
            .map_err(named)?;
        let body = request.body(operation)?;
        let call = Call::post(operation, &request.path).body(&body);
        let answer = self.client.send(&call).await.map_err(named)?;
        let auth = Envelope::read(operation, &answer)
            .and_then(|envelope| envelope.auth(operation))
            .map_err(|error| {
                // That nothing is there is said of the login, not of the secret.
                if error.kind() == ErrorKind::NotFound {
                    StoreError::new(
                        ErrorKind::Config,
                        operation,
                        "there is no such auth method at this path, or no such role",
                    )
                    .with_context("path", &request.path)
                } else {
                    error
                }
            })
            .map_err(named)?;
        Ok(Held::from_auth(auth))
    }

    /// The token under which leases are made: a child with a short life, else `base` itself.
    async fn leasing(self: &Arc<Self>, operation: Operation, base: Arc<Held>) -> Result<Arc<Held>> {
        let ttl = self.options.token_ttl();
        if base.own {
            self.tell_end(&base, "");
        } else {
            self.look_up(operation, &base).await?;
            self.keep(&base);
        }
        if base.own
            && let Some(left) = base.left()
        {
            self.book.token(&base.accessor, left.as_secs());
        }
        if base.own && base.left().is_some_and(|left| left <= ttl) {
            return Ok(base);
        }
        let body = encode(
            operation,
            &json!({
                "ttl": format!("{}s", ttl.as_secs()),
                "renewable": true,
                "display_name": "secretref",
                "type": "service",
            }),
        )?;
        let call = Call::post(operation, "auth/token/create")
            .body(&body)
            .token(&base.text)?;
        let answer = self.client.send(&call).await?;
        if answer.status.is_success() {
            let auth = Envelope::read(operation, &answer)?.auth(operation)?;
            self.book.token(&auth.accessor, auth.lease_duration);
            let child = Arc::new(Held::from_auth(auth));
            self.keep(&child);
            return Ok(child);
        }
        if !matches!(answer.status.as_u16(), 400 | 403) {
            return Err(refusal::error(operation, &answer));
        }
        if base.own {
            self.shorten(&base, ttl).await;
        } else {
            self.note(
                "the token may not make a token of its own for this run (`update` on `auth/token/create`), so leases \
                 are made under the token itself: they end with the run only where its policies allow \
                 `sys/leases/revoke`, and after a crash they last until they expire",
            );
        }
        Ok(base)
    }

    /// Cuts the life of a token of this run, which then has to be extended: extending by less than what is left
    /// does that, and the default policy allows it.
    async fn shorten(self: &Arc<Self>, held: &Arc<Held>, ttl: Duration) {
        if held.renewable() && held.left().is_none_or(|left| left > ttl) {
            match self.renew(held, ttl).await {
                Ok(()) => self.keep(held),
                Err(error) => tracing::warn!("the login could not be cut to a short life: {error}"),
            }
        }
        if let Some(left) = held.left().filter(|left| *left > ttl * 2) {
            self.note(&format!(
                "the login may not make a token of its own for this run (`update` on `auth/token/create`) and cannot be \
                 cut to a short life: should the provider be killed, what it opened lasts up to {} min",
                left.as_secs().div_ceil(60),
            ));
        }
    }

    /// Asks how long a token that somebody else made will live. `None` when the server refuses: the request that
    /// follows says why.
    async fn look_up(&self, operation: Operation, held: &Held) -> Result<Option<TokenFacts>> {
        let call = Call::get(operation, "auth/token/lookup-self").token(&held.text)?;
        let answer = self.client.send(&call).await?;
        if !answer.status.is_success() {
            return Ok(None);
        }
        let facts: TokenFacts = Envelope::read(operation, &answer)?
            .data(operation)?
            .read(operation)?;
        held.prolong(End::after(facts.ttl, facts.renewable));
        self.tell_end(held, if facts.kind == "batch" { "batch " } else { "" });
        Ok(Some(facts))
    }

    /// Warns of a token that a long apply outlives.
    fn tell_end(&self, held: &Held, kind: &str) {
        if let Some(left) = held.left().filter(|left| *left < LONG_APPLY)
            && !held.renewable()
        {
            self.note(&format!(
                "the {kind}token of this run ends in {} min and cannot be extended, and everything opened with it ends \
                 then, too; a longer apply will fail",
                left.as_secs().div_ceil(60),
            ));
        }
    }

    /// Whether the server no longer knows the token: a refusal alone does not tell.
    async fn has_ended(&self, operation: Operation, held: &Held) -> bool {
        let call = Call::get(operation, "auth/token/lookup-self").token(&held.text);
        match call {
            Ok(call) => self
                .client
                .send(&call)
                .await
                .is_ok_and(|answer| answer.status == StatusCode::FORBIDDEN),
            Err(_) => false,
        }
    }

    /// Stops using a token that has ended. A child may end alone.
    async fn forget(&self, held: &Arc<Held>) {
        let mut state = self.state.lock().await;
        let is = |other: &Option<Arc<Held>>| {
            other.as_ref().is_some_and(|other| Arc::ptr_eq(other, held))
        };
        if is(&state.base) {
            *state = State::default();
        } else if is(&state.leasing) {
            state.leasing = None;
        }
    }

    /// Extends a token in the background for as long as it is in use, beginning anew.
    fn keep(self: &Arc<Self>, held: &Arc<Held>) {
        if held.renewable() && held.left().is_some() {
            let (run, token) = (Arc::downgrade(self), Arc::downgrade(held));
            let keeping = tokio::spawn(keep_alive(run, token, self.options.token_ttl()));
            let mut keeper = held.keeper.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(earlier) = keeper.replace(keeping.abort_handle()) {
                earlier.abort();
            }
        }
    }

    async fn renew(&self, held: &Held, ttl: Duration) -> Result<()> {
        let body = encode(
            Operation::Renew,
            &json!({ "increment": format!("{}s", ttl.as_secs()) }),
        )?;
        let call = Call::post(Operation::Renew, "auth/token/renew-self")
            .body(&body)
            .token(&held.text)?;
        let answer = Envelope::read(Operation::Renew, &self.client.send(&call).await?)?;
        let auth = answer.auth(Operation::Renew)?;
        held.prolong(End::after(auth.lease_duration, auth.renewable));
        if held.own {
            self.book.extended(&held.accessor, auth.lease_duration);
        }
        Ok(())
    }

    /// Something that whoever opens a secret should know; told once.
    fn note(&self, text: &str) {
        tracing::warn!("{text}");
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text.to_owned());
    }

    /// The notes that were not told yet.
    pub(super) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Names the token of this run that leases are made under and end with, whatever the policies say. `None`
    /// when they are made under a token that somebody else made.
    pub(super) async fn leasing_token(&self) -> Option<String> {
        let state = self.state.lock().await;
        let own = state.leasing.as_ref().filter(|held| held.own);
        own.map(|held| held.accessor.clone())
    }

    /// Remembers a token that was opened as a credential.
    pub(super) fn remember_token(&self, accessor: &str, token: Secret) {
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(accessor.to_owned(), token);
    }

    /// The token that was opened as a credential under this accessor.
    pub(super) fn made_token(&self, accessor: &str) -> Option<Secret> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.get(accessor).cloned()
    }

    /// Notes a lease that was opened.
    pub(super) async fn opened(&self, id: &str, reference: String, ttl_seconds: u64) {
        let token = self.leasing_token().await;
        if token.is_none() {
            self.leases.fetch_add(1, Ordering::SeqCst);
        }
        self.book.lease(id, reference, ttl_seconds, token);
    }

    /// Notes a lease that was given back.
    pub(super) async fn ended(&self, id: &str) {
        if self.leasing_token().await.is_none() {
            let fewer = |count: usize| count.checked_sub(1);
            let _ = self
                .leases
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer);
        }
        self.book.ended(id);
    }

    /// Ends what this run made.
    ///
    /// # Errors
    /// When a token could not be revoked: it ends by itself then.
    pub(super) async fn close(&self) -> Result<()> {
        let State { base, leasing } = std::mem::take(&mut *self.state.lock().await);
        let mut outcome = Ok(());
        let mut ended: Vec<Arc<Held>> = Vec::new();
        // Terraform starts the provider once to plan and once to apply, with the same token in the environment: where
        // nothing was opened, it is left for the next one.
        let unused = leasing.is_none();
        for held in [leasing, base].into_iter().flatten() {
            if held.given && unused {
                continue;
            }
            if !held.own || ended.iter().any(|other| Arc::ptr_eq(other, &held)) {
                continue;
            }
            match self.revoke(&held).await {
                Ok(()) => self.book.ended(&held.accessor),
                Err(error) => {
                    // With leases, it is noted already. Nobody listens any more: the next run tells.
                    if unused && !held.accessor.is_empty() {
                        let left = held.left().unwrap_or_default();
                        self.book.token(&held.accessor, left.as_secs());
                    }
                    outcome = Err(error);
                }
            }
            ended.push(held);
        }
        if outcome.is_ok() && self.leases.load(Ordering::SeqCst) == 0 {
            self.book.finish();
        }
        outcome
    }

    async fn revoke(&self, held: &Held) -> Result<()> {
        let call = Call::post(Operation::Revoke, "auth/token/revoke-self").token(&held.text)?;
        let answer = self.client.send(&call).await?;
        // A token that is no longer known has ended already.
        if answer.status.is_success() || answer.status == StatusCode::FORBIDDEN {
            return Ok(());
        }
        Err(refusal::error(Operation::Revoke, &answer))
    }
}

async fn keep_alive(run: Weak<Run>, held: Weak<Held>, ttl: Duration) {
    loop {
        let Some(left) = held.upgrade().and_then(|held| held.left()) else {
            return;
        };
        tokio::time::sleep((left * 2 / 3).max(Duration::from_secs(1))).await;
        let (Some(run), Some(held)) = (run.upgrade(), held.upgrade()) else {
            return;
        };
        if let Err(error) = run.renew(&held, ttl).await {
            tracing::warn!("the token of the store could not be extended: {error}");
        }
        if held.left().is_none_or(|left| left < LAST_MOMENT) {
            return;
        }
    }
}
