//! Proxies from the setting of a block, else from the variables that every tool knows.

use reqwest::{NoProxy, Proxy};

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};

/// The proxies to use. Lower-case variables win, as in curl; `HTTP_PROXY` in upper case is ignored inside CGI
/// (`REQUEST_METHOD` is set), where a client could set it.
pub(super) fn proxies(environment: &Environment, chosen: Option<&str>) -> Result<Vec<Proxy>> {
    let either = |lower: &str, upper: &str| {
        environment
            .text(lower)
            .map(|url| (lower.to_owned(), url))
            .or_else(|| environment.text(upper).map(|url| (upper.to_owned(), url)))
    };
    let exceptions =
        either("no_proxy", "NO_PROXY").and_then(|(_, list)| NoProxy::from_string(&list));
    if let Some(url) = chosen {
        let proxy = usable("proxy", Proxy::all(url))?;
        return Ok(vec![proxy.no_proxy(exceptions)]);
    }
    let in_cgi = environment.variable("REQUEST_METHOD").is_some();
    let http =
        either("http_proxy", "HTTP_PROXY").filter(|(name, _)| !in_cgi || name == "http_proxy");
    let mut found = Vec::new();
    if let Some((name, url)) = either("https_proxy", "HTTPS_PROXY") {
        found.push(usable(&name, Proxy::https(&url))?);
    }
    if let Some((name, url)) = http {
        found.push(usable(&name, Proxy::http(&url))?);
    }
    if let Some((name, url)) = either("all_proxy", "ALL_PROXY") {
        found.push(usable(&name, Proxy::all(&url))?);
    }
    Ok(found
        .into_iter()
        .map(|proxy| proxy.no_proxy(exceptions.clone()))
        .collect())
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
