//! The HTTP client of the AWS SDK, played by the one client of this crate: the same certificates, proxies and
//! limits hold for the credential chain as for every store.

use aws_smithy_runtime_api::client::http::{
    HttpClient as SdkHttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use reqwest::{Method, Url};

use crate::error::{ErrorKind, Operation, StoreError};
use crate::http::HttpClient;

/// The client.
#[derive(Clone, Debug)]
pub(super) struct Connector(pub(super) HttpClient);

impl SdkHttpClient for Connector {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Timed {
            http: self.0.clone(),
            settings: settings.clone(),
        })
    }
}

/// The client with the time limits of one caller, such as the short ones of instance metadata.
#[derive(Debug)]
struct Timed {
    http: HttpClient,
    settings: HttpConnectorSettings,
}

impl HttpConnector for Timed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.http.clone();
        let settings = [
            self.settings.connect_timeout(),
            self.settings.read_timeout(),
        ];
        let limit = settings.into_iter().flatten().max();
        HttpConnectorFuture::new(async move {
            let call = send(&http, request);
            match limit {
                None => call.await,
                Some(limit) => tokio::time::timeout(limit, call)
                    .await
                    .unwrap_or_else(|elapsed| Err(ConnectorError::timeout(elapsed.into()))),
            }
        })
    }
}

async fn send(http: &HttpClient, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let user = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
    let url = Url::parse(request.uri()).map_err(|error| user(error.into()))?;
    let method =
        Method::from_bytes(request.method().as_bytes()).map_err(|error| user(error.into()))?;
    let mut outgoing = http.request(method, url);
    for (name, value) in request.headers() {
        outgoing = outgoing.header(name, value);
    }
    if let Some(bytes) = request.body().bytes() {
        outgoing = outgoing.body(bytes.to_vec());
    }
    let answer = http
        .send(Operation::Open, outgoing)
        .await
        .map_err(connector_error)?;
    let status = answer
        .status
        .as_u16()
        .try_into()
        .map_err(|error| ConnectorError::other(Box::new(error), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(answer.body.as_slice()));
    for (name, value) in &answer.headers {
        if let Ok(value) = value.to_str() {
            response
                .headers_mut()
                .append(name.as_str().to_owned(), value.to_owned());
        }
    }
    Ok(response)
}

fn connector_error(error: StoreError) -> ConnectorError {
    match error.kind() {
        ErrorKind::Timeout => ConnectorError::timeout(error.into()),
        ErrorKind::Unavailable => ConnectorError::io(error.into()),
        _ => ConnectorError::other(error.into(), None),
    }
}
