//! AppRole: a role id and a secret id, which may come wrapped.

use secret_value::Secret;

use super::super::unwrap;
use super::{Given, Parameter, Proof, required};
use crate::blocks::Settings;
use crate::error::Result;

#[derive(Debug)]
pub(super) struct AppRole {
    role_id: String,
    secret_id: Option<Given>,
    wrapped_by: Option<String>,
}

#[derive(serde::Deserialize)]
struct Wrapped {
    secret_id: crate::http::SecretText,
}

impl AppRole {
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        Ok(Self {
            role_id: required("approle", settings, "role_id")?,
            secret_id: Given::choose(settings, "secret_id", "secret_id_env", "secret_id_file")?,
            wrapped_by: settings.text("wrapped_creation_path").map(str::to_owned),
        })
    }

    pub(super) async fn parameters(
        &self,
        proof: &Proof<'_>,
    ) -> Result<Vec<(&'static str, Parameter)>> {
        let mut parameters = vec![("role_id", Parameter::from(self.role_id.clone()))];
        if let Some(given) = &self.secret_id {
            let given = given.read(proof.options, proof.operation)?;
            parameters.push(("secret_id", self.unwrapped(proof, given).await?.into()));
        }
        Ok(parameters)
    }

    async fn unwrapped(&self, proof: &Proof<'_>, given: Secret) -> Result<Secret> {
        let Some(path) = &self.wrapped_by else {
            return Ok(given);
        };
        let opened = unwrap::open(proof.client, proof.operation, &given, Some(path)).await?;
        let Wrapped { secret_id } = opened.data(proof.operation)?.read(proof.operation)?;
        Ok(secret_id.0)
    }
}
