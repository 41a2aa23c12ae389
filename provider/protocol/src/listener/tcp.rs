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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn environment(ports: (u16, u16)) -> Environment {
        let environment = Environment::from_vars("t", []).unwrap();
        Environment {
            ports,
            ..environment
        }
    }

    fn port(listener: &Listener) -> u16 {
        match listener.address() {
            Address::Tcp(address) => address.port(),
            Address::Unix(path) => panic!("{} is no port", path.display()),
        }
    }

    #[tokio::test]
    async fn the_first_free_port_of_the_range_is_taken_on_the_loopback_address() {
        let taken = Listener::bind(&environment((0, 0))).await.unwrap();
        let first = port(&taken);
        let range = (first, first.saturating_add(20));
        let listener = Listener::bind(&environment(range)).await.unwrap();
        assert!(range.0 < port(&listener) && port(&listener) <= range.1);
        assert!(listener.address().to_string().starts_with("127.0.0.1:"));
        let full = Listener::bind(&environment((first, first))).await;
        let said = full.err().unwrap().to_string();
        assert!(
            said.contains(&format!("127.0.0.1:{first}-{first}")),
            "{said}"
        );
    }

    #[tokio::test]
    async fn a_connection_carries_bytes_at_once() {
        let listener = Listener::bind(&environment((0, 0))).await.unwrap();
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, port(&listener)));
        let (client, served) = tokio::join!(client, listener.accept());
        let (mut client, mut served) = (client.unwrap(), served.unwrap());
        assert!(served.nodelay().unwrap());
        client.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        served.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
    }

    // Any user of the machine can reach a port, so plaintext is refused there.
    const _: () = assert!(!Listener::PRIVATE);
}
