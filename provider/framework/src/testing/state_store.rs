//! State stores as Terraform's alpha builds use them.

use futures::stream;
use tfplugin::proto;

use super::host::{Host, HostError, Reply, Shape, diagnostics};
use crate::diagnostic::Diagnostics;
use crate::value::Object;

/// A configured state store, as a core remembers it.
#[derive(Debug, Clone)]
pub struct StateStore {
    type_name: String,
    /// Bytes in every chunk but the last.
    pub chunk_size: usize,
}

impl Host {
    /// Validates and configures a state store. The core suggests `chunk_size`; the provider decides.
    ///
    /// # Errors
    /// When a call fails, or the core refuses the answer.
    pub async fn state_store(
        &self,
        type_name: &str,
        config: Object,
        chunk_size: i64,
    ) -> Result<Reply<StateStore>, HostError> {
        let shape = Shape::new(self.schemas().state_store_schemas.get(type_name), type_name)?;
        let config = shape.encode(&shape.complete(config))?;
        let request = proto::validate_state_store::Request {
            type_name: type_name.to_owned(),
            config: config.clone(),
        };
        let checked = self
            .client
            .clone()
            .validate_state_store_config(request)
            .await?;
        let checked = diagnostics(checked.into_inner().diagnostics);
        if checked.has_error() {
            return Ok(Reply {
                value: None,
                diagnostics: checked,
            });
        }
        let request = proto::configure_state_store::Request {
            type_name: type_name.to_owned(),
            config,
            capabilities: Some(proto::StateStoreClientCapabilities { chunk_size }),
        };
        let configured = self.client.clone().configure_state_store(request).await?;
        let configured = configured.into_inner();
        let found = diagnostics(configured.diagnostics);
        if found.has_error() {
            return Ok(Reply {
                value: None,
                diagnostics: found,
            });
        }
        let agreed = configured.capabilities.unwrap_or_default().chunk_size;
        let chunk_size = usize::try_from(agreed)
            .ok()
            .filter(|size| *size > 0)
            .ok_or_else(|| HostError::refused("the provider has not chosen a chunk size"))?;
        let store = StateStore {
            type_name: type_name.to_owned(),
            chunk_size,
        };
        Ok(Reply {
            value: Some(store),
            diagnostics: found,
        })
    }

    /// Names of the states there are.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn states(&self, store: &StateStore) -> Result<Reply<Vec<String>>, HostError> {
        let type_name = store.type_name.clone();
        let request = proto::get_states::Request { type_name };
        let listed = self.client.clone().get_states(request).await?.into_inner();
        Ok(Reply {
            value: Some(listed.state_id),
            diagnostics: diagnostics(listed.diagnostics),
        })
    }

    /// Reads a state; no value when there is none.
    ///
    /// # Errors
    /// When the call fails, or the chunks are not what was agreed.
    pub async fn read_state(
        &self,
        store: &StateStore,
        state: &str,
    ) -> Result<Reply<Vec<u8>>, HostError> {
        let request = proto::read_state_bytes::Request {
            type_name: store.type_name.clone(),
            state_id: state.to_owned(),
        };
        let mut chunks = self
            .client
            .clone()
            .read_state_bytes(request)
            .await?
            .into_inner();
        let (mut bytes, mut total, mut found) = (Vec::new(), 0, Diagnostics::new());
        while let Some(chunk) = chunks.message().await? {
            found.extend(diagnostics(chunk.diagnostics));
            if found.has_error() {
                return Ok(Reply {
                    value: None,
                    diagnostics: found,
                });
            }
            let range = chunk
                .range
                .ok_or_else(|| HostError::refused("a chunk without a range crashes cores"))?;
            if total == 0 {
                total = chunk.total_length;
            }
            let last = range.end >= chunk.total_length - 1;
            let length = chunk.bytes.len();
            if length > store.chunk_size || (!last && length != store.chunk_size) {
                return Err(HostError::refused(format!("a chunk of {length} bytes")));
            }
            bytes.extend(chunk.bytes);
        }
        if i64::try_from(bytes.len()) != Ok(total) {
            return Err(HostError::refused(format!(
                "{} of {total} bytes of state",
                bytes.len()
            )));
        }
        Ok(Reply {
            value: (!bytes.is_empty()).then_some(bytes),
            diagnostics: found,
        })
    }

    /// Writes a state.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn write_state(
        &self,
        store: &StateStore,
        state: &str,
        bytes: &[u8],
    ) -> Result<Diagnostics, HostError> {
        let meta = proto::write_state_bytes::RequestChunkMeta {
            type_name: store.type_name.clone(),
            state_id: state.to_owned(),
        };
        let wide = |length| i64::try_from(length).unwrap_or(i64::MAX);
        let (mut sent, mut start) = (Vec::new(), 0);
        for chunk in bytes.chunks(store.chunk_size) {
            sent.push(proto::write_state_bytes::RequestChunk {
                meta: (start == 0).then(|| meta.clone()),
                bytes: chunk.to_vec(),
                total_length: wide(bytes.len()),
                range: Some(proto::StateRange {
                    start: wide(start),
                    end: wide(start + chunk.len()),
                }),
            });
            start += chunk.len();
        }
        let written = self
            .client
            .clone()
            .write_state_bytes(stream::iter(sent))
            .await?;
        Ok(diagnostics(written.into_inner().diagnostics))
    }

    /// Locks a state; gives what unlocks it.
    ///
    /// # Errors
    /// When the call fails, or the lock has no name.
    pub async fn lock_state(
        &self,
        store: &StateStore,
        state: &str,
        operation: &str,
    ) -> Result<Reply<String>, HostError> {
        let request = proto::lock_state::Request {
            type_name: store.type_name.clone(),
            state_id: state.to_owned(),
            operation: operation.to_owned(),
        };
        let locked = self.client.clone().lock_state(request).await?.into_inner();
        let found = diagnostics(locked.diagnostics);
        if !found.has_error() && locked.lock_id.is_empty() {
            return Err(HostError::refused("a lock without a name"));
        }
        Ok(Reply {
            value: Some(locked.lock_id).filter(|id| !id.is_empty()),
            diagnostics: found,
        })
    }

    /// Ends a lock.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn unlock_state(
        &self,
        store: &StateStore,
        state: &str,
        lock_id: &str,
    ) -> Result<Diagnostics, HostError> {
        let request = proto::unlock_state::Request {
            type_name: store.type_name.clone(),
            state_id: state.to_owned(),
            lock_id: lock_id.to_owned(),
        };
        let unlocked = self.client.clone().unlock_state(request).await?;
        Ok(diagnostics(unlocked.into_inner().diagnostics))
    }

    /// Deletes a state.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn delete_state(
        &self,
        store: &StateStore,
        state: &str,
    ) -> Result<Diagnostics, HostError> {
        let request = proto::delete_state::Request {
            type_name: store.type_name.clone(),
            state_id: state.to_owned(),
        };
        let deleted = self.client.clone().delete_state(request).await?;
        Ok(diagnostics(deleted.into_inner().diagnostics))
    }
}
