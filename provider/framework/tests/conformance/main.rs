//! A provider that uses everything the framework offers, driven by a host that plays every core in the
//! matrix.
#![expect(clippy::unwrap_used, reason = "a panic fails the test, as it should")]

mod closing;
mod ephemerals;
mod hostile;
mod managed;
mod others;
mod pages;
mod processes;
mod provider;
mod rules;
mod state_stores;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tf_framework::lifecycle::Clock;
use tf_framework::service::ProviderService;
use tf_framework::testing::{Host, Profile, object};
use tf_framework::value::{Object, Value};

use provider::Echo;

/// A service with a host, and a look behind the scenes.
struct Stage {
    host: Host,
    echo: Echo,
    service: ProviderService<Echo>,
    clock: Arc<TestClock>,
}

/// Starts at a fixed time and moves when told.
struct TestClock(Mutex<SystemTime>);

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

impl Stage {
    /// A provider that has not been configured.
    async fn bare(profile: Profile) -> Self {
        let echo = Echo::default();
        let clock = Arc::new(TestClock(Mutex::new(SystemTime::UNIX_EPOCH)));
        let service =
            ProviderService::with_clock(echo.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
        let host = Host::in_process(&service, profile).await.unwrap();
        Self {
            host,
            echo,
            service,
            clock,
        }
    }

    async fn configured(profile: Profile) -> Self {
        let stage = Self::bare(profile).await;
        let found = stage.host.configure(Object::new()).await.unwrap();
        assert!(found.is_empty(), "{found}");
        stage
    }

    fn pass(&self, seconds: u64) {
        *self.clock.0.lock().unwrap() += Duration::from_secs(seconds);
    }

    fn count(&self, event: &str) -> usize {
        self.echo.journal.count(event)
    }
}

fn lease(trouble: &str) -> Object {
    let trouble = if trouble.is_empty() {
        Value::Null
    } else {
        trouble.into()
    };
    object([("ttl", 60.into()), ("trouble", trouble)])
}
