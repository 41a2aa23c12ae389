//! `ref+BACKEND://PATH?PARAMETERS#/KEY`, the notation of vals and helmfile.

use super::{Converted, Notation, Source, selector};
use crate::reference::{ReferenceError, ReferenceErrorKind as Kind, Scheme, Selector};
use crate::span::Span;

/// Parameters that hold a credential itself, not the way to one.
const CREDENTIALS: &[&str] = &["token", "secret_id", "password", "client_secret"];
/// Parameters that say how to reach the store or log in; they belong in the store block.
const STORE_SETTINGS: &[&str] = &[
    "address",
    "auth_method",
    "auth_mount",
    "aws_log_level",
    "cache",
    "credential_file",
    "kubeConfigPath",
    "kubeContext",
    "kubernetes_mount",
    "namespace",
    "profile",
    "proto",
    "region",
    "role_arn",
    "role_id",
    "secret_id_env",
    "secret_id_file",
    "tls_skip_verify",
    "token_env",
    "token_file",
    "user",
    "username",
    "password_env",
    "password_file",
    "verify_tls",
];

struct Vals<'a> {
    source: Source<'a>,
    backend: &'a str,
    path: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    fragment: &'a str,
    notes: Vec<String>,
}

pub(super) fn convert(source: Source<'_>) -> Result<Converted, ReferenceError> {
    let mut vals = read(source)?;
    vals.check_parameters()?;
    let scheme = vals.scheme()?;
    let mut draft = source.draft(scheme, "");
    draft.path = vals.path(scheme)?;
    draft.selector = vals.selector(scheme, &mut draft.path)?;
    draft.version = vals.version(scheme, &mut draft.path);
    draft.stage = vals.parameter("version_stage").map(str::to_owned);
    vals.source.finish(Notation::Vals, draft, vals.notes)
}

fn read(source: Source<'_>) -> Result<Vals<'_>, ReferenceError> {
    let not_vals = || source.error("this is not a vals expression", "write ref+BACKEND://PATH");
    let body = source
        .text
        .trim_start_matches("secret")
        .strip_prefix("ref+")
        .ok_or_else(not_vals)?;
    let body = body.strip_suffix('+').unwrap_or(body);
    let (backend, rest) = body.split_once("://").ok_or_else(not_vals)?;
    // vals reads parameters on either side of `#`.
    let (before, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, early) = before.split_once('?').unwrap_or((before, ""));
    let (fragment, late) = fragment.split_once('?').unwrap_or((fragment, ""));
    let pairs = early
        .split('&')
        .chain(late.split('&'))
        .filter(|pair| !pair.is_empty());
    let parameters = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    Ok(Vals {
        source,
        backend,
        path,
        parameters,
        fragment,
        notes: Vec::new(),
    })
}

impl<'a> Vals<'a> {
    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    }

    fn check_parameters(&mut self) -> Result<(), ReferenceError> {
        for (name, value) in &self.parameters {
            match *name {
                name if CREDENTIALS.contains(&name) => {
                    let span = Span::new(0, self.source.text.len());
                    return Err(ReferenceError::new(
                        Kind::Credential,
                        span,
                        format!("the input holds a credential in `{name}`"),
                        "replace that credential, and say how to log in inside the provider's store block",
                    ));
                }
                name if STORE_SETTINGS.contains(&name) => {
                    let proposal = if matches!(name, "address" | "region" | "namespace" | "profile")
                    {
                        value
                    } else {
                        self.backend
                    };
                    self.notes
                        .push(self.source.into_store_block(name, proposal)?);
                }
                "version" | "version_id" | "version_stage" | "mode" | "format" | "key_type"
                | "optional" => {}
                _ => {
                    return Err(self.source.error(
                        "the input holds a parameter that has no counterpart",
                        "write the reference by hand",
                    ));
                }
            }
        }
        Ok(())
    }

    fn scheme(&self) -> Result<Scheme, ReferenceError> {
        Ok(match self.backend {
            "vault" => Scheme::Vault,
            "awsssm" => Scheme::AwsSsm,
            "awssecrets" => Scheme::AwsSm,
            "gcpsecrets" => Scheme::GcpSm,
            "azurekeyvault" => Scheme::AzureKv,
            "sops" => Scheme::Sops,
            "file" => Scheme::File,
            "envsubst" => Scheme::Env,
            "op" | "onepassword" => Scheme::Op,
            "doppler" => Scheme::Doppler,
            "k8s" => Scheme::K8s,
            _ => {
                return Err(self.source.error(
                    "vals reads this from a backend that has no scheme here",
                    "move the secret into one of the supported stores",
                ));
            }
        })
    }

    fn path(&mut self, scheme: Scheme) -> Result<String, ReferenceError> {
        let path = match scheme {
            Scheme::Env => self.path.trim_start_matches('$').trim_matches(['{', '}']),
            Scheme::Sops if self.parameter("key_type") == Some("base64") => {
                return Err(self.source.error(
                    "the input holds the encrypted text itself",
                    "put it into a file",
                ));
            }
            Scheme::K8s => self.path.strip_prefix("v1/Secret/").ok_or_else(|| {
                self.source.error(
                    "only `v1/Secret` of Kubernetes holds secrets",
                    "move the value into a Secret",
                )
            })?,
            Scheme::AzureKv => return self.azure_path(),
            _ => self.path,
        };
        let keeps_slash = matches!(scheme, Scheme::File | Scheme::Sops | Scheme::AwsSm);
        Ok(if keeps_slash {
            path.to_owned()
        } else {
            path.trim_matches('/').to_owned()
        })
    }

    /// vals writes the vault as a name or as a host.
    fn azure_path(&mut self) -> Result<String, ReferenceError> {
        let (vault, rest) = self.path.split_once('/').unwrap_or((self.path, ""));
        let name = match vault.split_once('.') {
            None => vault,
            Some((name, "vault.azure.net")) => name,
            Some((name, _)) => {
                let note = self.source.into_store_block("cloud", vault)?;
                self.notes.push(note);
                name
            }
        };
        Ok(format!("{name}/{rest}"))
    }

    fn selector(
        &self,
        scheme: Scheme,
        path: &mut String,
    ) -> Result<Option<Selector>, ReferenceError> {
        let found = selector(self.source, self.fragment)?;
        if scheme == Scheme::K8s && path.split('/').count() == 3 {
            // namespace/name/key
            let key = path
                .rsplit_once('/')
                .map(|(head, key)| (head.len(), key.to_owned()));
            return Ok(key.and_then(|(end, key)| {
                path.truncate(end);
                Selector::from_steps(vec![key])
            }));
        }
        match &found {
            // Without `mode=singleparam`, vals appends the first step to the parameter's name.
            Some(below)
                if scheme == Scheme::AwsSsm && self.parameter("mode") != Some("singleparam") =>
            {
                let (first, rest) = below
                    .steps()
                    .split_first()
                    .map(|(f, r)| (f.clone(), r.to_vec()))
                    .unwrap_or_default();
                path.push('/');
                path.push_str(&first);
                Ok(Selector::from_steps(rest))
            }
            _ => Ok(found),
        }
    }

    fn version(&self, scheme: Scheme, path: &mut String) -> Option<String> {
        if scheme == Scheme::AzureKv && path.split('/').count() == 3 {
            let (end, version) = path
                .rsplit_once('/')
                .map(|(head, version)| (head.len(), version.to_owned()))?;
            path.truncate(end);
            return Some(version);
        }
        self.parameter("version")
            .or_else(|| self.parameter("version_id"))
            .map(str::to_owned)
    }
}
