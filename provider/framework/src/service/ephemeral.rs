//! Opening, renewing and closing ephemeral resources.

use tfplugin::proto;

use super::ProviderService;
use super::call::{Answer, Interrupted, interruption};
use super::offered::{Asked, Made, ask};
use crate::context::Context;
use crate::convert;
use crate::diagnostic::Diagnostics;
use crate::echo;
use crate::ephemeral::Opened;
use crate::lifecycle::{Lease, Registered};
use crate::provider::Provider;
use crate::value::Value;

use proto::{close_ephemeral_resource, open_ephemeral_resource, renew_ephemeral_resource};

/// What messages call it.
pub(super) const KIND: &str = "ephemeral resource";

impl<P: Provider> ProviderService<P> {
    pub(super) async fn open(
        &self,
        request: open_ephemeral_resource::Request,
    ) -> open_ephemeral_resource::Response {
        let Answer { value, diagnostics } = self.opened(request).await;
        let mut response = open_ephemeral_resource::Response::default();
        if let Some((result, registered)) = value {
            response.result = Some(result);
            if let Some(Registered { private, renew_at }) = registered {
                response.private = Some(private);
                response.renew_at = renew_at.map(convert::timestamp);
            }
        }
        response.diagnostics = convert::diagnostics(&diagnostics);
        response
    }

    async fn opened(
        &self,
        request: open_ephemeral_resource::Request,
    ) -> Answer<(proto::DynamicValue, Option<Registered>)> {
        let open_ephemeral_resource::Request {
            type_name,
            config,
            client_capabilities,
        } = request;
        let Asked { item, made, config } =
            match ask(&self.inner.registry.ephemerals, KIND, &type_name, config) {
                Ok(asked) => asked,
                Err(problems) => return Err(problems).into(),
            };
        let service = self.clone();
        let work = move |context: Context<P::Data>| async move {
            let opened = item.open(&context, config.clone()).await?;
            service
                .take_in(&type_name, &made, &config, opened, &context)
                .await
        };
        self.call(
            Interrupted::Abandon,
            convert::capabilities(client_capabilities),
            work,
        )
        .await
    }

    /// Checks a result and takes its lease in. Whatever is wrong, the lease is given back: Terraform does
    /// not close what it could not open.
    async fn take_in(
        &self,
        type_name: &str,
        made: &Made,
        config: &Value,
        opened: Opened<Value>,
        context: &Context<P::Data>,
    ) -> Result<(proto::DynamicValue, Option<Registered>), Diagnostics> {
        let Opened { mut result, lease } = opened;
        let registered = match lease {
            Some(lease) => Some(self.register(type_name, lease).await?),
            None => None,
        };
        let checked = echo::settle(&made.schema.block, config, &mut result)
            .and_then(|()| convert::dynamic(&result, &made.ty))
            .and_then(|result| still_wanted(context).map(|()| result));
        match checked {
            Ok(result) => Ok((result, registered)),
            Err(mut problems) => {
                if let Some(registered) = registered {
                    problems.extend(self.inner.leases.close(&registered.private).await);
                }
                Err(problems)
            }
        }
    }

    async fn register(
        &self,
        type_name: &str,
        lease: Box<dyn Lease>,
    ) -> Result<Registered, Diagnostics> {
        self.inner
            .leases
            .register(type_name, lease)
            .await
            .ok_or_else(interruption)
    }

    pub(super) async fn renew(
        &self,
        request: renew_ephemeral_resource::Request,
    ) -> renew_ephemeral_resource::Response {
        let private = request.private.unwrap_or_default();
        let service = self.clone();
        let asked = private.clone();
        let work = async move { Ok(service.inner.leases.renew(&asked).await) };
        let outcome = self.scope().run(Interrupted::Wait, work).await;
        let (renew_at, diagnostics) = match outcome {
            Ok(renewed) => (renewed.renew_at, renewed.diagnostics),
            Err(problems) => (None, problems),
        };
        renew_ephemeral_resource::Response {
            diagnostics: convert::diagnostics(&diagnostics),
            renew_at: renew_at.map(convert::timestamp),
            // The same bytes always: Terraform closes with those of the open, OpenTofu with these.
            private: (!private.is_empty()).then_some(private),
        }
    }

    pub(super) async fn close(
        &self,
        request: close_ephemeral_resource::Request,
    ) -> close_ephemeral_resource::Response {
        let service = self.clone();
        let work = async move {
            Ok(service
                .inner
                .leases
                .close(&request.private.unwrap_or_default())
                .await)
        };
        let outcome = self.scope().run(Interrupted::Wait, work).await;
        let diagnostics = outcome.unwrap_or_else(|problems| problems);
        close_ephemeral_resource::Response {
            diagnostics: convert::diagnostics(&diagnostics),
        }
    }
}

/// Whether Terraform will take what was opened: not after an interruption, and not beside an error.
fn still_wanted<D>(context: &Context<D>) -> Result<(), Diagnostics> {
    if context.cancellation().is_cancelled() {
        return Err(interruption());
    }
    // The error itself has been reported.
    if context.has_reported_error() {
        Err(Diagnostics::new())
    } else {
        Ok(())
    }
}
