//! Signature Version 4 computed anew, from its description and not with the code under test.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::server::Request;

/// What a request says about who signed it.
#[derive(Debug)]
pub(super) struct Signed {
    pub(super) access_key: String,
    pub(super) date: String,
    pub(super) scope: String,
    pub(super) service: String,
    pub(super) region: String,
    pub(super) token: Option<String>,
    headers: Vec<String>,
    signature: String,
    presigned: bool,
}

impl Signed {
    /// Reads the header `authorization`, or the query of a presigned request.
    pub(super) fn read(request: &Request) -> Option<Self> {
        let (parts, presigned) = match request.header("authorization") {
            Some(header) => {
                let parts: BTreeMap<String, String> = header
                    .strip_prefix("AWS4-HMAC-SHA256 ")?
                    .split(',')
                    .filter_map(|part| part.trim().split_once('='))
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect();
                (parts, false)
            }
            None => {
                let query = request.query();
                let find = |name: &str| {
                    query
                        .iter()
                        .find(|(key, _)| key == name)
                        .map(|(_, v)| v.clone())
                };
                assert_eq!(find("X-Amz-Algorithm")?, "AWS4-HMAC-SHA256");
                let parts = ["Credential", "SignedHeaders", "Signature"]
                    .into_iter()
                    .filter_map(|name| Some((name.to_owned(), find(&format!("X-Amz-{name}"))?)))
                    .collect();
                (parts, true)
            }
        };
        let query = request.query();
        let find = |name: &str| {
            query
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, v)| v.clone())
        };
        let (access_key, scope) = parts.get("Credential")?.split_once('/')?;
        let pieces: Vec<_> = scope.split('/').collect();
        let [_, region, service, "aws4_request"] = pieces[..] else {
            return None;
        };
        Some(Self {
            access_key: access_key.to_owned(),
            date: if presigned {
                find("X-Amz-Date")?
            } else {
                request.header("x-amz-date")?.to_owned()
            },
            service: service.to_owned(),
            region: region.to_owned(),
            token: if presigned {
                find("X-Amz-Security-Token")
            } else {
                request.header("x-amz-security-token").map(str::to_owned)
            },
            headers: parts
                .get("SignedHeaders")?
                .split(';')
                .map(str::to_owned)
                .collect(),
            signature: parts.get("Signature")?.clone(),
            scope: scope.to_owned(),
            presigned,
        })
    }

    /// Whether `secret` made the signature, over everything that must be signed.
    pub(super) fn is_by(&self, request: &Request, secret: &str) -> bool {
        let must = |name: &str| {
            request.header(name).is_none() || self.headers.iter().any(|its| its == name)
        };
        if ![
            "host",
            "x-amz-date",
            "x-amz-target",
            "x-amz-security-token",
            "x-k8s-aws-id",
        ]
        .into_iter()
        .all(must)
        {
            return false;
        }
        let mut query = request.query();
        query.retain(|(name, _)| name != "X-Amz-Signature");
        query.sort();
        let query: Vec<_> = query
            .iter()
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect();
        let headers: String = self
            .headers
            .iter()
            .map(|name| {
                format!(
                    "{name}:{}\n",
                    request.header(name).unwrap_or_default().trim()
                )
            })
            .collect();
        let canonical = [
            request.method.clone(),
            request.path().to_owned(),
            query.join("&"),
            headers,
            self.headers.join(";"),
            hex(&Sha256::digest(&request.body)),
        ]
        .join("\n");
        let to_sign = [
            "AWS4-HMAC-SHA256",
            &self.date,
            &self.scope,
            &hex(&Sha256::digest(canonical.as_bytes())),
        ]
        .join("\n");
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in self.scope.split('/') {
            key = mac(&key, part.as_bytes());
        }
        self.date.starts_with(&self.scope[..8])
            && hex(&mac(&key, to_sign.as_bytes())) == self.signature
            && (self.presigned || request.header("authorization").is_some())
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    crate::hex::encode(bytes)
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// The example of the description: a test of the test.
#[test]
fn the_published_example_has_the_published_signature() {
    // "GET iam ListUsers" of the AWS General Reference.
    let request = Request {
        method: "GET".to_owned(),
        target: "/?Action=ListUsers&Version=2010-05-08".to_owned(),
        headers: [
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date, \
                 Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        body: Vec::new(),
    };
    let signed = Signed::read(&request).unwrap();
    assert!(signed.is_by(&request, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
    assert!(!signed.is_by(&request, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEX"));
}
