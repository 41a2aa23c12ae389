//! `credential git`: the protocol of git's credential helpers.
//!
//! Attributes as `key=value` lines up to an empty line, both ways: `git help credential`, "INPUT/OUTPUT FORMAT", and
//! `git help gitcredentials`, "CUSTOM HELPERS" (<https://git-scm.com/docs/git-credential>). What git wants stored or
//! erased is passed over, as are operations that do not exist yet. A server that is not configured is left to the
//! next helper; one whose secret cannot be opened ends the search (`quit`), so that nobody is asked for it instead.

use std::io::Write as _;

use anyhow::bail;
use secret_stores::Environment;
use secret_value::Secret;
use url::Url;
use zeroize::Zeroizing;

use super::request;
use super::server::Logins;
use crate::cli::arguments::ServerLogin;
use crate::cli::guarded::Login;

pub(super) fn execute(environment: &Environment, asked: &ServerLogin) -> anyhow::Result<()> {
    if asked.operation != "get" {
        return Ok(());
    }
    let wanted = Wanted::read(&request()?);
    let answered = answer(environment, asked, &wanted);
    if answered.is_err() {
        writeln!(std::io::stdout(), "quit=1")?;
    }
    answered
}

fn answer(environment: &Environment, asked: &ServerLogin, wanted: &Wanted) -> anyhow::Result<()> {
    let logins = Logins::read(environment, asked, |project| &mut project.credentials.git)?;
    let mut found: Option<(usize, &Login)> = None;
    for login in logins.all() {
        let Some(weight) = wanted.matches(login)? else {
            continue;
        };
        if found.is_none_or(|(other, _)| weight > other) {
            found = Some((weight, login));
        }
    }
    let Some((_, login)) = found else {
        return Ok(());
    };
    let opened = logins.open(login, wanted.username.as_deref())?;
    let mut text = Zeroizing::new(Vec::with_capacity(
        64 + opened.username.len() + opened.password.len(),
    ));
    line(&mut text, "username", &opened.username)?;
    line(&mut text, "password", &opened.password)?;
    if let Some(end) = opened.credential.expires {
        writeln!(text, "password_expiry_utc={}", end.as_second())?;
    }
    let mut out = std::io::stdout().lock();
    out.write_all(&text)?;
    Ok(out.flush()?)
}

fn line(text: &mut Vec<u8>, key: &str, value: &Secret) -> anyhow::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the helper exists to hand the login to git"
    )]
    let bytes = value.expose();
    if bytes.iter().any(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
        bail!("the {key} has a line end or a zero byte, which git's protocol cannot carry");
    }
    text.extend_from_slice(key.as_bytes());
    text.push(b'=');
    text.extend_from_slice(bytes);
    text.push(b'\n');
    Ok(())
}

/// What git asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    protocol: String,
    host: String,
    path: Option<String>,
    username: Option<String>,
}

impl Wanted {
    /// Reads the attributes; unknown ones are passed over, and of several the last counts, as git demands.
    fn read(text: &str) -> Self {
        let mut wanted = Self::default();
        for (key, value) in text
            .lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.split_once('='))
        {
            match key {
                "protocol" => value.clone_into(&mut wanted.protocol),
                "host" => wanted.host = value.to_ascii_lowercase(),
                "path" => wanted.path = Some(value.trim_matches('/').to_owned()),
                "username" => wanted.username = Some(value.to_owned()),
                _ => {}
            }
        }
        wanted
    }

    /// How exactly a login is the one that is asked for; `None` when it is another.
    ///
    /// # Errors
    /// When its address is none.
    fn matches(&self, login: &Login) -> anyhow::Result<Option<usize>> {
        let Ok(url) = Url::parse(&login.url) else {
            bail!(
                "the login for git `{}` names no address such as https://github.com",
                login.url
            );
        };
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => bail!("the login for git `{}` names no host", login.url),
        };
        // git writes the port of the address also where it is the usual one.
        let usual = url
            .port_or_known_default()
            .map(|port| format!("{}:{port}", url.host_str().unwrap_or_default()));
        let same_host = self.host == host || usual.is_some_and(|usual| self.host == usual);
        if self.protocol != url.scheme() || !same_host {
            return Ok(None);
        }
        if let (Some(wanted), Some(has)) = (&self.username, &login.username)
            && wanted != has
        {
            return Ok(None);
        }
        let path = url.path().trim_matches('/');
        if path.is_empty() {
            return Ok(Some(0));
        }
        // Without `credential.useHttpPath` git does not say the path, and a secret for a part is not one for all.
        let below = self.path.as_deref().is_some_and(|asked| {
            asked
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
        });
        Ok(below.then_some(path.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(request: &str, url: &str, username: Option<&str>) -> Option<usize> {
        let login = Login {
            url: url.to_owned(),
            r#ref: "local://a".to_owned(),
            username: username.map(str::to_owned),
        };
        Wanted::read(request).matches(&login).unwrap()
    }

    #[test]
    fn only_the_server_that_is_meant_gets_the_secret() {
        let github =
            "capability[]=authtype\nprotocol=https\nhost=GitHub.com\nwwwauth[]=Basic\n\nhost=evil";
        for (request, url, username, expected) in [
            (github, "https://github.com", None, Some(0)),
            (github, "https://github.com/", Some("x"), Some(0)),
            (github, "http://github.com", None, None),
            (github, "https://evil-github.com", None, None),
            (github, "https://github.com.evil", None, None),
            (github, "https://github.com:8443", None, None),
            (github, "https://github.com/acme", None, None),
            (
                "protocol=https\nhost=a:8443\n",
                "https://a:8443",
                None,
                Some(0),
            ),
            ("protocol=https\nhost=a:443\n", "https://a", None, Some(0)),
            (
                "protocol=https\nhost=a\npath=acme/x.git\n",
                "https://a/acme",
                None,
                Some(4),
            ),
            (
                "protocol=https\nhost=a\npath=acme.git\n",
                "https://a/acme",
                None,
                Some(4),
            ),
            (
                "protocol=https\nhost=a\npath=acme2/x.git\n",
                "https://a/acme",
                None,
                None,
            ),
            (
                "protocol=https\nhost=a\nusername=jo\n",
                "https://a",
                Some("bot"),
                None,
            ),
            (
                "protocol=https\nhost=a\nusername=jo\n",
                "https://a",
                None,
                Some(0),
            ),
            ("", "https://a", None, None),
        ] {
            assert_eq!(
                weight(request, url, username),
                expected,
                "{request:?} {url}"
            );
        }
    }

    #[test]
    fn values_that_would_add_attributes_are_refused() {
        let mut text = Vec::new();
        for value in ["a\nquit=1", "a\rb", "a\0b"] {
            let error = line(&mut text, "password", &Secret::from_text(value.to_owned()));
            assert!(error.unwrap_err().to_string().contains("line end"));
        }
        assert!(text.is_empty());
    }
}
