//! The provider block: checking it, and keeping what it makes.

use std::sync::{Arc, PoisonError};

use tfplugin::proto;

use super::ProviderService;
use super::call::{Answer, Interrupted, interruption};
use crate::context::Capabilities;
use crate::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Decoder, Model, Unknowns};
use crate::provider::Provider;
use crate::value::Value;

/// What became of the provider block.
#[derive(Default)]
pub(super) enum Configuration<D> {
    /// It has not been sent, or was refused.
    #[default]
    Missing,
    /// Part of it is known only after apply.
    Unknown(Diagnostics),
    /// It was accepted.
    Ready(Arc<D>),
}

/// A provider block that was read.
enum ReadBlock<M> {
    Whole(M),
    PartlyUnknown(Diagnostics),
}

impl<P: Provider> ProviderService<P> {
    pub(super) async fn configure(
        &self,
        config: Option<proto::DynamicValue>,
        capabilities: Capabilities,
    ) -> Diagnostics {
        let block = match self.read_block(config) {
            Ok(block) => block,
            Err(problems) => {
                self.keep(Configuration::Missing);
                return problems;
            }
        };
        let config = match block {
            ReadBlock::Whole(config) => config,
            ReadBlock::PartlyUnknown(why) => {
                self.keep(Configuration::Unknown(why));
                return Diagnostics::new();
            }
        };
        let service = self.clone();
        // An abandoned handler runs on: what it makes is taken in all the same, to be closed at the end.
        let work = |context| async move {
            let data = service.inner.block.item.configure(&context, config).await?;
            service.take_in_session(data).await.ok_or_else(interruption)
        };
        let answer = self
            .call_with(Arc::new(()), Interrupted::Abandon, capabilities, work)
            .await;
        let Answer { value, diagnostics } = answer;
        self.keep(value.map_or(Configuration::Missing, Configuration::Ready));
        diagnostics
    }

    fn read_block(
        &self,
        config: Option<proto::DynamicValue>,
    ) -> Result<ReadBlock<P::Model>, Diagnostics> {
        let value = convert::value(config, &self.inner.block.made().ty)?;
        // A block without content arrives as null from some cores.
        let value = if value.is_null() {
            Value::Object(empty::<P::Model>())
        } else {
            value
        };
        let mut decoder = Decoder::new(Unknowns::Refuse);
        let read = decoder.model(value);
        let unknown = decoder.met_unknown();
        match decoder.finish(read) {
            Ok(model) => Ok(ReadBlock::Whole(model)),
            Err(problems) if unknown => Ok(ReadBlock::PartlyUnknown(problems)),
            Err(problems) => Err(problems),
        }
    }

    /// The last configuration of a connection wins.
    fn keep(&self, configuration: Configuration<P::Data>) {
        *self
            .configuration
            .write()
            .unwrap_or_else(PoisonError::into_inner) = configuration;
    }

    /// The provider's data.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn data(&self) -> Result<Arc<P::Data>, Diagnostics> {
        match &*self
            .configuration
            .read()
            .unwrap_or_else(PoisonError::into_inner)
        {
            Configuration::Ready(data) => Ok(Arc::clone(data)),
            Configuration::Missing => Err(Diagnostic::error("Provider is not configured")
                .detail("Terraform has not sent the provider configuration, or it was refused.")
                .into()),
            Configuration::Unknown(why) => Err(not_known_yet(why).into()),
        }
    }

    /// True when the provider block is there but not known yet.
    pub(super) fn configuration_is_unknown(&self) -> bool {
        matches!(
            &*self
                .configuration
                .read()
                .unwrap_or_else(PoisonError::into_inner),
            Configuration::Unknown(_)
        )
    }
}

/// The values of a block in which nothing is set.
fn empty<M: Model>() -> crate::value::Object {
    use crate::schema::Nesting;
    let blocks = M::block().blocks.into_iter().map(|nested| {
        let value = match nested.nesting {
            Nesting::Single | Nesting::Group => Value::Null,
            Nesting::List => Value::List(Vec::new()),
            Nesting::Set => Value::Set(Vec::new()),
            Nesting::Map => Value::Map(crate::value::Object::new()),
        };
        (nested.name, value)
    });
    blocks.collect()
}

fn not_known_yet(why: &Diagnostics) -> Diagnostic {
    let places: Vec<_> = why
        .iter()
        .map(|problem| format!("`{}`", problem.path))
        .collect();
    Diagnostic::error("Provider configuration is not known yet").detail(format!(
        "The provider block depends on values that are known only after apply: {}. Use values that are known \
         when planning, or apply in two steps (`-target`).",
        places.join(", ")
    ))
}
