//! The provider that the conformance tests drive: everything the framework offers, with the misbehaviour
//! that the tests ask for.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by the example binary and the tests"
)]
#![expect(clippy::unwrap_used, reason = "a panic fails the test, as it should")]

mod lease;
mod pure;
mod states;
mod thing;
mod things;
mod value;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use secret_value::Secret;
use tf_framework::prelude::*;

use things::Things;

/// What happened inside the provider: kept in memory, and appended to a file when the configuration
/// names one.
#[derive(Clone, Default)]
pub struct Journal {
    lines: Arc<Mutex<Vec<String>>>,
    file: Arc<Mutex<Option<String>>>,
}

impl Journal {
    pub fn note(&self, line: impl Into<String>) {
        let line = line.into();
        if let Some(path) = &*self.file.lock().unwrap() {
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .unwrap();
            writeln!(file, "{line}").unwrap();
        }
        self.lines.lock().unwrap().push(line);
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub fn count(&self, wanted: &str) -> usize {
        self.lines
            .lock()
            .unwrap()
            .iter()
            .filter(|line| *line == wanted)
            .count()
    }
}

#[derive(Clone, Default)]
pub struct Echo {
    pub journal: Journal,
    things: Arc<Mutex<Things>>,
}

/// What every resource gets.
pub struct Shared {
    pub journal: Journal,
    things: Arc<Mutex<Things>>,
    closing: Option<String>,
}

impl Shared {
    pub fn things(&self) -> MutexGuard<'_, Things> {
        self.things.lock().unwrap()
    }
}

model! {
    /// The provider block.
    pub struct EchoConfig {
        /// File that receives one line for each event.
        pub journal: Option<String> = optional(),
        /// Folder that keeps the things for the next process.
        pub things: Option<String> = optional(),
        /// Must be known to configure.
        pub token: Option<Secret> = optional().sensitive(),
        /// May be unknown.
        pub region: Tristate<String> = optional(),
        /// What configuring and closing do: nothing unusual when left out.
        pub trouble: Option<String> = optional(),
        /// Stores.
        pub store: BTreeMap<String, StoreConfig> = block(),
    }
}

model! {
    /// A store.
    pub struct StoreConfig {
        /// Where it is.
        pub address: Option<String> = optional(),
    }
}

#[async_trait]
impl Provider for Echo {
    type Model = EchoConfig;
    type Data = Shared;

    fn offer(&self, registry: &mut Registry<Shared>) {
        registry
            .action(pure::SayAction)
            .data_source(pure::GreetingSource)
            .ephemeral(lease::LeaseResource)
            .ephemeral(value::ValueResource)
            .function(pure::JoinFunction)
            .function(pure::OrElseFunction)
            .function(pure::PanicFunction)
            .list(thing::ThingList)
            .managed(thing::ThingResource)
            .state_store(states::StatesStore);
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        match config.known::<String>("region") {
            Some(region) if region.is_empty() => Diagnostic::error("Empty region")
                .detail("Name a region.")
                .at("region")
                .into(),
            _ => Diagnostics::new(),
        }
    }

    async fn configure(&self, _: &Context<()>, config: EchoConfig) -> Result<Shared, Diagnostics> {
        *self.journal.file.lock().unwrap() = config.journal;
        if let Some(folder) = config.things {
            self.things.lock().unwrap().keep_in(folder.into());
        }
        if config
            .region
            .as_known()
            .is_some_and(|region| region == "moon")
        {
            return Err(Diagnostic::error("Region is too far").at("region").into());
        }
        if config.trouble.as_deref() == Some("configure hangs") {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        self.journal.note("configured");
        Ok(Shared {
            journal: self.journal.clone(),
            things: Arc::clone(&self.things),
            closing: config.trouble,
        })
    }

    async fn close(&self, data: &Shared) -> Diagnostics {
        data.journal.note("closing");
        match data.closing.as_deref() {
            Some("close panics") => panic!("hunter2"),
            Some("close hangs") => tokio::time::sleep(Duration::from_secs(3600)).await,
            Some("close fails") => {
                return Diagnostic::warning("The login could not be ended").into();
            }
            _ => {}
        }
        data.journal.note("closed");
        Diagnostics::new()
    }
}
