//! Addresses, certificates, proxies, and answers of a server on the loopback interface.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use super::*;

/// A server that answers every connection with the same bytes, then closes it.
fn server(answer: &'static str) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

fn get(variables: &[(&str, &str)], url: Url) -> Result<Response> {
    let environment = Environment::fixed("/nowhere", variables.iter().copied());
    let options = HttpOptions {
        timeout: Some(Duration::from_secs(5)),
        ..HttpOptions::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = HttpClient::new(&environment, &options)?;
        let request = client.request(Method::GET, url);
        client.send(Operation::Open, request).await
    })
}

#[test]
fn addresses_are_checked_and_joined() {
    let base = base_url("address", "https://vault.example:8200/prefix/").unwrap();
    let joined = join(&base, ["v1", "kv", "a b/c?d"]);
    assert_eq!(
        joined.as_str(),
        "https://vault.example:8200/prefix/v1/kv/a%20b%2Fc%3Fd"
    );
    for (text, says) in [
        ("vault.example:8200", "https://"),
        ("ftp://vault.example", "https://"),
        ("https://me:plumAnchor@vault.example", "login"),
        ("https://vault.example?x=1", "`?`"),
        ("", "relative"),
    ] {
        let error = base_url("address", text).unwrap_err();
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert!(!error.to_string().contains("plumAnchor"), "{error}");
    }
}

#[test]
fn redirects_are_reported_and_not_followed() {
    let url = server(
        "HTTP/1.1 307 x\r\nlocation: https://leader.example/v1/a\r\ncontent-length: 0\r\n\r\n",
    );
    let answer = get(&[], url).unwrap();
    assert_eq!(
        answer.redirect().unwrap().as_str(),
        "https://leader.example/v1/a"
    );
}

#[test]
fn waiting_times_come_from_the_server() {
    let url = server("HTTP/1.1 429 x\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n");
    let answer = get(&[], url).unwrap();
    assert_eq!(answer.kind(), ErrorKind::Throttled);
    assert_eq!(answer.retry(), Retry::After(Duration::from_secs(7)));
    let url = server("HTTP/1.1 404 x\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(get(&[], url).unwrap().retry(), Retry::Never);
}

#[test]
fn broken_answers_are_errors_without_their_text() {
    let url = server("HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{\"plumAnchor");
    let error = get(&[], url).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for body in ["<html>plumAnchor</html>", "{\"plumAnchor"] {
        let text = format!(
            "HTTP/1.1 200 x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = get(&[], server(text.leak())).unwrap();
        let error = answer.json::<serde_json::Value>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(!format!("{error:?}").contains("plumAnchor"), "{error:?}");
    }
    let url = server("HTTP/1.1 200 x\r\ncontent-length: 99999999999\r\n\r\n");
    assert_eq!(get(&[], url).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn nobody_there_names_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = get(&[], Url::parse(&format!("http://{address}")).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.retry(), Retry::Later);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn proxies_come_from_the_environment_and_may_be_excepted() {
    let proxy = server("HTTP/1.1 203 proxied\r\ncontent-length: 0\r\n\r\n");
    let target = server("HTTP/1.1 200 direct\r\ncontent-length: 0\r\n\r\n");
    let through =
        |variables: &[(&str, &str)]| get(variables, target.clone()).unwrap().status.as_u16();
    assert_eq!(through(&[]), 200);
    assert_eq!(through(&[("http_proxy", proxy.as_str())]), 203);
    assert_eq!(through(&[("ALL_PROXY", proxy.as_str())]), 203);
    assert_eq!(
        through(&[("http_proxy", proxy.as_str()), ("NO_PROXY", "127.0.0.1")]),
        200
    );
    assert_eq!(
        through(&[("HTTP_PROXY", proxy.as_str()), ("REQUEST_METHOD", "GET")]),
        200
    );
    let error = get(&[("HTTPS_PROXY", "http://me:plumAnchor@[")], target.clone()).unwrap_err();
    assert!(!format!("{error:?}").contains("plumAnchor"), "{error:?}");
}

#[test]
fn a_certificate_that_is_not_trusted_is_found_however_deep_it_is_wrapped() {
    use std::io::{Error, ErrorKind};

    let problem = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    let once = Error::new(ErrorKind::InvalidData, problem);
    let twice = Error::other(once);
    let found = tls::certificate_problem(&twice).unwrap();
    assert!(found.contains("UnknownIssuer"), "{found}");
    assert_eq!(tls::certificate_problem(&Error::other("broken")), None);
}

/// A server that only looks at what a client asks for: reads its first message, tells the name in it, and leaves.
/// Through a proxy, the line that asks for the way is told first.
fn greeted(is_proxy: bool) -> (Url, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = Url::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if is_proxy {
                let mut head = [0; 4096];
                let length = stream.read(&mut head).unwrap();
                let head = String::from_utf8_lossy(&head[..length]);
                let _ = tell.send(head.lines().next().unwrap_or_default().to_owned());
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            }
            let mut acceptor = rustls::server::Acceptor::default();
            let hello = loop {
                if acceptor.read_tls(&mut stream).unwrap() == 0 {
                    break None;
                }
                if let Ok(Some(accepted)) = acceptor.accept() {
                    break accepted.client_hello().server_name().map(str::to_owned);
                }
            };
            let _ = tell.send(hello.unwrap_or_else(|| "no name".to_owned()));
        }
    });
    (url, told)
}

fn get_named(name: Option<&str>, proxy: Option<&Url>, url: &Url) -> StoreError {
    let options = HttpOptions {
        tls: TlsOptions {
            server_name: name.map(str::to_owned),
            skip_verify: true,
            ..TlsOptions::default()
        },
        proxy: proxy.map(|proxy| proxy.as_str().replace("https://", "http://")),
        timeout: Some(Duration::from_secs(5)),
        ..HttpOptions::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = HttpClient::new(&Environment::fixed("/nowhere", []), &options).unwrap();
        let request = client.request(Method::GET, url.clone());
        client.send(Operation::Open, request).await.unwrap_err()
    })
}

#[test]
fn a_server_that_goes_by_another_name_is_asked_for_it() {
    let (url, told) = greeted(false);
    let error = get_named(Some("vault.example"), None, &url);
    assert_eq!(told.recv().unwrap(), "vault.example");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    let place = url.socket_addrs(|| None).unwrap()[0].to_string();
    assert_eq!(error.context("server"), Some(&*place), "{error:?}");
    get_named(None, None, &url);
    assert_eq!(told.recv().unwrap(), "no name", "an address is none");
    // The way there is that of the host.
    let (proxy, told) = greeted(true);
    get_named(Some("vault.example"), Some(&proxy), &url);
    assert_eq!(told.recv().unwrap(), format!("CONNECT {place} HTTP/1.1"));
    assert_eq!(told.recv().unwrap(), "vault.example");
}

#[test]
fn a_named_server_that_is_not_there_is_told_as_any_other() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = Url::parse(&format!("https://{address}")).unwrap();
    let error = get_named(Some("vault.example"), None, &url);
    assert_eq!(error.message(), "the server cannot be reached");
    assert_eq!(error.retry(), Retry::Later);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}
