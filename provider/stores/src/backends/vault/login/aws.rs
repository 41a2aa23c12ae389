//! AWS (`iam`): a signed request that proves who runs this process, without showing a credential.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use secret_value::Secret;

use super::{Parameter, Proof, encode};
use crate::backends::aws::{CallerProof, Question};
use crate::blocks::Settings;
use crate::error::Result;

#[derive(Debug)]
pub(super) struct Aws {
    role: Option<String>,
    region: Option<String>,
    header_value: Option<String>,
}

impl Aws {
    pub(super) fn new(settings: &Settings) -> Self {
        let text = |name| settings.text(name).map(str::to_owned);
        Self {
            role: text("role"),
            region: text("region"),
            header_value: text("header_value"),
        }
    }

    pub(super) async fn parameters(
        &self,
        proof: &Proof<'_>,
    ) -> Result<Vec<(&'static str, Parameter)>> {
        let server = self.header_value.as_deref();
        let further: Vec<_> = server
            .map(|value| ("x-vault-aws-iam-server-id", value))
            .into_iter()
            .collect();
        let signed = CallerProof::make(
            &proof.options.environment,
            proof.identity,
            Question::InBody(self.region.as_deref()),
            &further,
        )
        .await?;
        let headers: std::collections::BTreeMap<_, _> = signed
            .headers
            .iter()
            .map(|(name, value)| (name, [value]))
            .collect();
        let headers = encode(proof.operation, &headers)?;
        let role = self.role.clone().map(|role| ("role", role.into()));
        let mut parameters: Vec<(&'static str, Parameter)> = role.into_iter().collect();
        parameters.extend([
            (
                "iam_http_request_method",
                Parameter::Text("POST".to_owned()),
            ),
            (
                "iam_request_url",
                BASE64_STANDARD.encode(&signed.url).into(),
            ),
            (
                "iam_request_body",
                BASE64_STANDARD.encode(signed.body).into(),
            ),
            (
                "iam_request_headers",
                Secret::from_text(BASE64_STANDARD.encode(&*headers)).into(),
            ),
        ]);
        Ok(parameters)
    }
}
