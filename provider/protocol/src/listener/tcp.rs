//! A port of 127.0.0.1, the first free one of the range the host gave.

use std::io;
use std::net::Ipv4Addr;

use tokio::net::{TcpListener, TcpStream};

use crate::environment::Environment;
use crate::error::ServeError;
use crate::handshake::Address;

/// One connection.
pub(crate) type Socket = TcpStream;

/// A bound port of the loopback address.
pub(crate) struct Listener {
    listener: TcpListener,
    address: Address,
}

impl Listener {
    /// True when only this user can reach the address.
    pub(crate) const PRIVATE: bool = false;

    pub(crate) async fn bind(env: &Environment) -> Result<Self, ServeError> {
        let (min, max) = env.ports;
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for port in min..=max {
            match Self::bind_port(port).await {
                Ok(listener) => return Ok(listener),
                Err(error) => last = error,
            }
        }
        Err(ServeError::Listen {
            path: format!("127.0.0.1:{min}-{max}").into(),
            source: last,
        })
    }

    async fn bind_port(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = Address::Tcp(listener.local_addr()?);
        Ok(Self { listener, address })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<Socket> {
        let (socket, _) = self.listener.accept().await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    }
}
