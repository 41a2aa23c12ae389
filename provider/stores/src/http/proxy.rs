//! Proxies from the setting of a block, else from the variables that every tool knows.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{NoProxy, Proxy};

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};

/// Which proxy is for what, and the setting or variable that says so.
#[derive(Debug, Default)]
struct Chosen {
    all: Option<(String, String)>,
    https: Option<(String, String)>,
    http: Option<(String, String)>,
    exceptions: Option<String>,
}

/// Lower-case variables win, as in curl; `HTTP_PROXY` in upper case is ignored inside CGI (`REQUEST_METHOD` is
/// set), where a client could set it.
fn choose(environment: &Environment, chosen: Option<&str>) -> Chosen {
    let either = |lower: &str, upper: &str| {
        environment
            .text(lower)
            .map(|url| (lower.to_owned(), url))
            .or_else(|| environment.text(upper).map(|url| (upper.to_owned(), url)))
    };
    let exceptions = either("no_proxy", "NO_PROXY").map(|(_, list)| list);
    if let Some(url) = chosen {
        return Chosen {
            all: Some(("proxy".to_owned(), url.to_owned())),
            exceptions,
            ..Chosen::default()
        };
    }
    let in_cgi = environment.variable("REQUEST_METHOD").is_some();
    Chosen {
        all: either("all_proxy", "ALL_PROXY"),
        https: either("https_proxy", "HTTPS_PROXY"),
        http: either("http_proxy", "HTTP_PROXY")
            .filter(|(name, _)| !in_cgi || name == "http_proxy"),
        exceptions,
    }
}

/// The proxies to use.
pub(super) fn proxies(environment: &Environment, chosen: Option<&str>) -> Result<Vec<Proxy>> {
    let chosen = choose(environment, chosen);
    let exceptions = chosen.exceptions.as_deref().and_then(NoProxy::from_string);
    let mut found = Vec::new();
    if let Some((name, url)) = &chosen.https {
        found.push(usable(name, Proxy::https(url))?);
    }
    if let Some((name, url)) = &chosen.http {
        found.push(usable(name, Proxy::http(url))?);
    }
    if let Some((name, url)) = &chosen.all {
        found.push(usable(name, Proxy::all(url))?);
    }
    Ok(found
        .into_iter()
        .map(|proxy| proxy.no_proxy(exceptions.clone()))
        .collect())
}

/// The same for connections that are made here.
///
/// # Errors
/// `config` for a proxy that is not spoken to over plain HTTP.
pub(super) fn matcher(environment: &Environment, chosen: Option<&str>) -> Result<Matcher> {
    let chosen = choose(environment, chosen);
    let mut matcher = Matcher::builder();
    for (place, url) in [&chosen.all, &chosen.https, &chosen.http]
        .into_iter()
        .flatten()
    {
        usable(place, Proxy::all(url))?;
        if url.contains("://") && !url.starts_with("http://") {
            return Err(StoreError::new(
                ErrorKind::Config,
                Operation::Configure,
                format!("the proxy of `{place}` cannot be used together with a server name"),
            )
            .with_help("write `http://host:port`, or leave the server name out"));
        }
    }
    let url = |choice: Option<(String, String)>| choice.map(|(_, url)| url).unwrap_or_default();
    matcher = matcher
        .all(url(chosen.all))
        .https(url(chosen.https))
        .http(url(chosen.http));
    Ok(matcher.no(chosen.exceptions.unwrap_or_default()).build())
}

fn usable(place: &str, proxy: reqwest::Result<Proxy>) -> Result<Proxy> {
    // The source would quote the address, which may hold a password.
    proxy.map_err(|_| {
        StoreError::new(
            ErrorKind::Config,
            Operation::Configure,
            format!("`{place}` is no address of a proxy"),
        )
        .with_help("write `http://host:port`, `https://host:port` or `socks5h://host:port`")
    })
}
