//! Azure: the managed identity of a machine, or an access token from elsewhere.

use reqwest::{Method, Url};
use secret_value::Secret;

use super::{Parameter, Proof, read_file, required};
use crate::blocks::Settings;
use crate::error::{ErrorKind, Result, StoreError};
use crate::http::{HttpClient, HttpOptions, SecretText};

const METADATA: &str = "http://169.254.169.254/";
const RESOURCE: &str = "https://management.azure.com/";
/// Names the machine to the server.
const PLACES: [&str; 4] = [
    "subscription_id",
    "resource_group_name",
    "vm_name",
    "vmss_name",
];

#[derive(Debug)]
pub(super) struct Azure {
    role: String,
    jwt_file: Option<String>,
    resource: String,
    places: Vec<(&'static str, String)>,
}

#[derive(serde::Deserialize)]
struct Token {
    access_token: SecretText,
}

impl Azure {
    pub(super) fn new(settings: &Settings) -> Result<Self> {
        let places = PLACES
            .into_iter()
            .filter_map(|name| Some((name, settings.text(name)?.to_owned())));
        Ok(Self {
            role: required("azure", settings, "role")?,
            jwt_file: settings.text("jwt_file").map(str::to_owned),
            resource: settings.text("resource").unwrap_or(RESOURCE).to_owned(),
            places: places.collect(),
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
        let mut parameters = vec![
            ("role", Parameter::from(self.role.clone())),
            ("jwt", token.into()),
        ];
        let places = self.places.iter();
        parameters.extend(places.map(|(name, value)| (*name, value.clone().into())));
        Ok(parameters)
    }

    async fn of_machine(&self, proof: &Proof<'_>) -> Result<Secret> {
        let environment = &proof.options.environment;
        let fail = |why: &str| {
            StoreError::new(ErrorKind::Config, proof.operation, why)
                .with_help("run on a machine of Azure with a managed identity, or set `jwt_file`")
        };
        let base = environment
            .text("AZURE_POD_IDENTITY_AUTHORITY_HOST")
            .unwrap_or_else(|| METADATA.to_owned());
        let mut url = Url::parse(&base)
            .map_err(|_| fail("AZURE_POD_IDENTITY_AUTHORITY_HOST is no address"))?;
        url.set_path("/metadata/identity/oauth2/token");
        url.query_pairs_mut()
            .append_pair("api-version", "2018-02-01")
            .append_pair("resource", &self.resource);
        let http = HttpClient::new(environment, &HttpOptions::default())?;
        let request = http.request(Method::GET, url).header("metadata", "true");
        let answer = http.send(proof.operation, request).await.map_err(|error| {
            fail("the metadata service of Azure does not answer").with_source(error)
        })?;
        if !answer.status.is_success() {
            return Err(fail(
                "the metadata service of Azure gives this machine no identity",
            ));
        }
        let Token { access_token } = answer.json()?;
        Ok(access_token.0)
    }
}
