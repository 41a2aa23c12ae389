//! `secretref_private_key`: a new key pair, made at every open and stored nowhere.

use async_trait::async_trait;
use secret_policy::nearest;
use secret_value::Secret;
use tf_framework::model;
use tf_framework::prelude::*;

use crate::private_key::{Algorithm, make};
use crate::session::Session;

model! {
    /// Makes a key pair for the duration of a run. It is not kept: a plan and the apply that follows see different
    /// keys. For a key that lasts, write both halves into a store with `secretref_secret`, which writes once.
    pub(crate) struct PrivateKeyModel {
        /// Kind of the key: `ed25519` (default), `ecdsa-p256`, `ecdsa-p384`, `rsa-2048`, `rsa-3072` or `rsa-4096`.
        /// Large RSA keys take seconds.
        pub(crate) algorithm: Option<String> = optional(),
        /// A comment in the OpenSSH notations, such as whose key it is. Default: none.
        pub(crate) comment: Option<String> = optional(),
        /// The private key, PKCS#8 in PEM.
        pub(crate) private_key_pem: Option<Secret> = computed().sensitive(),
        /// The private key as OpenSSH writes it, without a passphrase.
        pub(crate) private_key_openssh: Option<Secret> = computed().sensitive(),
        /// The public key, SubjectPublicKeyInfo in PEM.
        pub(crate) public_key_pem: Option<String> = computed(),
        /// The public key as `authorized_keys` has it, without a line end.
        pub(crate) public_key_openssh: Option<String> = computed(),
        /// `SHA256:` and the hash of the public key in base64, as `ssh-keygen -l` shows it.
        pub(crate) fingerprint: Option<String> = computed(),
    }
}

/// The resource.
pub(crate) struct PrivateKey;

fn unknown_algorithm(name: &str) -> Diagnostic {
    let known = || Algorithm::ALL.iter().map(|(known, _)| *known);
    let hint = match nearest(name, known()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => {
            let all: Vec<_> = known().map(|known| format!("`{known}`")).collect();
            format!("Use one of {}.", all.join(", "))
        }
    };
    Diagnostic::error("Unknown kind of key")
        .detail(hint)
        .at("algorithm")
}

/// A comment is one line: a line end would begin another key in `authorized_keys`.
fn check_comment(comment: &str) -> Result<(), Diagnostic> {
    if comment.chars().any(char::is_control) {
        return Err(Diagnostic::error("The comment is not one line of text")
            .detail("Leave out line ends and other control characters.")
            .at("comment"));
    }
    Ok(())
}

#[async_trait]
impl EphemeralResource for PrivateKey {
    type Data = Session;
    type Model = PrivateKeyModel;

    fn name(&self) -> &'static str {
        "secretref_private_key"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut problems = Diagnostics::new();
        if let Some(name) = config.known::<String>("algorithm")
            && Algorithm::named(&name).is_none()
        {
            problems.push(unknown_algorithm(&name));
        }
        if let Some(comment) = config.known::<String>("comment")
            && let Err(problem) = check_comment(&comment)
        {
            problems.push(problem);
        }
        problems
    }

    async fn open(
        &self,
        _context: &Context<Session>,
        mut config: PrivateKeyModel,
    ) -> Result<Opened<PrivateKeyModel>, Diagnostics> {
        let name = config.algorithm.as_deref().unwrap_or("ed25519");
        let algorithm = Algorithm::named(name).ok_or_else(|| unknown_algorithm(name))?;
        let comment = config.comment.clone().unwrap_or_default();
        check_comment(&comment)?;
        let pair = make(algorithm, comment).await?;
        config.private_key_pem = Some(pair.private_pem);
        config.private_key_openssh = Some(pair.private_openssh);
        config.public_key_pem = Some(pair.public_pem);
        config.public_key_openssh = Some(pair.public_openssh);
        config.fingerprint = Some(pair.fingerprint);
        Ok(Opened::new(config))
    }
}
