//! A managed resource with a write-only argument, an identity, an upgrade, an import and a move, and the
//! list resource that finds its objects.

use async_trait::async_trait;
use secret_value::Secret;
use tf_framework::list::{Found, Item, ListResource, Query};
use tf_framework::managed::{IdentityAttribute, IdentitySchema, TakeOver, UpgradeIdentity};
use tf_framework::prelude::*;
use tf_framework::schema::Schema;
use tf_framework::types::Type;
use tf_framework::value::Object;

use super::Shared;

model! {
    /// A thing.
    pub struct ThingModel {
        /// Its name; another name is another thing.
        pub name: String = required().requires_replace(),
        /// A note.
        pub note: Option<String> = optional(),
        /// Its secret.
        pub value_wo: Option<Secret> = optional().write_only(),
        /// Raise it to write the secret again.
        pub value_wo_version: Option<i64> = optional(),
        /// Users.
        pub user: Vec<UserModel> = block(),
        /// Set once.
        pub id: Option<String> = computed().keeps_state(),
        /// Length of the secret as written.
        pub length: Option<u64> = computed(),
    }
}

model! {
    /// A user of the thing.
    pub struct UserModel {
        /// Name.
        pub name: String = required(),
        /// Password.
        pub password_wo: Option<Secret> = optional().write_only(),
    }
}

model! {
    /// A thing as version 0 stored it.
    struct OldThing {
        /// Its name.
        title: String = required(),
        /// Set once.
        id: Option<String> = computed(),
    }
}

model! {
    /// The identity of a thing as version 0 stored it.
    struct OldIdentity {
        /// Its number.
        number: i64 = required(),
    }
}

pub struct ThingResource;

impl ThingModel {
    fn named(name: String, id: Option<String>) -> Self {
        Self {
            name,
            note: None,
            value_wo: None,
            value_wo_version: None,
            user: Vec::new(),
            id,
            length: Some(0),
        }
    }
}

#[async_trait]
impl ManagedResource for ThingResource {
    type Data = Shared;
    type Model = ThingModel;

    fn name(&self) -> &'static str {
        "echo_thing"
    }

    fn schema(&self) -> Schema {
        Schema {
            version: 1,
            block: ThingModel::block(),
        }
    }

    fn identity_schema(&self) -> Option<IdentitySchema> {
        let id = IdentityAttribute {
            name: "id".into(),
            ty: Type::String,
            required_for_import: true,
            description: "Set once.".into(),
        };
        Some(IdentitySchema {
            version: 1,
            attributes: vec![id],
        })
    }

    fn identity(&self, state: &ThingModel) -> Option<Object> {
        Some([("id".to_owned(), state.id.clone().encode())].into())
    }

    async fn plan(&self, _: &Context<Shared>, plan: &mut Plan) -> Result<(), Diagnostics> {
        if !plan.is_create() && !plan.changes("value_wo_version") {
            plan.keep("length");
        }
        Ok(())
    }

    async fn create(
        &self,
        context: &Context<Shared>,
        request: Create<ThingModel>,
    ) -> Result<Stored<ThingModel>, Diagnostics> {
        let Create {
            planned, config, ..
        } = request;
        let id = format!("id-{}", planned.name);
        let length = config
            .value_wo
            .as_ref()
            .map_or(0, |secret| secret.len() as u64);
        if planned.note.as_deref() == Some("fails late") {
            context.report(Diagnostic::error("Created, but not tagged"));
        }
        // Careless: the write-only values of the configuration are returned.
        let state = ThingModel {
            id: Some(id.clone()),
            length: Some(length),
            ..config
        };
        context.data().things().insert(id, state.clone());
        Ok(Stored {
            state,
            private: b"note".to_vec(),
        })
    }

    async fn read(
        &self,
        context: &Context<Shared>,
        request: Read<ThingModel>,
    ) -> Result<Option<Stored<ThingModel>>, Diagnostics> {
        let id = request.state.id.clone().unwrap_or_default();
        let found = context.data().things().get(&id).cloned();
        Ok(found.map(|state| Stored {
            state,
            private: request.private,
        }))
    }

    async fn update(
        &self,
        context: &Context<Shared>,
        request: Update<ThingModel>,
    ) -> Result<Stored<ThingModel>, Diagnostics> {
        let Update {
            prior,
            planned,
            config,
            private,
        } = request;
        let rewritten = config.value_wo.as_ref().map(|secret| secret.len() as u64);
        let length = if planned.value_wo_version == prior.value_wo_version {
            prior.length
        } else {
            rewritten
        };
        let state = ThingModel { length, ..planned };
        let id = state.id.clone().unwrap_or_default();
        context.data().things().insert(id, state.clone());
        Ok(Stored { state, private })
    }

    async fn delete(
        &self,
        context: &Context<Shared>,
        request: Delete<ThingModel>,
    ) -> Result<(), Diagnostics> {
        if request.prior.note.as_deref() == Some("stays") {
            return Err(Diagnostic::error("Still in use").into());
        }
        context
            .data()
            .things()
            .remove(&request.prior.id.unwrap_or_default());
        Ok(())
    }

    async fn upgrade(&self, request: Upgrade) -> Result<ThingModel, Diagnostics> {
        let OldThing { title, id } = request.state.read()?;
        Ok(ThingModel::named(title, id))
    }

    async fn upgrade_identity(&self, request: UpgradeIdentity) -> Result<Object, Diagnostics> {
        let OldIdentity { number } = request.identity.read()?;
        Ok([("id".to_owned(), format!("id-{number}").encode())].into())
    }

    async fn generate_config(&self, draft: ThingModel) -> Result<ThingModel, Diagnostics> {
        if draft.name == "unspeakable" {
            return Err(Diagnostic::error("It has no configuration").into());
        }
        // Careless: computed and write-only attributes are set.
        Ok(ThingModel {
            note: draft.note.or(Some("imported".into())),
            value_wo: Some(Secret::from_text("written".into())),
            length: Some(1),
            ..draft
        })
    }

    async fn import(
        &self,
        context: &Context<Shared>,
        request: Import,
    ) -> Result<Stored<ThingModel>, Diagnostics> {
        let id = request.id.unwrap_or_default();
        let found = context.data().things().get(&id).cloned();
        found
            .map(Stored::new)
            .ok_or_else(|| Diagnostic::error(format!("There is no thing {id}")).into())
    }

    async fn take_over(
        &self,
        request: TakeOver,
    ) -> Result<Option<Stored<ThingModel>>, Diagnostics> {
        if request.type_name != "other_thing" {
            return Ok(None);
        }
        let OldThing { title, id } = request.state.read()?;
        Ok(Some(Stored::new(ThingModel::named(title, id))))
    }
}

model! {
    /// Finds things.
    pub struct ThingQuery {
        /// Start of the name.
        pub prefix: Option<String> = optional(),
    }
}

pub struct ThingList;

#[async_trait]
impl ListResource for ThingList {
    type Data = Shared;
    type Model = ThingQuery;

    fn name(&self) -> &'static str {
        "echo_thing"
    }

    async fn list(
        &self,
        context: &Context<Shared>,
        query: Query<ThingQuery>,
        found: &Found,
    ) -> Result<(), Diagnostics> {
        let things: Vec<_> = context.data().things().values().cloned().collect();
        let prefix = query.config.prefix.unwrap_or_default();
        if prefix == "fail" {
            return Err(Diagnostic::error("Cannot search").into());
        }
        for thing in things
            .into_iter()
            .filter(|thing| thing.name.starts_with(&prefix))
        {
            let item = Item {
                identity: [("id".to_owned(), thing.id.clone().encode())].into(),
                display_name: thing.name.clone(),
                object: query
                    .with_object
                    .then(|| tf_framework::model::to_value(thing)),
                warning: None,
            };
            if !found.send(item).await {
                context.data().journal.note("told to stop");
                break;
            }
        }
        Ok(())
    }
}
