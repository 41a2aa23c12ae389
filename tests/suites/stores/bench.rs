//! What the suites of stores behind HTTP share: stores that try once, and what can go wrong before a server.

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use e2e::servers::{Authority, Fault as ProxyFault, FaultProxy, Rule};
use secret_policy::SecretRef;
use secret_stores::conformance::{Bench, Fault, Sample};
use secret_stores::layers::{Layers, RetryPolicy};
use secret_stores::{Environment, FetchOptions, Result, SecretStore, Settings, Stores};
use secret_value::Secret;

pub(crate) const CANARY: &str = "canary-7b40-value";

/// Runs a call to its end, on one runtime for each test: connections that a client keeps live on it.
pub(crate) fn block_on<T>(call: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
    }
    RUNTIME.with(|runtime| runtime.block_on(call))
}

pub(crate) fn reference(text: &str) -> SecretRef {
    text.parse().unwrap()
}

/// Stores that try once and wait long, so that only the store itself is tested.
pub(crate) fn stores(variables: &[(&str, &str)]) -> Stores {
    let environment = Environment::fixed(std::env::temp_dir(), variables.iter().copied());
    let layers = Layers {
        timeout: Duration::from_secs(30),
        retry: RetryPolicy {
            attempts: 1,
            ..RetryPolicy::default()
        },
        ..Layers::default()
    };
    Stores::new(environment, layers).allow_static_credentials(true)
}

pub(crate) fn with_block(variables: &[(&str, &str)], block: &str, settings: Settings) -> Stores {
    stores(variables)
        .with_block(block, "default", settings)
        .unwrap()
}

pub(crate) fn open(stores: &Stores, text: &str) -> Result<Secret> {
    let answer = block_on(stores.open(&reference(text), &FetchOptions::default()))?;
    Ok(answer.unwrap().value.value)
}

pub(crate) fn text(value: &str) -> Secret {
    Secret::from_text(value.to_owned())
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(
    answer: Result<T>,
    kind: secret_stores::ErrorKind,
    words: &[&str],
) {
    let error = answer.unwrap_err();
    let shown = format!("{error:?}");
    assert_eq!(error.kind(), kind, "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word} is missing in {shown}");
    }
    assert!(!shown.contains(CANARY), "{shown}");
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    Full,
    MetadataOnly,
    Nothing,
}

pub(crate) type Build<'a> = dyn Fn(&str, Right) -> Option<Stores> + Sync + 'a;
pub(crate) type Put<'a> = dyn Fn(Sample) -> Option<SecretRef> + Sync + 'a;

/// A server with what can go wrong before it.
pub(crate) struct Trouble<'a> {
    pub(crate) url: String,
    pub(crate) present: SecretRef,
    /// Stores that speak to an address with a login; `None` when there is no such login.
    pub(crate) build: Box<Build<'a>>,
    /// Stores a sample; `None` when the store cannot hold it.
    pub(crate) put: Box<Put<'a>>,
    /// A store whose server has another time; `None` where nothing is signed with one.
    pub(crate) skewed: Option<Arc<dyn SecretStore>>,
    /// The proxies that were started so far.
    pub(crate) proxies: Mutex<Vec<FaultProxy>>,
}

impl Trouble<'_> {
    fn behind(&self, fault: ProxyFault) -> Option<Arc<dyn SecretStore>> {
        let proxy = FaultProxy::start(&self.url).unwrap();
        proxy.add(Rule::new("/", fault));
        self.keep(proxy)
    }

    fn keep(&self, proxy: FaultProxy) -> Option<Arc<dyn SecretStore>> {
        let stores = (self.build)(&proxy.url(), Right::Full)?;
        self.proxies.lock().unwrap().push(proxy);
        Some(stores.store(&self.present).unwrap())
    }
}

impl Bench for Trouble<'_> {
    fn sample(&self, sample: Sample) -> Option<SecretRef> {
        (self.put)(sample)
    }

    fn faulty(&self, fault: Fault) -> Option<Arc<dyn SecretStore>> {
        let with = |right| {
            let stores = (self.build)(&self.url, right)?;
            Some(stores.store(&self.present).unwrap())
        };
        match fault {
            Fault::NoRight => with(Right::Nothing),
            Fault::MetadataOnly => with(Right::MetadataOnly),
            Fault::Throttled => self.behind(ProxyFault::Status {
                status: 429,
                headers: vec![("retry-after", "1".to_owned())],
                body: "{}".to_owned(),
            }),
            Fault::Silent => self.behind(ProxyFault::BlackHole),
            Fault::Redirect => {
                self.behind(ProxyFault::Redirect("https://elsewhere.example".to_owned()))
            }
            Fault::BadCertificate => {
                let authority = Authority::new("nobody trusts this").unwrap();
                let certificate = authority.server_certificate().unwrap();
                let proxy = FaultProxy::start_tls(&self.url, &certificate, &authority).unwrap();
                self.keep(proxy)
            }
            Fault::ClockSkew => self.skewed.clone(),
        }
    }
}

/// What a program printed.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out.into_owned()
}
