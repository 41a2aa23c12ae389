//! Planning and invoking actions.

use std::pin::Pin;

use futures::{Stream, StreamExt};
use tfplugin::proto;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::ProviderService;
use super::call::{Answer, Interrupted, followed_by};
use super::offered::{Asked, ask};
use crate::action::Progress;
use crate::config::Config;
use crate::convert;
use crate::diagnostic::Diagnostics;
use crate::provider::Provider;

use proto::invoke_action::event::{Completed, Progress as Said, Type};
use proto::{invoke_action, plan_action};

/// What an invocation streams.
pub(super) type Events = Pin<Box<dyn Stream<Item = Result<invoke_action::Event, Status>> + Send>>;

/// Messages that may wait for a slow reader.
const QUEUE: usize = 16;

/// What messages call it.
pub(super) const KIND: &str = "action";

impl<P: Provider> ProviderService<P> {
    pub(super) async fn plan_action(&self, request: plan_action::Request) -> Diagnostics {
        let plan_action::Request {
            action_type,
            config,
            client_capabilities,
        } = request;
        if self.configuration_is_unknown() {
            return Diagnostics::new();
        }
        let asked = ask(&self.inner.registry.actions, KIND, &action_type, config);
        let answer: Answer<()> = match asked {
            Err(problems) => Err(problems).into(),
            Ok(Asked { item, config, .. }) => {
                let config = Config::new(config);
                let work = |context| async move { item.plan(&context, &config).await };
                self.call(
                    Interrupted::Abandon,
                    convert::capabilities(client_capabilities),
                    work,
                )
                .await
            }
        };
        answer.diagnostics
    }

    pub(super) fn invoke_action(&self, request: invoke_action::Request) -> Events {
        let (sender, said) = mpsc::channel(QUEUE);
        let service = self.clone();
        let completed = async move {
            let diagnostics = service.invoked(request, Progress::new(sender)).await;
            Some(event(Type::Completed(Completed {
                diagnostics: convert::diagnostics(&diagnostics),
            })))
        };
        let said = ReceiverStream::new(said).map(|message| {
            let message = secret_value::redaction::redact(&message).into_owned();
            event(Type::Progress(Said { message }))
        });
        Box::pin(followed_by(said, completed))
    }

    async fn invoked(&self, request: invoke_action::Request, progress: Progress) -> Diagnostics {
        let invoke_action::Request {
            action_type,
            config,
            client_capabilities,
        } = request;
        let asked = ask(&self.inner.registry.actions, KIND, &action_type, config);
        let answer: Answer<()> = match asked {
            Err(problems) => Err(problems).into(),
            Ok(Asked { item, config, .. }) => {
                let work = |context| async move { item.invoke(&context, config, &progress).await };
                self.call(
                    Interrupted::Wait,
                    convert::capabilities(client_capabilities),
                    work,
                )
                .await
            }
        };
        answer.diagnostics
    }
}

fn event(event: Type) -> invoke_action::Event {
    invoke_action::Event {
        r#type: Some(event),
    }
}
