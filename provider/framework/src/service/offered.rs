//! One thing on offer: its schema, made once, and its check.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use futures::future::BoxFuture;
use tfplugin::proto;

use super::ProviderService;
use crate::config::Config;
use crate::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::provider::Provider;
use crate::schema::Schema;
use crate::types::Type;
use crate::value::Value;

/// A resource, data source, list or action, behind the front that all of them have.
pub(crate) struct Offered<E: ?Sized> {
    pub(crate) item: Arc<E>,
    front: Front,
    made: OnceLock<Arc<Made>>,
}

/// What everything on offer has: a schema, and a check of its configuration.
pub(crate) struct Front {
    schema: Box<dyn Fn() -> Schema + Send + Sync>,
    validate: Validate,
}

type Validate = Arc<dyn Fn(Config) -> BoxFuture<'static, Diagnostics> + Send + Sync>;

/// A schema and the type of its values.
pub(crate) struct Made {
    pub(crate) schema: Schema,
    pub(crate) ty: Type,
}

impl Front {
    pub(crate) fn new<T: Send + Sync + 'static>(
        item: &Arc<T>,
        schema: impl Fn(&T) -> Schema + Send + Sync + 'static,
        validate: for<'a> fn(&'a T, &'a Config) -> BoxFuture<'a, Diagnostics>,
    ) -> Self {
        let (of_schema, of_validate) = (Arc::clone(item), Arc::clone(item));
        Self {
            schema: Box::new(move || schema(&of_schema)),
            validate: Arc::new(move |config| {
                let item = Arc::clone(&of_validate);
                Box::pin(async move { validate(&item, &config).await })
            }),
        }
    }
}

impl<E: ?Sized> Offered<E> {
    pub(crate) fn new(item: Arc<E>, front: Front) -> Self {
        Self {
            item,
            front,
            made: OnceLock::new(),
        }
    }

    /// The schema, made when first asked for.
    pub(crate) fn made(&self) -> Arc<Made> {
        let made = self.made.get_or_init(|| {
            let schema = (self.front.schema)();
            let ty = schema.ty();
            Arc::new(Made { schema, ty })
        });
        Arc::clone(made)
    }
}

/// Something that was asked for, with a configuration that fits its schema.
pub(super) struct Asked<E: ?Sized> {
    pub(super) item: Arc<E>,
    pub(super) made: Arc<Made>,
    pub(super) config: Value,
}

/// Looks up what is asked for; `kind` is for the message.
pub(super) fn find<'o, E: ?Sized>(
    offers: &'o BTreeMap<String, Offered<E>>,
    kind: &str,
    name: &str,
) -> Result<&'o Offered<E>, Diagnostics> {
    offers.get(name).ok_or_else(|| {
        Diagnostic::error(format!("Unsupported {kind}"))
            .detail(format!(
                "This provider has no {kind} `{name}`. A newer version of it may have one."
            ))
            .into()
    })
}

/// Looks up what is asked for and reads its configuration.
pub(super) fn ask<E: ?Sized>(
    offers: &BTreeMap<String, Offered<E>>,
    kind: &str,
    name: &str,
    config: Option<proto::DynamicValue>,
) -> Result<Asked<E>, Diagnostics> {
    let offered = find(offers, kind, name)?;
    let made = offered.made();
    let config = convert::value(config, &made.ty)?;
    Ok(Asked {
        item: Arc::clone(&offered.item),
        made,
        config,
    })
}

impl<P: Provider> ProviderService<P> {
    /// Checks the configuration of something on offer.
    pub(super) async fn validate<E: ?Sized>(
        &self,
        offered: Result<&Offered<E>, Diagnostics>,
        config: Option<proto::DynamicValue>,
    ) -> Diagnostics {
        let prepared = offered.and_then(|offered| {
            let config = convert::value(config, &offered.made().ty)?;
            Ok((Arc::clone(&offered.front.validate), Config::new(config)))
        });
        match prepared {
            Ok((validate, config)) => self.check(validate(config)).await,
            Err(problems) => problems,
        }
    }
}
