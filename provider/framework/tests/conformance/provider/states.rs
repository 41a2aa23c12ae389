//! A state store that keeps states in memory.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use tf_framework::prelude::*;
use tf_framework::state_store::{StateBytes, StateStore};

use super::Shared;

model! {
    /// Keeps states.
    pub struct StatesModel {
        /// What goes wrong.
        pub trouble: Option<String> = optional(),
    }
}

pub struct StatesStore;

#[derive(Default)]
pub struct Opened {
    states: Mutex<BTreeMap<String, StateBytes>>,
    locks: Mutex<BTreeMap<String, String>>,
    trouble: Option<String>,
}

impl Opened {
    fn trouble(&self, name: &str) -> Result<(), Diagnostics> {
        match self.trouble.as_deref() {
            Some("panics") => panic!("hunter2"),
            Some(trouble) if trouble == name => Err(Diagnostic::error("Store is down").into()),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl StateStore for StatesStore {
    type Data = Shared;
    type Model = StatesModel;
    type Opened = Opened;

    fn name(&self) -> &'static str {
        "echo_states"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        match config.known::<String>("trouble").as_deref() {
            Some("") => Diagnostic::error("Empty trouble").at("trouble").into(),
            _ => Diagnostics::new(),
        }
    }

    async fn configure(
        &self,
        _: &Context<Shared>,
        config: StatesModel,
    ) -> Result<Opened, Diagnostics> {
        let opened = Opened {
            trouble: config.trouble,
            ..Opened::default()
        };
        opened.trouble("configure").map(|()| opened)
    }

    async fn states(&self, context: &Context<Opened>) -> Result<Vec<String>, Diagnostics> {
        let store = context.data();
        store.trouble("states")?;
        Ok(store.states.lock().unwrap().keys().cloned().collect())
    }

    async fn read(
        &self,
        context: &Context<Opened>,
        state: &str,
    ) -> Result<Option<StateBytes>, Diagnostics> {
        let store = context.data();
        store.trouble("read")?;
        Ok(store.states.lock().unwrap().get(state).cloned())
    }

    async fn write(
        &self,
        context: &Context<Opened>,
        state: &str,
        bytes: StateBytes,
    ) -> Result<(), Diagnostics> {
        let store = context.data();
        store.trouble("write")?;
        store.states.lock().unwrap().insert(state.to_owned(), bytes);
        Ok(())
    }

    async fn delete(&self, context: &Context<Opened>, state: &str) -> Result<(), Diagnostics> {
        context.data().states.lock().unwrap().remove(state);
        Ok(())
    }

    async fn lock(
        &self,
        context: &Context<Opened>,
        state: &str,
        operation: &str,
    ) -> Result<String, Diagnostics> {
        let mut locks = context.data().locks.lock().unwrap();
        if let Some(holder) = locks.get(state) {
            return Err(Diagnostic::error(format!("Locked by {holder}")).into());
        }
        let id = format!("{operation} of {state}");
        locks.insert(state.to_owned(), id.clone());
        Ok(id)
    }

    async fn unlock(
        &self,
        context: &Context<Opened>,
        state: &str,
        lock_id: &str,
    ) -> Result<(), Diagnostics> {
        let mut locks = context.data().locks.lock().unwrap();
        if locks.get(state).map(String::as_str) != Some(lock_id) {
            return Err(Diagnostic::error("Not that lock").into());
        }
        locks.remove(state);
        Ok(())
    }
}
