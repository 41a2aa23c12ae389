//! Language server.

/// Why the server ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(String),
}
