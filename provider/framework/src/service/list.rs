//! Listing existing objects.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use tfplugin::proto;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::ProviderService;
use super::call::{Answer, Interrupted, followed_by};
use super::managed;
use super::offered::{Asked, Made, ask, find};
use crate::context::Capabilities;
use crate::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::list::{Found, Item, Query};
use crate::managed::IdentitySchema;
use crate::provider::Provider;
use crate::types::Type;
use crate::write_only;

use proto::list_resource::{Event, Request};

/// What a listing streams.
pub(super) type Events = Pin<Box<dyn Stream<Item = Result<Event, Status>> + Send>>;

/// Items that may wait for a slow reader.
const QUEUE: usize = 64;

/// What messages call it.
pub(super) const KIND: &str = "list resource";

/// What is needed to write the items of one listing.
struct Target {
    identity: IdentitySchema,
    object: Arc<Made>,
}

impl<P: Provider> ProviderService<P> {
    pub(super) fn list(&self, request: Request) -> Events {
        let target = match self.target(&request.type_name) {
            Ok(target) => target,
            Err(problems) => return Box::pin(stream::iter([Ok(failure(&problems))])),
        };
        let limit = usize::try_from(request.limit)
            .ok()
            .filter(|limit| *limit > 0)
            .unwrap_or(usize::MAX);
        let (sender, items) = mpsc::channel(QUEUE);
        let service = self.clone();
        let finished = async move {
            let problems = service.search(request, Found::new(sender)).await;
            (!problems.is_empty()).then(|| failure(&problems))
        };
        // Dropping the receiver at the limit tells the search to stop.
        let items = ReceiverStream::new(items)
            .take(limit)
            .map(move |item| event(item, &target));
        Box::pin(followed_by(items, finished))
    }

    fn target(&self, name: &str) -> Result<Target, Diagnostics> {
        let managed = find(&self.inner.registry.managed, managed::KIND, name)?;
        let identity = managed.item.identity_schema().ok_or_else(|| {
            Diagnostics::from(Diagnostic::error("Objects have no identity").detail(format!(
                "Objects of type `{name}` cannot be listed because they have no identity. This is a bug in the provider."
            )))
        })?;
        Ok(Target {
            identity,
            object: managed.made(),
        })
    }

    async fn search(&self, request: Request, found: Found) -> Diagnostics {
        let Request {
            type_name,
            config,
            include_resource_object,
            limit,
        } = request;
        let asked = ask(&self.inner.registry.lists, KIND, &type_name, config);
        let answer: Answer<()> = match asked {
            Err(problems) => Err(problems).into(),
            Ok(Asked { item, config, .. }) => {
                let limit = u64::try_from(limit).unwrap_or(0);
                let query = Query {
                    config,
                    with_object: include_resource_object,
                    limit,
                };
                let work = |context| async move { item.list(&context, query, &found).await };
                self.call(Interrupted::Abandon, Capabilities::default(), work)
                    .await
            }
        };
        answer.diagnostics
    }
}

fn event(item: Item, target: &Target) -> Event {
    let Item {
        identity,
        display_name,
        object,
        warning,
    } = item;
    let ty: &Type = &target.object.ty;
    let written =
        convert::identity_data(Some(identity), Some(&target.identity)).and_then(|identity| {
            let object = object.map(|mut object| {
                write_only::remove(&target.object.schema.block, &mut object);
                convert::dynamic(&object, ty)
            });
            Ok((identity, object.transpose()?))
        });
    match written {
        Ok((identity, resource_object)) => {
            let diagnostic = convert::diagnostics(&warning.into_iter().collect());
            Event {
                identity,
                display_name,
                resource_object,
                diagnostic,
            }
        }
        Err(problems) => failure(&problems),
    }
}

fn failure(problems: &Diagnostics) -> Event {
    Event {
        diagnostic: convert::diagnostics(problems),
        ..Event::default()
    }
}
