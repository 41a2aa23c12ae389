//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use aes_gcm::aead::consts::{U12, U16, U32};
use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce, Tag};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use zeroize::Zeroizing;

use super::tree::Node;

/// The key that the values of a file are encrypted with.
pub(super) struct DataKey(Zeroizing<[u8; 32]>);

/// Why a value cannot be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It has not the form of an encrypted value.
    Form,
    /// It was changed, moved, or encrypted with another key.
    Changed,
    /// What was encrypted is not of the type that is said.
    Type,
}

impl DataKey {
    /// `None` when `bytes` are not of the length of a key.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// The value that `text` holds, at the place `path` (`key:key:`, without places in lists).
    pub(super) fn decrypt(&self, text: &str, path: &str) -> Result<Node, Broken> {
        let parts = Parts::read(text).ok_or(Broken::Form)?;
        let plain = self.open(&parts, path).ok_or(Broken::Changed)?;
        let plain = match String::from_utf8(plain) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if parts.kind == "str" => {
                return Ok(Node::Bytes(Zeroizing::new(error.into_bytes())));
            }
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                return Err(Broken::Type);
            }
        };
        match parts.kind {
            "str" | "bytes" | "comment" => Ok(Node::Text(plain)),
            "int" => plain.parse().map(Node::Int).map_err(|_| Broken::Type),
            "float" => plain.parse().map(Node::Float).map_err(|_| Broken::Type),
            "bool" => match plain.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Node::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Node::Bool(false)),
                _ => Err(Broken::Type),
            },
            "time" => Ok(Node::Time(plain.to_string())),
            _ => Err(Broken::Type),
        }
    }

    fn open(&self, parts: &Parts<'_>, path: &str) -> Option<Vec<u8>> {
        let mut data = parts.data.clone();
        let tag = Tag::from_slice(&parts.tag);
        // `sops` has always used 32 bytes; the others are what its format allows for.
        macro_rules! with {
            ($size:ty) => {{
                let cipher = AesGcm::<Aes256, $size>::new_from_slice(&*self.0).ok()?;
                let iv = Nonce::<$size>::from_slice(&parts.iv);
                cipher
                    .decrypt_in_place_detached(iv, path.as_bytes(), &mut data, tag)
                    .ok()?;
            }};
        }
        match parts.iv.len() {
            12 => with!(U12),
            16 => with!(U16),
            32 => with!(U32),
            _ => return None,
        }
        Some(data)
    }
}

struct Parts<'a> {
    data: Vec<u8>,
    iv: Vec<u8>,
    tag: Vec<u8>,
    kind: &'a str,
}

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let rest = text.strip_prefix("ENC[AES256_GCM,data:")?;
        let (data, rest) = rest.split_once(",iv:")?;
        let (iv, rest) = rest.split_once(",tag:")?;
        let (tag, rest) = rest.split_once(",type:")?;
        let (kind, _) = rest.rsplit_once(']')?;
        let tag = BASE64_STANDARD.decode(tag).ok()?;
        (tag.len() == 16).then_some(())?;
        Some(Self {
            data: BASE64_STANDARD.decode(data).ok()?,
            iv: BASE64_STANDARD.decode(iv).ok()?,
            tag,
            kind,
        })
    }
}
