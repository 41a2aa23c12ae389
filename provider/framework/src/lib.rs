//! Terraform's concepts, typed: write a provider as plain structs and traits.
//!
//! - [`model!`] turns a documented struct into schema, decoder and encoder.
//! - [`provider::Provider`] holds the provider block and lists what is offered: [`ephemeral`] and
//!   [`managed`] resources, [`data_source`]s, [`function`]s, [`list`] resources, [`action`]s and
//!   [`state_store`]s.
//! - The framework does the rest: planning, write-only values, renewing and giving back
//!   ([`lifecycle`]), panics, interruptions, and what each Terraform and OpenTofu expects.
//!
//! Resources never see protocol messages.
//!
//! ```
//! use async_trait::async_trait;
//! use secret_value::Secret;
//! use tf_framework::prelude::*;
//!
//! /// The provider: its block, and what it offers.
//! struct Example;
//!
//! model! {
//!     /// Opens secrets.
//!     pub struct ExampleConfig {
//!         /// Greeting to use; `EXAMPLE_GREETING` when left out.
//!         pub greeting: Option<String> = optional(),
//!     }
//! }
//!
//! /// What every resource gets.
//! struct Shared {
//!     greeting: String,
//! }
//!
//! #[async_trait]
//! impl Provider for Example {
//!     type Model = ExampleConfig;
//!     type Data = Shared;
//!
//!     fn offer(&self, registry: &mut Registry<Shared>) {
//!         registry.ephemeral(GreetingResource);
//!     }
//!
//!     async fn configure(&self, _: &Context<()>, config: ExampleConfig) -> Result<Shared, Diagnostics> {
//!         Ok(Shared { greeting: config.greeting.unwrap_or("hello".into()) })
//!     }
//! }
//!
//! /// One ephemeral resource.
//! struct GreetingResource;
//!
//! model! {
//!     /// Greets somebody in secret.
//!     pub struct GreetingModel {
//!         /// Whom to greet.
//!         pub name: String = required(),
//!         /// The greeting.
//!         pub value: Option<Secret> = computed().sensitive(),
//!     }
//! }
//!
//! #[async_trait]
//! impl EphemeralResource for GreetingResource {
//!     type Data = Shared;
//!     type Model = GreetingModel;
//!
//!     fn name(&self) -> &'static str {
//!         "example_greeting"
//!     }
//!
//!     async fn validate(&self, config: &Config) -> Diagnostics {
//!         let mut found = Diagnostics::new();
//!         if config.known::<String>("name").is_some_and(|name| name.is_empty()) {
//!             found.push(Diagnostic::error("Empty name").detail("Say whom to greet.").at("name"));
//!         }
//!         found
//!     }
//!
//!     async fn open(
//!         &self,
//!         context: &Context<Shared>,
//!         config: GreetingModel,
//!     ) -> Result<Opened<GreetingModel>, Diagnostics> {
//!         let text = format!("{}, {}", context.data().greeting, config.name);
//!         Ok(Opened::new(GreetingModel { value: Some(Secret::from_text(text)), ..config }))
//!     }
//! }
//!
//! // In a test of the provider:
//! let registry = Registry::of(&Example);
//! assert!(registry.duplicates().is_empty());
//! assert!(registry.schema_problems().is_empty());
//! ```

pub mod action;
pub mod codec;
pub mod config;
pub mod context;
mod convert;
pub mod data_source;
pub mod diagnostic;
pub mod docs;
mod echo;
pub mod ephemeral;
pub mod function;
pub mod lifecycle;
pub mod list;
pub mod managed;
pub mod model;
pub mod number;
pub mod path;
pub mod planning;
pub mod prelude;
pub mod provider;
pub mod schema;
pub mod service;
pub mod state_store;
pub mod stored;
#[cfg(feature = "testing")]
pub mod testing;
pub mod types;
pub mod value;
mod write_only;
