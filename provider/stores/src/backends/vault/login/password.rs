//! User names with passwords, kept by the server itself (`userpass`) or by a directory (`ldap`).

use super::super::options::wrong;
use super::{Given, Parameter, Proof, required};
use crate::blocks::Settings;
use crate::error::Result;

#[derive(Debug)]
pub(super) struct Password {
    username: String,
    password: Given,
}

impl Password {
    pub(super) fn new(method: &str, settings: &Settings) -> Result<Self> {
        let password = Given::choose(settings, "password", "password_env", "password_file")?;
        Ok(Self {
            username: required(method, settings, "username")?,
            password: password.ok_or_else(|| {
                wrong(format!("the auth method `{method}` needs a password"))
                    .with_help("set one of `password_env`, `password_file` and `password`")
            })?,
        })
    }

    /// The path of the login below the mount.
    pub(super) fn path(&self) -> String {
        format!("login/{}", self.username)
    }

    pub(super) fn parameters(&self, proof: &Proof<'_>) -> Result<Vec<(&'static str, Parameter)>> {
        let password = self.password.read(proof.options, proof.operation)?;
        Ok(vec![("password", password.into())])
    }
}
