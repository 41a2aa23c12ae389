//! The small services a host expects beside the provider: the controller and standard I/O.

use std::pin::Pin;

use tokio_stream::Stream;
use tonic::{Request, Response, Status};

use crate::ending::{Ending, ShutdownReason};
use crate::plugin::grpc_controller_server::GrpcController;
use crate::plugin::grpc_stdio_server::GrpcStdio;
use crate::plugin::{Empty, StdioData};

/// Answers `Shutdown`. The host waits for the reply without a deadline, so the hook runs before it; not
/// answering at all would cost the host two seconds per process.
pub(crate) struct Controller {
    /// `None` in debug mode, where the process outlives its hosts.
    pub(crate) ending: Option<Ending>,
}

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        if let Some(ending) = &self.ending {
            ending.run(ShutdownReason::Requested).await;
        }
        Ok(Response::new(Empty {}))
    }
}

/// Offers the plugin's output as a stream that says nothing: logs go to standard error directly. The open
/// stream also keeps the host's connection from being closed as idle during a long apply.
pub(crate) struct Stdio {
    pub(crate) ending: Ending,
}

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = Pin<Box<dyn Stream<Item = Result<StdioData, Status>> + Send>>;

    async fn stream_stdio(
        &self,
        _: Request<()>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(Box::pin(Silence::new(&self.ending))))
    }
}

/// Yields nothing, and ends with the process.
struct Silence {
    done: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Silence {
    fn new(ending: &Ending) -> Self {
        Self {
            done: Box::pin(ending.done().clone().cancelled_owned()),
        }
    }
}

impl Stream for Silence {
    type Item = Result<StdioData, Status>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.done.as_mut().poll(cx).map(|()| None)
    }
}
