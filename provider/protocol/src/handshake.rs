//! The one line a plugin prints to standard output: `1|6|unix|/path|grpc|certificate`.
//!
//! [`Handshake`] prints and parses it; both directions are pure. The certificate is unpadded base64
//! because hosts reject padding, and the seventh field is present only for hosts that announced that they
//! know it: older ones would glue it onto the sixth.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use thiserror::Error;

/// Version of the handshake itself.
pub const CORE_VERSION: u32 = 1;
/// Major version of the provider protocol this crate speaks.
pub const PROTOCOL_VERSION: u32 = 6;

/// Where a plugin listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// A TCP address of this machine.
    Tcp(SocketAddr),
}

impl Address {
    /// Name of the network in the handshake and in reattach JSON.
    #[must_use]
    pub fn network(&self) -> &'static str {
        match self {
            Self::Unix(_) => "unix",
            Self::Tcp(_) => "tcp",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => path.display().fmt(f),
            Self::Tcp(address) => address.fmt(f),
        }
    }
}

/// The content of a handshake line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// Major protocol version; [`PROTOCOL_VERSION`] for plugins of this crate.
    pub protocol_version: u32,
    /// Where the plugin listens. A socket path has no `|` and no line break.
    pub address: Address,
    /// DER of the plugin's certificate; empty when the connection is not encrypted.
    pub certificate: Vec<u8>,
    /// Whether the plugin multiplexes broker connections; `None` leaves the field out.
    pub multiplex: Option<bool>,
}

impl fmt::Display for Handshake {
    /// Writes the line without its line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            protocol_version,
            address,
            certificate,
            multiplex,
        } = self;
        let network = address.network();
        let certificate = STANDARD_NO_PAD.encode(certificate);
        write!(
            f,
            "{CORE_VERSION}|{protocol_version}|{network}|{address}|grpc|{certificate}"
        )?;
        multiplex.map_or(Ok(()), |on| write!(f, "|{on}"))
    }
}

/// Why a line is not a handshake.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a plugin handshake: {0}")]
pub struct HandshakeError(&'static str);

impl FromStr for Handshake {
    type Err = HandshakeError;

    /// Parses a line as hosts do: surrounding white space is ignored, at least four fields are needed, an
    /// absent transport means an older one than gRPC and is refused.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let fields: Vec<&str> = line.trim().split('|').collect();
        let [core, protocol, network, address, rest @ ..] = fields.as_slice() else {
            return Err(HandshakeError("fewer than four fields"));
        };
        if core.parse() != Ok(CORE_VERSION) {
            return Err(HandshakeError("unknown core version"));
        }
        if rest.first() != Some(&"grpc") {
            return Err(HandshakeError("the transport is not grpc"));
        }
        let certificate = STANDARD_NO_PAD
            .decode(rest.get(1).copied().unwrap_or_default())
            .map_err(|_| HandshakeError("the certificate is not unpadded base64"))?;
        Ok(Self {
            protocol_version: protocol
                .parse()
                .map_err(|_| HandshakeError("protocol version is no number"))?,
            address: parse_address(network, address)?,
            certificate,
            multiplex: rest.get(2).map(|field| parse_flag(field)).transpose()?,
        })
    }
}

fn parse_address(network: &str, address: &str) -> Result<Address, HandshakeError> {
    match network {
        "unix" if !address.is_empty() => Ok(Address::Unix(address.into())),
        "unix" => Err(HandshakeError("empty socket path")),
        "tcp" => address
            .parse()
            .map(Address::Tcp)
            .map_err(|_| HandshakeError("bad TCP address")),
        _ => Err(HandshakeError("unknown network")),
    }
}

fn parse_flag(field: &str) -> Result<bool, HandshakeError> {
    field
        .parse()
        .map_err(|_| HandshakeError("the multiplex flag is neither true nor false"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unix(certificate: &[u8], multiplex: Option<bool>) -> Handshake {
        Handshake {
            protocol_version: 6,
            address: Address::Unix("/tmp/s".into()),
            certificate: certificate.to_vec(),
            multiplex,
        }
    }

    #[test]
    fn prints_what_hosts_expect() {
        assert_eq!(unix(b"", None).to_string(), "1|6|unix|/tmp/s|grpc|");
        assert_eq!(
            unix(b"abcd", None).to_string(),
            "1|6|unix|/tmp/s|grpc|YWJjZA"
        );
        assert_eq!(
            unix(b"", Some(false)).to_string(),
            "1|6|unix|/tmp/s|grpc||false"
        );
        let tcp = Handshake {
            address: Address::Tcp(([127, 0, 0, 1], 10_000).into()),
            ..unix(b"", None)
        };
        assert_eq!(tcp.to_string(), "1|6|tcp|127.0.0.1:10000|grpc|");
    }

    #[test]
    fn refuses_what_hosts_refuse() {
        for (line, reason) in [
            ("", "four fields"),
            ("1|6|unix", "four fields"),
            ("2|6|unix|/tmp/s|grpc|", "core version"),
            ("1|x|unix|/tmp/s|grpc|", "protocol version"),
            ("1|6|pipe|/tmp/s|grpc|", "network"),
            ("1|6|unix||grpc|", "empty socket"),
            ("1|6|tcp|localhost|grpc|", "TCP address"),
            ("1|6|unix|/tmp/s|netrpc|", "not grpc"),
            ("1|6|unix|/tmp/s", "not grpc"),
            ("1|6|unix|/tmp/s|grpc|YWJjZA==", "unpadded"),
            ("1|6|unix|/tmp/s|grpc||yes", "multiplex"),
        ] {
            let error = line.parse::<Handshake>().unwrap_err().to_string();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_back(
            path in "/[a-zA-Z0-9._/ -]{0,40}[a-z]",
            port in any::<Option<u16>>(),
            certificate in prop::collection::vec(any::<u8>(), 0..700),
            multiplex in any::<Option<bool>>(),
        ) {
            let address = port.map_or(Address::Unix(path.into()), |port| {
                Address::Tcp(([127, 0, 0, 1], port).into())
            });
            let handshake = Handshake { protocol_version: 6, address, certificate, multiplex };
            let line = handshake.to_string();
            prop_assert!(!line.contains(['\n', '=']));
            prop_assert_eq!(format!("{line}\r\n").parse::<Handshake>(), Ok(handshake));
        }

        #[test]
        fn any_text_parses_or_is_refused(line in "\\PC*|[0-9|a-z/.:+=]*") {
            if let Ok(handshake) = line.parse::<Handshake>() {
                prop_assert_eq!(handshake.to_string().parse::<Handshake>(), Ok(handshake));
            }
        }
    }
}
