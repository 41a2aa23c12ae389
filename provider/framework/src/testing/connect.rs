//! Channels to a provider.

use std::io;

use futures::{StreamExt, stream};
use hyper_util::rt::TokioIo;
use tfplugin::MAX_MESSAGE_LEN;
use tfplugin::proto::provider_server::ProviderServer;
use tokio::sync::Mutex;
use tonic::transport::{Channel, Endpoint, Server};

use crate::provider::Provider;
use crate::service::ProviderService;

/// Bytes that may be under way in each direction.
const PIPE: usize = 64 * 1024;

/// Serves `service` at one end of a pipe and gives the other end.
pub(super) async fn in_process<P: Provider>(
    service: ProviderService<P>,
) -> Result<Channel, tonic::transport::Error> {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    let server = ProviderServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE_LEN)
        .max_encoding_message_size(MAX_MESSAGE_LEN);
    let connections = stream::iter([io::Result::Ok(theirs)]).chain(stream::pending());
    // Ends with the runtime of the test.
    tokio::spawn(
        Server::builder()
            .add_service(server)
            .serve_with_incoming(connections),
    );
    let pipe = std::sync::Arc::new(Mutex::new(Some(ours)));
    let connector = tower::service_fn(move |_| {
        let pipe = std::sync::Arc::clone(&pipe);
        async move {
            let pipe = pipe.lock().await.take();
            pipe.map(TokioIo::new)
                .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
        }
    });
    Endpoint::from_static("http://localhost")
        .connect_with_connector(connector)
        .await
}
