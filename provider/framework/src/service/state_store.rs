//! Keeping states for Terraform.

use std::pin::Pin;

use futures::{Stream, StreamExt, stream};
use tfplugin::proto;
use tonic::Status;

use super::ProviderService;
use super::call::{Answer, Interrupted};
use super::offered::{Asked, ask, find};
use super::state_chunks::{ChunkSize, Joined, cut};
use crate::context::{Capabilities, Context};
use crate::convert;
use crate::diagnostic::Diagnostics;
use crate::provider::Provider;
use crate::state_store::ErasedStateStore;

use proto::{
    configure_state_store, delete_state, get_states, lock_state, read_state_bytes, unlock_state,
    write_state_bytes,
};
use std::sync::Arc;

/// What a read streams.
pub(super) type Chunks =
    Pin<Box<dyn Stream<Item = Result<read_state_bytes::Response, Status>> + Send>>;

/// What messages call it.
pub(super) const KIND: &str = "state store";

impl<P: Provider> ProviderService<P> {
    fn state_store(&self, name: &str) -> Result<Arc<dyn ErasedStateStore<P::Data>>, Diagnostics> {
        find(&self.inner.registry.state_stores, KIND, name).map(|offered| Arc::clone(&offered.item))
    }

    /// Runs a call to a state store.
    async fn on_state_store<T, F>(
        &self,
        name: &str,
        interrupted: Interrupted,
        work: impl FnOnce(Arc<dyn ErasedStateStore<P::Data>>, Context<P::Data>) -> F,
    ) -> Answer<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Diagnostics>> + Send + 'static,
    {
        match self.state_store(name) {
            Err(problems) => Err(problems).into(),
            Ok(store) => {
                let work = |context| work(store, context);
                self.call(interrupted, Capabilities::default(), work).await
            }
        }
    }

    pub(super) async fn configure_state_store(
        &self,
        request: configure_state_store::Request,
    ) -> configure_state_store::Response {
        let configure_state_store::Request {
            type_name,
            config,
            capabilities,
        } = request;
        let asked = ask(&self.inner.registry.state_stores, KIND, &type_name, config);
        let Answer { value, diagnostics } = match asked {
            Err(problems) => Err(problems).into(),
            Ok(Asked { item, config, .. }) => {
                let work = |context| async move { item.configure(&context, config).await };
                self.call(Interrupted::Abandon, Capabilities::default(), work)
                    .await
            }
        };
        let agreed = value.map(|()| {
            let suggested = capabilities.unwrap_or_default().chunk_size;
            let size = ChunkSize::agree(suggested);
            self.inner.chunk_sizes.set(&type_name, size);
            proto::StateStoreServerCapabilities {
                chunk_size: size.on_the_wire(),
            }
        });
        configure_state_store::Response {
            diagnostics: convert::diagnostics(&diagnostics),
            capabilities: agreed,
        }
    }

    pub(super) async fn read_state(&self, request: read_state_bytes::Request) -> Chunks {
        let read_state_bytes::Request {
            type_name,
            state_id,
        } = request;
        let size = self.inner.chunk_sizes.get(&type_name);
        let read = self
            .on_state_store(
                &type_name,
                Interrupted::Abandon,
                |store, context| async move { store.read(&context, &state_id).await },
            )
            .await;
        let Answer { value, diagnostics } = read;
        let told = (!diagnostics.is_empty()).then(|| read_state_bytes::Response {
            diagnostics: convert::diagnostics(&diagnostics),
            // Some cores look at the range of every message.
            range: Some(proto::StateRange::default()),
            ..Default::default()
        });
        // Without a state nothing is sent, which is how cores know.
        let chunks = value.flatten().map(|state| cut(state, size));
        let chunks = chunks.into_iter().flatten();
        Box::pin(stream::iter(told.into_iter().chain(chunks)).map(Ok))
    }

    pub(super) async fn write_state(
        &self,
        mut chunks: impl Stream<Item = Result<write_state_bytes::RequestChunk, Status>> + Send + Unpin,
    ) -> Result<write_state_bytes::Response, Status> {
        let mut joined = Joined::default();
        while let Some(chunk) = chunks.next().await {
            // A failed stream is the host's own doing; nothing has been written.
            if let Err(problems) = joined.push(chunk?) {
                return Ok(write_state_bytes::Response {
                    diagnostics: convert::diagnostics(&problems),
                });
            }
        }
        let diagnostics = match joined.finish() {
            Err(problems) => problems,
            Ok(whole) => {
                let (type_name, state_id, bytes) = (whole.type_name, whole.state_id, whole.bytes);
                let answer: Answer<()> = self
                    .on_state_store(&type_name, Interrupted::Wait, |store, context| async move {
                        store.write(&context, &state_id, bytes).await
                    })
                    .await;
                answer.diagnostics
            }
        };
        Ok(write_state_bytes::Response {
            diagnostics: convert::diagnostics(&diagnostics),
        })
    }

    pub(super) async fn lock_state(&self, request: lock_state::Request) -> lock_state::Response {
        let lock_state::Request {
            type_name,
            state_id,
            operation,
        } = request;
        let Answer { value, diagnostics } = self
            .on_state_store(&type_name, Interrupted::Wait, |store, context| async move {
                store.lock(&context, &state_id, &operation).await
            })
            .await;
        lock_state::Response {
            lock_id: value.unwrap_or_default(),
            diagnostics: convert::diagnostics(&diagnostics),
        }
    }

    pub(super) async fn unlock_state(
        &self,
        request: unlock_state::Request,
    ) -> unlock_state::Response {
        let unlock_state::Request {
            type_name,
            state_id,
            lock_id,
        } = request;
        let answer: Answer<()> = self
            .on_state_store(&type_name, Interrupted::Wait, |store, context| async move {
                store.unlock(&context, &state_id, &lock_id).await
            })
            .await;
        unlock_state::Response {
            diagnostics: convert::diagnostics(&answer.diagnostics),
        }
    }

    pub(super) async fn states(&self, request: get_states::Request) -> get_states::Response {
        let Answer { value, diagnostics } = self
            .on_state_store(
                &request.type_name,
                Interrupted::Abandon,
                |store, context| async move { store.states(&context).await },
            )
            .await;
        get_states::Response {
            state_id: value.unwrap_or_default(),
            diagnostics: convert::diagnostics(&diagnostics),
        }
    }

    pub(super) async fn delete_state(
        &self,
        request: delete_state::Request,
    ) -> delete_state::Response {
        let delete_state::Request {
            type_name,
            state_id,
        } = request;
        let answer: Answer<()> = self
            .on_state_store(&type_name, Interrupted::Wait, |store, context| async move {
                store.delete(&context, &state_id).await
            })
            .await;
        delete_state::Response {
            diagnostics: convert::diagnostics(&answer.diagnostics),
        }
    }
}
