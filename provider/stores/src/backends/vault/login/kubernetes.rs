//! Service accounts of Kubernetes pods.

use super::super::options::Options;
use super::{Parameter, Proof, read_file, required};
use crate::backends::blocking;
use crate::blocks::Settings;
use crate::error::Result;

const TOKEN_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

#[derive(Debug)]
pub(super) struct Kubernetes {
    role: String,
    token_file: String,
}

impl Kubernetes {
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        Ok(Self {
            role: required("kubernetes", settings, "role")?,
            token_file: settings.text("token_file").unwrap_or(TOKEN_FILE).to_owned(),
        })
    }

    pub(super) async fn parameters(
        &self,
        proof: &Proof<'_>,
    ) -> Result<Vec<(&'static str, Parameter)>> {
        let (options, path): (Options, _) = (proof.options.clone(), self.token_file.clone());
        let operation = proof.operation;
        let token = blocking(operation, move || read_file(&options, operation, &path)).await?;
        Ok(vec![
            ("role", self.role.clone().into()),
            ("jwt", token.into()),
        ])
    }
}
