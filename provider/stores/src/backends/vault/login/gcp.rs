//! Google Cloud: the identity of a machine, or a token that was signed for a service account.

use reqwest::{Method, Url};
use secret_value::Secret;

use super::{Parameter, Proof, read_file, required};
use crate::blocks::Settings;
use crate::error::{ErrorKind, Result, StoreError};
use crate::http::{HttpClient, HttpOptions};

const METADATA: &str = "metadata.google.internal";

#[derive(Debug)]
pub(super) struct Gcp {
    role: String,
    jwt_file: Option<String>,
    service_account: String,
}

impl Gcp {
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        Ok(Self {
            role: required("gcp", settings, "role")?,
            jwt_file: settings.text("jwt_file").map(str::to_owned),
            service_account: settings
                .text("service_account")
                .unwrap_or("default")
                .to_owned(),
        })
    }

    pub(super) async fn parameters(
        &self,
        proof: &Proof<'_>,
    ) -> Result<Vec<(&'static str, Parameter)>> {
        let token = match &self.jwt_file {
            Some(path) => read_file(proof.options, proof.operation, path)?,
            None => self.of_machine(proof).await?,
        };
        Ok(vec![
            ("role", self.role.clone().into()),
            ("jwt", token.into()),
        ])
    }

    /// Asks the metadata service of the machine for a token that names the role as its audience.
    async fn of_machine(&self, proof: &Proof<'_>) -> Result<Secret> {
        let environment = &proof.options.environment;
        let host = environment
            .text("GCE_METADATA_HOST")
            .unwrap_or_else(|| METADATA.to_owned());
        let fail = |why: &str| {
            StoreError::new(ErrorKind::Config, proof.operation, why)
                .with_context("server", &host)
                .with_help(
                    "run on a machine of Google Cloud with a service account, or set `jwt_file`",
                )
        };
        let mut url = Url::parse(&format!("http://{host}/"))
            .map_err(|_| fail("GCE_METADATA_HOST is no name of a server"))?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .extend(["computeMetadata", "v1", "instance", "service-accounts"]);
            path.push(&self.service_account).push("identity");
        }
        url.query_pairs_mut()
            .append_pair("audience", &format!("http://vault/{}", self.role))
            .append_pair("format", "full");
        let http = HttpClient::new(environment, &HttpOptions::default())?;
        let request = http
            .request(Method::GET, url)
            .header("metadata-flavor", "Google");
        let answer = http.send(proof.operation, request).await.map_err(|error| {
            fail("the metadata service of Google Cloud does not answer").with_source(error)
        })?;
        if !answer.status.is_success() {
            return Err(fail(
                "the metadata service of Google Cloud gives this machine no identity",
            ));
        }
        Ok(Secret::new(answer.body.trim_ascii().to_vec()))
    }
}
