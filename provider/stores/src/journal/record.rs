//! The lines of a journal.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The server that gave the leases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Kind of store.
    pub store: String,
    /// Its address.
    pub address: String,
    /// The namespace, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Record {
    /// The first line.
    Began {
        /// When.
        time: Timestamp,
        /// Which process.
        process: u32,
        /// With which server.
        server: Server,
    },
    /// The run got a token of its own.
    Token {
        /// Names the token; ends it, and opens nothing.
        accessor: String,
        /// When it was made.
        time: Timestamp,
        /// How long it holds; 0 has no end.
        ttl_seconds: u64,
    },
    /// A lease was opened.
    Lease {
        /// What the server calls it.
        id: String,
        /// What was opened.
        reference: String,
        /// When.
        time: Timestamp,
        /// How long it holds.
        ttl_seconds: u64,
        /// Names the token under which it was made, when the run made that: the lease ends with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
    },
    /// A token or lease was extended.
    Extended {
        /// Accessor or lease id.
        id: String,
        /// When.
        time: Timestamp,
        /// How long it holds from then.
        ttl_seconds: u64,
    },
    /// A token or lease ended.
    Ended {
        /// Accessor or lease id.
        id: String,
    },
}

/// A token or lease that was not given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Accessor or lease id.
    pub id: String,
    /// What was opened; `None` for the token of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Names the token of the run under which it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When it ends by itself, as far as is known.
    pub expires: Timestamp,
}

fn end(time: Timestamp, ttl_seconds: u64) -> Timestamp {
    if ttl_seconds == 0 {
        return Timestamp::MAX;
    }
    time.checked_add(Duration::from_secs(ttl_seconds))
        .unwrap_or(Timestamp::MAX)
}

/// A lease ends no later than the token it was made under.
pub(super) fn end_with_tokens(held: &mut [Held]) {
    let tokens: Vec<(String, Timestamp)> = held
        .iter()
        .filter(|one| one.reference.is_none())
        .map(|one| (one.id.clone(), one.expires))
        .collect();
    for one in held {
        let token = tokens.iter().find(|(id, _)| one.token.as_ref() == Some(id));
        if let Some((_, end)) = token {
            one.expires = one.expires.min(*end);
        }
    }
}

impl Record {
    /// What is held after this line.
    pub(super) fn apply(self, held: &mut Vec<Held>) {
        match self {
            Self::Began { .. } => {}
            Self::Token {
                accessor,
                time,
                ttl_seconds,
            } => held.push(Held {
                id: accessor,
                reference: None,
                token: None,
                expires: end(time, ttl_seconds),
            }),
            Self::Lease {
                id,
                reference,
                time,
                ttl_seconds,
                token,
            } => held.push(Held {
                id,
                reference: Some(reference),
                token,
                expires: end(time, ttl_seconds),
            }),
            Self::Extended {
                id,
                time,
                ttl_seconds,
            } => {
                for one in held.iter_mut().filter(|one| one.id == id) {
                    one.expires = end(time, ttl_seconds);
                }
            }
            // A lease ends with the token it was made under.
            Self::Ended { id } => {
                held.retain(|one| one.id != id && one.token.as_deref() != Some(&id));
            }
        }
    }
}
