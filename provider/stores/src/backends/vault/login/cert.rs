//! TLS certificates: the connection itself is the proof.

use super::Parameter;
use crate::blocks::Settings;

#[derive(Debug)]
pub(super) struct Cert {
    name: Option<String>,
}

impl Cert {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            name: settings.text("name").map(str::to_owned),
        }
    }

    pub(super) fn parameters(&self) -> Vec<(&'static str, Parameter)> {
        let name = self.name.clone();
        name.map(|name| ("name", name.into())).into_iter().collect()
    }
}
