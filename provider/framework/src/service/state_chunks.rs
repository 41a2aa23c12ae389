//! States in chunks, as they travel.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tfplugin::proto;
use zeroize::{Zeroize as _, Zeroizing};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::state_store::StateBytes;

use proto::write_state_bytes::RequestChunk;
use proto::{StateRange, read_state_bytes};

/// What cores suggest by default, in bytes.
const DEFAULT: usize = 8 << 20;
/// The largest size that is agreed to, in bytes.
const LARGEST: usize = 128 << 20;
/// The largest state that is taken in, in bytes.
pub(super) const LARGEST_STATE: i64 = 1 << 30;

/// How large a chunk is: every one but the last has exactly this many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkSize(usize);

impl ChunkSize {
    /// The size to use when the core suggests this one.
    pub(super) fn agree(suggested: i64) -> Self {
        match usize::try_from(suggested) {
            Ok(size) if size > 0 => Self(size.min(LARGEST)),
            _ => Self::default(),
        }
    }

    pub(super) fn on_the_wire(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }
}

impl Default for ChunkSize {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

/// The sizes that were agreed on, by type name of the store.
#[derive(Default)]
pub(super) struct ChunkSizes(Mutex<BTreeMap<String, ChunkSize>>);

impl ChunkSizes {
    pub(super) fn set(&self, type_name: &str, size: ChunkSize) {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.insert(type_name.to_owned(), size);
    }

    pub(super) fn get(&self, type_name: &str) -> ChunkSize {
        let sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(type_name).copied().unwrap_or_default()
    }
}

/// A state cut into messages, one made at a time.
pub(super) fn cut(
    state: StateBytes,
    size: ChunkSize,
) -> impl Iterator<Item = read_state_bytes::Response> + Send {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = state.get(start..).filter(|rest| !rest.is_empty())?;
        let bytes = rest[..rest.len().min(size.0)].to_vec();
        let end = start + bytes.len();
        let message = read_state_bytes::Response {
            bytes,
            total_length: wide(state.len()),
            // The last byte counts: cores take a chunk that ends before it for one in the middle.
            range: Some(StateRange {
                start: wide(start),
                end: wide(end - 1),
            }),
            diagnostics: Vec::new(),
        };
        start = end;
        Some(message)
    })
}

fn wide(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// A state that arrives in chunks.
#[derive(Default)]
pub(super) struct Joined {
    begun: Option<Begun>,
}

struct Begun {
    whole: Whole,
    total: usize,
}

/// A state that has arrived.
pub(super) struct Whole {
    pub(super) type_name: String,
    pub(super) state_id: String,
    pub(super) bytes: StateBytes,
}

impl Joined {
    /// Takes the next chunk.
    ///
    /// # Errors
    /// When it is not what must come next.
    pub(super) fn push(&mut self, chunk: RequestChunk) -> Result<(), Diagnostics> {
        let RequestChunk {
            meta,
            mut bytes,
            total_length,
            range,
        } = chunk;
        if self.begun.is_none() {
            let meta = meta.ok_or_else(|| refused("the first chunk does not name the state"))?;
            if !(0..=LARGEST_STATE).contains(&total_length) {
                return Err(refused(&format!(
                    "it is said to have {total_length} bytes; at most {LARGEST_STATE} are taken"
                )));
            }
            let total = usize::try_from(total_length).unwrap_or_default();
            // Reserved as it comes, not as it is announced. Growing leaves copies, so `push` grows by hand.
            let whole = Whole {
                type_name: meta.type_name,
                state_id: meta.state_id,
                bytes: Zeroizing::default(),
            };
            self.begun = Some(Begun { whole, total });
        }
        let Some(Begun { whole, total }) = &mut self.begun else {
            return Err(refused("it has no beginning"));
        };
        let start = whole.bytes.len();
        if range.is_some_and(|range| range.start != wide(start)) {
            return Err(refused("its chunks are not in order"));
        }
        if bytes.len() > *total - start {
            return Err(refused("it is longer than announced"));
        }
        append(&mut whole.bytes, &bytes, *total);
        bytes.zeroize();
        Ok(())
    }

    /// The whole state.
    ///
    /// # Errors
    /// When it has not all come.
    pub(super) fn finish(self) -> Result<Whole, Diagnostics> {
        let Begun { whole, total } = self.begun.ok_or_else(|| refused("it has no chunks"))?;
        if whole.bytes.len() == total {
            Ok(whole)
        } else {
            Err(refused(&format!(
                "{} of {total} bytes have arrived",
                whole.bytes.len()
            )))
        }
    }
}

/// Appends without leaving a copy behind where the bytes were before.
fn append(whole: &mut StateBytes, bytes: &[u8], total: usize) {
    if whole.capacity() - whole.len() < bytes.len() {
        let wanted = (whole.len() + bytes.len()).max(whole.len() * 2).min(total);
        let mut larger = Zeroizing::new(Vec::with_capacity(wanted));
        larger.extend_from_slice(whole);
        *whole = larger;
    }
    whole.extend_from_slice(bytes);
}

fn refused(why: &str) -> Diagnostics {
    Diagnostic::error("State cannot be taken in")
        .detail(format!(
            "The state that Terraform sent is malformed: {why}. Nothing was written."
        ))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proto::write_state_bytes::RequestChunkMeta;

    fn chunk(bytes: &[u8], start: usize, total: usize) -> RequestChunk {
        RequestChunk {
            meta: (start == 0).then(|| RequestChunkMeta {
                type_name: "t".into(),
                state_id: "s".into(),
            }),
            bytes: bytes.to_vec(),
            total_length: wide(total),
            range: Some(StateRange {
                start: wide(start),
                end: wide(start + bytes.len()),
            }),
        }
    }

    fn joined(chunks: Vec<RequestChunk>) -> Result<Vec<u8>, String> {
        let mut joined = Joined::default();
        for chunk in chunks {
            joined.push(chunk).map_err(|problem| problem.to_string())?;
        }
        let whole = joined.finish().map_err(|problem| problem.to_string())?;
        Ok(whole.bytes.to_vec())
    }

    #[test]
    fn malformed_states_are_refused_with_a_reason() {
        let nameless = RequestChunk {
            meta: None,
            ..chunk(b"ab", 0, 2)
        };
        let negative = RequestChunk {
            total_length: -1,
            ..chunk(b"", 0, 0)
        };
        let huge = RequestChunk {
            total_length: i64::MAX,
            ..chunk(b"ab", 0, 2)
        };
        for (chunks, reason) in [
            (vec![], "no chunks"),
            (vec![nameless], "does not name"),
            (vec![negative], "-1 bytes"),
            (vec![huge], "at most"),
            (vec![chunk(b"abc", 0, 2)], "longer than announced"),
            (vec![chunk(b"ab", 0, 3)], "2 of 3"),
            (vec![chunk(b"ab", 0, 6), chunk(b"ef", 4, 6)], "not in order"),
            (vec![chunk(b"ab", 0, 6), chunk(b"ab", 0, 6)], "not in order"),
        ] {
            let refused = joined(chunks).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn sizes_are_agreed_within_limits() {
        for (suggested, agreed) in [
            (0, DEFAULT),
            (-1, DEFAULT),
            (1, 1),
            (i64::MAX, LARGEST),
            (4096, 4096),
        ] {
            assert_eq!(ChunkSize::agree(suggested), ChunkSize(agreed));
        }
    }

    proptest! {
        #[test]
        fn what_is_cut_is_joined(state in prop::collection::vec(any::<u8>(), 0..200), size in 1..40_i64) {
            let sent: Vec<_> = cut(Zeroizing::new(state.clone()), ChunkSize::agree(size)).collect();
            for (position, message) in sent.iter().enumerate() {
                let (range, length) = (message.range.unwrap(), wide(message.bytes.len()));
                prop_assert_eq!(message.total_length, wide(state.len()));
                prop_assert_eq!(range.end - range.start + 1, length);
                let last = position + 1 == sent.len();
                prop_assert_eq!(last, range.end == message.total_length - 1);
                prop_assert!(length == size || (last && length <= size));
            }
            let total = state.len();
            let mut chunks: Vec<_> = sent
                .into_iter()
                .map(|message| chunk(&message.bytes, usize::try_from(message.range.unwrap().start).unwrap(), total))
                .collect();
            if chunks.is_empty() {
                chunks.push(chunk(b"", 0, 0));
            }
            prop_assert_eq!(joined(chunks), Ok(state));
        }
    }
}
