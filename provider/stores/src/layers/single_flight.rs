//! One read for all who ask for the same secret at the same time.
//!
//! Nothing outlives the read: who comes later reads anew. References that differ only in selector, encoding
//! or `optional` share one read. An answer with a lease is never shared, because each holder gives its own
//! lease back: those who waited for it then read for themselves. A fetch with arguments is
//! never shared either.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use secret_policy::SecretRef;

use crate::capability::Capability;
use crate::error::Result;
use crate::lease::{LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

type Answer = Result<Leased<SecretPayload>>;
type Flight = BoxFuture<'static, Answer>;
type FactsFlight = BoxFuture<'static, Result<Metadata>>;
type Key = (SecretRef, Option<Duration>);

#[derive(Debug)]
pub(super) struct SingleFlight {
    inner: Arc<dyn SecretStore>,
    // Weak: a flight that everybody gave up is dropped with its last passenger.
    flights: Mutex<HashMap<Key, WeakShared<Flight>>>,
    facts: Mutex<HashMap<SecretRef, WeakShared<FactsFlight>>>,
}

impl SingleFlight {
    pub(super) fn new(inner: Arc<dyn SecretStore>) -> Self {
        Self {
            inner,
            flights: Mutex::default(),
            facts: Mutex::default(),
        }
    }

    /// The flight for `key`, and whether this call started it.
    fn board(&self, key: &Key, options: &FetchOptions) -> (Shared<Flight>, bool) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = flights.get(key).and_then(WeakShared::upgrade)
            && running.peek().is_none()
        {
            return (running, false);
        }
        let (inner, reference, options) = (Arc::clone(&self.inner), key.0.clone(), options.clone());
        let flight = async move { inner.fetch(&reference, &options).await }
            .boxed()
            .shared();
        if let Some(weak) = flight.downgrade() {
            flights.retain(|_, other| other.upgrade().is_some());
            flights.insert(key.clone(), weak);
        }
        (flight, true)
    }

    /// The flight for the facts about `key`.
    fn board_facts(&self, key: &SecretRef) -> Shared<FactsFlight> {
        let mut flights = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = flights.get(key).and_then(WeakShared::upgrade)
            && running.peek().is_none()
        {
            return running;
        }
        let (inner, reference) = (Arc::clone(&self.inner), key.clone());
        let flight = async move { inner.metadata(&reference).await }
            .boxed()
            .shared();
        if let Some(weak) = flight.downgrade() {
            flights.retain(|_, other| other.upgrade().is_some());
            flights.insert(key.clone(), weak);
        }
        flight
    }

    /// What a passenger may take: not the lease of somebody else.
    async fn disembark(
        &self,
        answer: Answer,
        started: bool,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Answer {
        match &answer {
            Ok(leased) if leased.lease.is_some() && !started => {
                self.inner.fetch(reference, options).await
            }
            _ => answer,
        }
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
        let (flight, started) = self.board(&key, options);
        let answer = flight.await;
        self.disembark(answer, started, &key.0, options).await
    }

    /// Asks once for each different secret. References to parts of one leased secret, such as the user name and
    /// the password of one login, share its lease.
    async fn fetch_many(&self, references: &[SecretRef], options: &FetchOptions) -> Vec<Answer> {
        if !options.arguments.is_empty() {
            return self.inner.fetch_many(references, options).await;
        }
        let mut unique: Vec<SecretRef> = Vec::new();
        let mut places: HashMap<SecretRef, usize> = HashMap::new();
        let mut wanted = Vec::with_capacity(references.len());
        for reference in references {
            let whole = reference.without_selector();
            let next = unique.len();
            let place = *places.entry(whole.clone()).or_insert(next);
            if place == next {
                unique.push(whole);
            }
            wanted.push(place);
        }
        let fetched = self.inner.fetch_many(&unique, options).await;
        wanted
            .into_iter()
            .map(|place| fetched[place].clone())
            .collect()
    }

    /// Facts are about the whole secret, whichever part of it a reference names.
    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let key = reference.without_selector();
        self.board_facts(&key).await
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        self.inner.write(reference, request).await
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        self.inner.remove(reference).await
    }

    async fn renew(&self, lease: &LeaseHandle, increment: Option<Duration>) -> Result<LeaseFacts> {
        self.inner.renew(lease, increment).await
    }

    async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        self.inner.revoke(lease).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
