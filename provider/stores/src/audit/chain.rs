//! One line of the log: how it is bound to the line before, and how a checkpoint is sealed.
//!
//! ```text
//! {"seq":7,"prev":"<hash of line 6>","time":…, … ,"hash":"<64 hex digits>"}
//! {"seq":8,"prev":"<hash of line 7>", … ,"mac":"<64 hex digits>","hash":"<64 hex digits>"}
//! ```
//!
//! `hash` is the SHA-256 of the exact bytes before `,"hash"`, with a domain prefix; `mac` is the
//! HMAC-SHA-256 of the exact bytes before `,"mac"`. Both cover bytes, not meanings, so every edit counts.

use hmac::{Hmac, KeyInit, Mac};
use secret_value::Secret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::event::Event;
use crate::hex;

const HASH_DOMAIN: &[u8] = b"secretref-audit-1\n";
const MAC_DOMAIN: &[u8] = b"secretref-audit-checkpoint-1\n";
const HASH_FIELD: &str = ",\"hash\":\"";
const MAC_FIELD: &str = ",\"mac\":\"";
const DIGITS: usize = 64;
/// The hash before the first line.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Longest line, in bytes. The fields of an event are bounded so that no line comes near.
pub(super) const MAX_LINE_BYTES: usize = 64 * 1024;

/// Where the chain stands: the number and the hash of the last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tip {
    pub(super) seq: u64,
    pub(super) hash: String,
}

impl Tip {
    /// Before the first line.
    pub(super) fn genesis() -> Self {
        Self {
            seq: 0,
            hash: GENESIS.to_owned(),
        }
    }

    /// After `entry`.
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            seq: entry.seq,
            hash: entry.hash.clone(),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    seq: u64,
    prev: &'a str,
    #[serde(flatten)]
    event: &'a Event,
}

/// A line of the log as read back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entry {
    /// Counts lines from 1.
    pub seq: u64,
    /// The hash of the line before.
    pub prev: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// The seal of a checkpoint.
    #[serde(default)]
    pub mac: Option<String>,
    /// The hash of this line.
    pub hash: String,
}

/// The line after `tip` without its line break, and where the chain stands then. With a key the line is
/// sealed.
pub(super) fn link(
    tip: &Tip,
    event: &Event,
    key: Option<&Secret>,
) -> Result<(String, Tip), serde_json::Error> {
    let seq = tip.seq.saturating_add(1);
    let mut line = serde_json::to_string(&Body {
        seq,
        prev: &tip.hash,
        event,
    })?;
    line.pop();
    if let Some(key) = key {
        let mac = hex::encode(&seal(key, &line).finalize().into_bytes());
        line.extend([MAC_FIELD, &mac, "\""]);
    }
    let hash = hash(&line);
    line.extend([HASH_FIELD, &hash, "\"}"]);
    Ok((line, Tip { seq, hash }))
}

/// Reads a line; `None` when it is no line of a log.
pub(super) fn parse(line: &str) -> Option<Entry> {
    let entry: Entry = serde_json::from_str(line).ok()?;
    // The fields the chain rests on are the last ones of the text, wherever a parser may find others.
    (split(line, HASH_FIELD, "\"}")?.1 == entry.hash).then_some(entry)
}

/// True when the line carries the hash of its own bytes.
pub(super) fn hash_fits(line: &str) -> bool {
    split(line, HASH_FIELD, "\"}").is_some_and(|(body, claimed)| hash(body) == claimed)
}

/// True when the line carries a seal made with `key`.
pub(super) fn seal_fits(line: &str, key: &Secret) -> bool {
    let sealed = split(line, HASH_FIELD, "\"}").and_then(|(body, _)| split(body, MAC_FIELD, "\""));
    sealed.is_some_and(|(body, claimed)| {
        hex::decode(claimed.as_bytes())
            .is_some_and(|mac| seal(key, body).verify_slice(&mac).is_ok())
    })
}

/// Splits `…<field><64 characters><end>` into what is before the field, and the characters.
fn split<'a>(text: &'a str, field: &str, end: &str) -> Option<(&'a str, &'a str)> {
    let rest = text.strip_suffix(end)?;
    let place = rest.len().checked_sub(DIGITS)?;
    let (before, digits) = rest.split_at_checked(place)?;
    Some((before.strip_suffix(field)?, digits))
}

fn hash(body: &str) -> String {
    hex::encode(
        &Sha256::new()
            .chain_update(HASH_DOMAIN)
            .chain_update(body)
            .finalize(),
    )
}

fn seal(key: &Secret, body: &str) -> Hmac<Sha256> {
    #[expect(
        clippy::disallowed_methods,
        reason = "sealing: the key of the audit log"
    )]
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mac = Hmac::<Sha256>::new_from_slice(key.expose()).expect("a key of any length");
    mac.chain_update(MAC_DOMAIN).chain_update(body)
}
