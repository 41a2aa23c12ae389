//! Reading data sources.

use tfplugin::proto;

use super::ProviderService;
use super::call::{Answer, Interrupted};
use super::offered::{Asked, ask};
use crate::convert;
use crate::echo;
use crate::provider::Provider;

use proto::read_data_source::{Request, Response};

/// What messages call it.
pub(super) const KIND: &str = "data source";

impl<P: Provider> ProviderService<P> {
    pub(super) async fn read_data_source(&self, request: Request) -> Response {
        let Request {
            type_name,
            config,
            client_capabilities,
            ..
        } = request;
        let Answer { value, diagnostics } =
            match ask(&self.inner.registry.data_sources, KIND, &type_name, config) {
                Err(problems) => Err(problems).into(),
                Ok(Asked { item, made, config }) => {
                    let work = |context| async move {
                        let mut state = item.read(&context, config.clone()).await?;
                        echo::settle(&made.schema.block, &config, &mut state)?;
                        convert::dynamic(&state, &made.ty)
                    };
                    self.call(
                        Interrupted::Abandon,
                        convert::capabilities(client_capabilities),
                        work,
                    )
                    .await
                }
            };
        Response {
            state: value,
            diagnostics: convert::diagnostics(&diagnostics),
            deferred: None,
        }
    }
}
