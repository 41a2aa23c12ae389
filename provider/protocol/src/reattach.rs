//! Debug mode: what a host needs to attach to a provider that runs already.

use serde_json::json;

use crate::handshake::{Address, PROTOCOL_VERSION};

/// Name of the variable a host reads.
pub const REATTACH_KEY: &str = "TF_REATTACH_PROVIDERS";

/// The JSON value of [`REATTACH_KEY`] for one provider.
///
/// `provider` is the full provider address (`host/namespace/type`) and `pid` the process that serves it.
/// The process is marked as a test, which keeps the host from killing it.
#[must_use]
pub fn reattach_json(provider: &str, address: &Address, pid: u32) -> String {
    let config = json!({
        "Protocol": "grpc",
        "ProtocolVersion": PROTOCOL_VERSION,
        "Pid": pid,
        "Test": true,
        "Addr": { "Network": address.network(), "String": address.to_string() },
    });
    json!({ provider: config }).to_string()
}

/// The text shown to the person who started debug mode: a line for a POSIX shell.
pub(crate) fn instructions(provider: &str, address: &Address, pid: u32) -> String {
    let json = reattach_json(provider, address, pid).replace('\'', r"'\''");
    format!(
        "Provider started. To attach Terraform or OpenTofu to it, set this variable:\n\n\
         \t{REATTACH_KEY}='{json}'\n\nPress Ctrl-C to stop.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_has_the_form_hosts_read() {
        let address = Address::Unix("/tmp/x/s".into());
        assert_eq!(
            reattach_json("registry.terraform.io/secretref/secretref", &address, 42),
            r#"{"registry.terraform.io/secretref/secretref":{"Protocol":"grpc","ProtocolVersion":6,"Pid":42,"Test":true,"Addr":{"Network":"unix","String":"/tmp/x/s"}}}"#
        );
    }

    #[test]
    fn quotes_in_a_path_survive_the_shell() {
        let text = instructions("a/b/c", &Address::Unix("/it's/s".into()), 1);
        assert!(text.contains(r"/it'\''s/s"), "{text}");
    }
}
