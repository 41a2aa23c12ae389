//! The plain part of a SOPS file: when and for whom it was encrypted, and by which rules.

use regex::Regex;

use super::tree::{Item, Node};

/// Suffix of names whose values are not encrypted when a file has no rule of its own.
const DEFAULT_SUFFIX: &str = "_unencrypted";

/// The metadata of a file.
#[derive(Debug)]
pub(super) struct Metadata {
    /// When it was written last, as it stands in the file.
    pub(super) modified: String,
    /// The encrypted hash over all values.
    pub(super) mac: String,
    /// Whether the hash is over encrypted values alone.
    pub(super) mac_only_encrypted: bool,
    /// The version of `sops` that wrote it.
    pub(super) version: Option<String>,
    /// Who can decrypt it: one key of each of `threshold` groups.
    pub(super) groups: Vec<Vec<Wrapped>>,
    /// Groups that are needed.
    pub(super) threshold: usize,
    /// What is encrypted.
    pub(super) rule: Rule,
}

/// Which values are encrypted.
#[derive(Debug)]
pub(super) enum Rule {
    UnencryptedSuffix(String),
    EncryptedSuffix(String),
    UnencryptedRegex(Regex),
    EncryptedRegex(Regex),
    UnencryptedComment(Regex),
    EncryptedComment(Regex),
}

/// The data key, or a share of it, encrypted for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrapped {
    /// For whom.
    pub(super) recipient: Recipient,
    /// The encrypted key, as it stands in the file.
    pub(super) text: String,
}

/// Who can decrypt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    Age(String),
    Pgp(String),
    AwsKms {
        arn: String,
        role: Option<String>,
        profile: Option<String>,
        context: Vec<(String, String)>,
    },
    GcpKms(String),
    AzureKv {
        vault: String,
        name: String,
        version: String,
    },
    Vault {
        address: String,
        engine: String,
        key: String,
    },
    /// A kind that this program does not know.
    Other(&'static str),
}

impl Recipient {
    /// What it is, for messages and labels.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Age(recipient) => format!("age {recipient}"),
            Self::Pgp(fingerprint) => format!("pgp {fingerprint}"),
            Self::AwsKms { arn, .. } => format!("aws-kms {arn}"),
            Self::GcpKms(resource) => format!("gcp-kms {resource}"),
            Self::AzureKv {
                vault,
                name,
                version,
            } => format!("azure-kv {vault}/keys/{name}/{version}"),
            Self::Vault {
                address,
                engine,
                key,
            } => format!("vault {address}/v1/{engine}/keys/{key}"),
            Self::Other(kind) => (*kind).to_owned(),
        }
    }
}

impl Metadata {
    /// Reads the `sops` entry; a reason when something is missing or contradicts itself.
    pub(super) fn read(entry: &Node) -> Result<Self, String> {
        let text = |key: &str| entry.get(key).and_then(Node::as_text).map(str::to_owned);
        let modified = text("lastmodified").ok_or("`lastmodified` is missing")?;
        let mut groups: Vec<_> = entry
            .get("key_groups")
            .map(|groups| groups.list().iter().map(|item| group(&item.node)))
            .into_iter()
            .flatten()
            .collect();
        let own = group(entry);
        if !own.is_empty() {
            groups = vec![own];
        }
        if groups.is_empty() || groups.iter().any(Vec::is_empty) {
            return Err("there is no key that it was encrypted with".to_owned());
        }
        let threshold = match entry.get("shamir_threshold") {
            Some(Node::Int(number)) => usize::try_from(*number).unwrap_or(0),
            Some(Node::Text(text)) => text.parse().unwrap_or(0),
            _ => 0,
        };
        let mac_only_encrypted = match entry.get("mac_only_encrypted") {
            Some(Node::Bool(flag)) => *flag,
            Some(Node::Text(text)) => text.as_str() == "true",
            _ => false,
        };
        Ok(Self {
            modified,
            mac: text("mac").unwrap_or_default(),
            mac_only_encrypted,
            version: text("version"),
            threshold: if groups.len() == 1 {
                1
            } else {
                // Without a threshold all groups are needed, as when it was encrypted.
                (2..=groups.len())
                    .find(|count| *count == threshold)
                    .unwrap_or(groups.len())
            },
            groups,
            rule: Rule::read(entry)?,
        })
    }
}

impl Rule {
    fn read(entry: &Node) -> Result<Self, String> {
        let text = |key: &str| {
            let text = entry.get(key).and_then(Node::as_text);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let regex = |key: &str| {
            text(key)
                .map(|pattern| {
                    Regex::new(&pattern)
                        .map_err(|_| format!("`{key}` is no regular expression that can be used"))
                })
                .transpose()
        };
        let rules: Vec<_> = [
            text("unencrypted_suffix").map(Self::UnencryptedSuffix),
            text("encrypted_suffix").map(Self::EncryptedSuffix),
            regex("unencrypted_regex")?.map(Self::UnencryptedRegex),
            regex("encrypted_regex")?.map(Self::EncryptedRegex),
            regex("unencrypted_comment_regex")?.map(Self::UnencryptedComment),
            regex("encrypted_comment_regex")?.map(Self::EncryptedComment),
        ]
        .into_iter()
        .flatten()
        .collect();
        let mut rules = rules.into_iter();
        match (rules.next(), rules.next()) {
            (Some(rule), None) => Ok(rule),
            (None, _) => Ok(Self::UnencryptedSuffix(DEFAULT_SUFFIX.to_owned())),
            _ => Err("it has several rules for what is encrypted, and there can be one".to_owned()),
        }
    }

    /// Whether the rule speaks of `item`. What is inside shares its fate.
    pub(super) fn names(&self, item: &Item) -> bool {
        match self {
            Self::UnencryptedSuffix(suffix) | Self::EncryptedSuffix(suffix) => {
                item.key.ends_with(suffix)
            }
            Self::UnencryptedRegex(regex) | Self::EncryptedRegex(regex) => {
                regex.is_match(&item.key)
            }
            Self::UnencryptedComment(regex) | Self::EncryptedComment(regex) => {
                item.comments.iter().any(|comment| regex.is_match(comment))
            }
        }
    }

    /// Whether what the rule names is encrypted, and everything else is not.
    pub(super) fn names_encrypted(&self) -> bool {
        matches!(
            self,
            Self::EncryptedSuffix(_) | Self::EncryptedRegex(_) | Self::EncryptedComment(_)
        )
    }

    /// Whether comments decide.
    pub(super) fn is_about_comments(&self) -> bool {
        matches!(
            self,
            Self::UnencryptedComment(_) | Self::EncryptedComment(_)
        )
    }
}

/// The recipients of one group.
fn group(entry: &Node) -> Vec<Wrapped> {
    const KINDS: [&str; 7] = [
        "age", "pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault",
    ];
    let of_kind = |kind: &'static str| {
        let items = entry.get(kind).map(Node::list).unwrap_or_default();
        items.iter().map(move |item| wrapped(kind, &item.node))
    };
    KINDS.into_iter().flat_map(of_kind).collect()
}

fn wrapped(kind: &'static str, node: &Node) -> Wrapped {
    let optional = |key: &str| {
        let text = node.get(key).and_then(Node::as_text);
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let text = |key: &str| optional(key).unwrap_or_default();
    let recipient = match kind {
        "age" => Recipient::Age(text("recipient")),
        "pgp" => Recipient::Pgp(text("fp")),
        "kms" => Recipient::AwsKms {
            arn: text("arn"),
            role: optional("role"),
            profile: optional("aws_profile"),
            context: context(node.get("context")),
        },
        "gcp_kms" => Recipient::GcpKms(text("resource_id")),
        "azure_kv" => Recipient::AzureKv {
            vault: text("vault_url"),
            name: text("name"),
            version: text("version"),
        },
        "hc_vault" => Recipient::Vault {
            address: text("vault_address"),
            engine: text("engine_path"),
            key: text("key_name"),
        },
        _ => Recipient::Other(kind),
    };
    Wrapped {
        recipient,
        text: text("enc"),
    }
}

fn context(node: Option<&Node>) -> Vec<(String, String)> {
    let Some(Node::Map(items)) = node else {
        return Vec::new();
    };
    let pairs = items.iter().filter_map(|item| {
        let value = item.node.as_text()?;
        Some((item.key.clone(), value.to_owned()))
    });
    pairs.collect()
}
