//! One read for all who ask for the same secret at the same time, or soon after each other.
//!
//! Terraform opens ten resources at a time, so a hundred that name one secret come in ten waves: what was read is
//! kept for [`super::Layers::reuse`], then overwritten. A write or removal through this store ends that at once, and
//! a read that was under way then is shared with nobody who comes later. What other programs write is seen when
//! the time is over; a reference that names a version never gets another.
//!
//! References that differ only in selector, encoding or `optional` share one read. An answer with a lease is never
//! shared, because each holder gives its own lease back: those who waited for it then read for themselves. A
//! fetch with arguments is never shared either, and no failure is kept.

mod kept;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use secret_policy::SecretRef;

use self::kept::Kept;
use crate::capability::Capability;
use crate::error::Result;
use crate::lease::{LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

type Answer = Result<Leased<SecretPayload>>;
type Flight<T> = BoxFuture<'static, Result<T>>;
type Key = (SecretRef, Option<Duration>);

#[derive(Debug)]
pub(super) struct SingleFlight {
    inner: Arc<dyn SecretStore>,
    values: Flights<Key, Leased<SecretPayload>>,
    facts: Flights<SecretRef, Metadata>,
}

/// What is being read, and what was read a moment ago.
#[derive(Debug)]
struct Flights<K, T> {
    // Weak: a flight that everybody gave up is dropped with its last passenger.
    running: Mutex<HashMap<K, WeakShared<Flight<T>>>>,
    kept: Arc<Kept<K, T>>,
}

/// What a caller gets.
enum Boarded<T: Clone> {
    /// Read a moment ago.
    Kept(T),
    /// Being read; `started` by this call or by another.
    Flight {
        flight: Shared<Flight<T>>,
        started: bool,
    },
}

impl<K: Clone + Eq + Hash + Send + 'static, T: Clone + Send + Sync + 'static> Flights<K, T> {
    fn new(reuse: Duration) -> Self {
        Self {
            running: Mutex::default(),
            kept: Arc::new(Kept::new(reuse)),
        }
    }

    /// The answer for `key`, or the flight to it, which `read` starts where there is none. `share` makes of an answer
    /// what others may get later.
    fn board(
        &self,
        key: &K,
        read: impl FnOnce() -> Flight<T>,
        share: fn(&T) -> Option<T>,
    ) -> Boarded<T> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = self.kept.get(key) {
            return Boarded::Kept(kept);
        }
        if let Some(flight) = running.get(key).and_then(WeakShared::upgrade)
            && flight.peek().is_none()
        {
            return Boarded::Flight {
                flight,
                started: false,
            };
        }
        let (kept, place, ticket) = (Arc::clone(&self.kept), key.clone(), self.kept.ticket());
        let reading = read();
        let flight = async move {
            let answer = reading.await;
            if let Some(shared) = answer.as_ref().ok().and_then(share) {
                kept.keep(ticket, place, shared);
            }
            answer
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            running.retain(|_, other| other.upgrade().is_some());
            running.insert(key.clone(), weak);
        }
        Boarded::Flight {
            flight,
            started: true,
        }
    }

    /// Nothing that was read, or whose reading began, before now is given to anybody who comes later.
    fn forget(&self) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.kept.clear();
    }
}

/// What others may get of an answer: no lease, which is given back once, and no notes, which are told once.
fn shared(answer: &Leased<SecretPayload>) -> Option<Leased<SecretPayload>> {
    if answer.lease.is_some() {
        return None;
    }
    let mut answer = answer.clone();
    answer.value.metadata.notes.clear();
    Some(answer)
}

fn shared_facts(facts: &Metadata) -> Option<Metadata> {
    let mut facts = facts.clone();
    facts.notes.clear();
    Some(facts)
}

impl SingleFlight {
    /// `reuse` is how long an answer is kept.
    pub(super) fn new(inner: Arc<dyn SecretStore>, reuse: Duration) -> Self {
        Self {
            inner,
            values: Flights::new(reuse),
            facts: Flights::new(reuse),
        }
    }

    /// Held during a change of the store.
    fn changing(&self) -> Changing<'_> {
        Changing(self)
    }
}

/// What was read before the end of a change, however it ended, is not given to anybody who asks after it.
struct Changing<'a>(&'a SingleFlight);

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        self.0.values.forget();
        self.0.facts.forget();
    }
}

#[async_trait]
impl SecretStore for SingleFlight {
    fn capability(&self) -> Capability {
        self.inner.capability()
    }

    async fn fetch(&self, reference: &SecretRef, options: &FetchOptions) -> Answer {
        if !options.arguments.is_empty() {
            return self.inner.fetch(reference, options).await;
        }
        let key = (reference.without_selector(), options.ttl);
        let (inner, whole, wished) = (Arc::clone(&self.inner), key.0.clone(), options.clone());
        let read = || async move { inner.fetch(&whole, &wished).await }.boxed();
        match self.values.board(&key, read, shared) {
            Boarded::Kept(answer) => Ok(answer),
            Boarded::Flight {
                flight,
                started: true,
            } => flight.await,
            Boarded::Flight { flight, .. } => match flight.await {
                Ok(answer) => match shared(&answer) {
                    Some(answer) => Ok(answer),
                    // Not the lease of somebody else.
                    None => self.inner.fetch(&key.0, options).await,
                },
                Err(error) => Err(error),
            },
        }
    }

    /// Asks once for each different secret. References to parts of one leased secret, such as the user name and
    /// the password of one login, share its lease.
    async fn fetch_many(&self, references: &[SecretRef], options: &FetchOptions) -> Vec<Answer> {
        if !options.arguments.is_empty() {
            return self.inner.fetch_many(references, options).await;
        }
        let kept = &self.values.kept;
        let mut answers: HashMap<SecretRef, Answer> = HashMap::new();
        let mut missing: Vec<SecretRef> = Vec::new();
        let whole: Vec<_> = references.iter().map(SecretRef::without_selector).collect();
        for reference in &whole {
            if answers.contains_key(reference) || missing.contains(reference) {
                continue;
            }
            match kept.get(&(reference.clone(), options.ttl)) {
                Some(answer) => drop(answers.insert(reference.clone(), Ok(answer))),
                None => missing.push(reference.clone()),
            }
        }
        let ticket = kept.ticket();
        let fetched = self.inner.fetch_many(&missing, options).await;
        for (reference, answer) in missing.into_iter().zip(fetched) {
            if let Some(answer) = answer.as_ref().ok().and_then(shared) {
                kept.keep(ticket, (reference.clone(), options.ttl), answer);
            }
            answers.insert(reference, answer);
        }
        whole
            .iter()
            .map(|reference| answers[reference].clone())
            .collect()
    }

    /// Facts are about the whole secret, whichever part of it a reference names.
    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let key = reference.without_selector();
        let (inner, whole) = (Arc::clone(&self.inner), key.clone());
        let read = || async move { inner.metadata(&whole).await }.boxed();
        match self.facts.board(&key, read, shared_facts) {
            Boarded::Kept(facts) => Ok(facts),
            Boarded::Flight { flight, .. } => flight.await,
        }
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let _changing = self.changing();
        self.inner.write(reference, request).await
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let _changing = self.changing();
        self.inner.remove(reference).await
    }

    async fn renew(&self, lease: &LeaseHandle, increment: Option<Duration>) -> Result<LeaseFacts> {
        self.inner.renew(lease, increment).await
    }

    async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        self.inner.revoke(lease).await
    }

    async fn close(&self) -> Result<()> {
        let _changing = self.changing();
        self.inner.close().await
    }
}
