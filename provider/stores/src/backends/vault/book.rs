//! What this run notes in the journal, so that leases can be ended after it was killed.
//!
//! Notes are a second line of defence: trouble with the file is logged once and fails nothing.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::client::Client;
use crate::environment::Environment;
use crate::journal::{Journal, Record, Running, Server};

/// The journal of this run, begun with the first token or lease.
#[derive(Debug)]
pub(super) struct Book {
    journal: Option<Journal>,
    server: Server,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Unused,
    Open(Running),
    Broken,
}

impl Book {
    pub(super) fn new(environment: &Environment, client: &Client) -> Self {
        Self {
            journal: Journal::locate(environment),
            server: Server {
                store: "vault".to_owned(),
                address: client.address(),
                namespace: client.namespace.clone(),
            },
            state: Mutex::new(State::Unused),
        }
    }

    /// A token of this run.
    pub(super) fn token(&self, accessor: &str, ttl_seconds: u64) {
        self.add(&Record::Token {
            accessor: accessor.to_owned(),
            time: Timestamp::now(),
            ttl_seconds,
        });
    }

    /// A lease, and the token of this run that it ends with.
    pub(super) fn lease(
        &self,
        id: &str,
        reference: String,
        ttl_seconds: u64,
        token: Option<String>,
    ) {
        self.add(&Record::Lease {
            id: id.to_owned(),
            reference,
            time: Timestamp::now(),
            ttl_seconds,
            token,
        });
    }

    pub(super) fn extended(&self, id: &str, ttl_seconds: u64) {
        self.add_if_open(&Record::Extended {
            id: id.to_owned(),
            time: Timestamp::now(),
            ttl_seconds,
        });
    }

    pub(super) fn ended(&self, id: &str) {
        self.add_if_open(&Record::Ended { id: id.to_owned() });
    }

    /// Everything ended.
    pub(super) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let State::Open(running) = std::mem::replace(&mut *state, State::Unused) {
            running.finish();
        }
    }

    /// What earlier runs left behind, in one sentence.
    pub(super) fn left_over(&self) -> Option<String> {
        let runs = self.journal.as_ref()?.runs().ok()?;
        let left: usize = runs
            .iter()
            .filter(|run| !run.running && run.server == self.server)
            .map(|run| run.held.len())
            .sum();
        (left > 0).then(|| {
            format!(
                "earlier runs were killed, or could not end what they opened: {left} tokens or leases are left, which end \
                 by themselves later; `terraform-provider-secretref lease list` shows them and `lease revoke --all` ends \
                 them now"
            )
        })
    }

    fn add(&self, record: &Record) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let (State::Unused, Some(journal)) = (&*state, &self.journal) {
            *state = match journal.begin(self.server.clone()) {
                Ok(running) => State::Open(running),
                Err(error) => {
                    tracing::warn!(
                        "leases are not noted, so they cannot be listed after a crash: {error}"
                    );
                    State::Broken
                }
            };
        }
        Self::write(&mut state, record);
    }

    fn add_if_open(&self, record: &Record) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Self::write(&mut state, record);
    }

    fn write(state: &mut State, record: &Record) {
        if let State::Open(running) = state
            && let Err(error) = running.add(record)
        {
            tracing::warn!("leases are no longer noted: {error}");
            *state = State::Broken;
        }
    }
}
