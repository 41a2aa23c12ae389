//! Identity tokens of the automation (OpenID Connect).

use super::{Parameter, Proof};
use crate::blocks::Settings;
use crate::error::Result;

#[derive(Debug)]
pub(super) struct Jwt {
    role: Option<String>,
    audience: Option<String>,
}

impl Jwt {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            role: settings.text("role").map(str::to_owned),
            audience: settings.text("audience").map(str::to_owned),
        }
    }

    pub(super) async fn parameters(
        &self,
        proof: &Proof<'_>,
    ) -> Result<Vec<(&'static str, Parameter)>> {
        let token = proof
            .identity
            .token(proof.operation, self.audience.as_deref())
            .await?;
        let role = self.role.clone().map(|role| ("role", role.into()));
        let mut parameters: Vec<_> = role.into_iter().collect();
        parameters.push(("jwt", token.text.into()));
        Ok(parameters)
    }
}
