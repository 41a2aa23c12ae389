//! The proof of an identity of AWS: a signed request (signature version 4), which the real service sends on to AWS.
//! Here the signature is recomputed.

use anyhow::{Context, Result, ensure};
use ring::hmac;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::super::double::decode;

/// The header that names whom the proof is for, so that nobody can use it elsewhere.
const TARGET: &str = "x-goog-cloud-target-resource";

/// Checks `proof`, which must be for `audience` and signed with `key`.
pub(super) fn verify(proof: &str, audience: &str, key: &(String, String)) -> Result<()> {
    let request: Value = serde_json::from_str(&decode(proof, true))?;
    ensure!(request["method"] == "POST", "the method is another");
    let url = request["url"].as_str().context("no address")?;
    let (host, query) = url
        .strip_prefix("https://")
        .and_then(|url| url.split_once("/?").or_else(|| url.split_once('?')))
        .context("no address of AWS")?;
    ensure!(
        host.starts_with("sts.") && host.ends_with(".amazonaws.com"),
        "the host is none of AWS"
    );
    ensure!(
        query == "Action=GetCallerIdentity&Version=2011-06-15",
        "another question"
    );
    let headers = request["headers"].as_array().context("no headers")?;
    let header = |name: &str| {
        let found = headers.iter().find(|header| {
            header["key"]
                .as_str()
                .is_some_and(|key| key.eq_ignore_ascii_case(name))
        });
        found.and_then(|header| header["value"].as_str())
    };
    ensure!(header(TARGET) == Some(audience), "for somebody else");
    ensure!(header("host") == Some(host), "the host is another");
    let authorization = header("authorization").context("not signed")?;
    let part = |name: &str| {
        let (_, rest) = authorization.split_once(&format!("{name}="))?;
        Some(rest.split(',').next().unwrap_or_default().trim())
    };
    let credential = part("Credential").context("no credential")?;
    let signed = part("SignedHeaders").context("no signed headers")?;
    ensure!(
        signed.split(';').any(|name| name == TARGET),
        "whom it is for is not signed"
    );
    let (id, scope) = credential.split_once('/').context("no scope")?;
    ensure!(id == key.0, "an unknown key");
    let date = header("x-amz-date").context("no date")?;
    let canonical_headers: String = signed
        .split(';')
        .map(|name| format!("{name}:{}\n", header(name).unwrap_or_default().trim()))
        .collect();
    let empty = hex(&Sha256::digest(b""));
    let canonical = format!("POST\n/\n{query}\n{canonical_headers}\n{signed}\n{empty}");
    let text = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let mut secret = format!("AWS4{}", key.1).into_bytes();
    for word in scope.split('/') {
        secret = sign(&secret, word);
    }
    ensure!(
        part("Signature") == Some(hex(&sign(&secret, &text)).as_str()),
        "the signature is wrong"
    );
    Ok(())
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
