//! What every store must do with special values and faults.

use std::net::TcpListener;
use std::sync::Arc;

use secret_policy::SecretRef;
use secret_value::Secret;
use serde_json::Value;

use super::double::Double;
use super::logins::auth;
use super::{reference, run, stores};
use crate::SecretStore;
use crate::blocks::Settings;
use crate::conformance::{Bench, Fault, Fixture, Sample, hardship};

const PRESENT: &str = "vault://kv/team/db";
const VALUE: &str = r#"{"password":"plumAnchor-5"}"#;

fn filled() -> Double {
    let double = Double::start();
    double.put("team/db", serde_json::from_str(VALUE).unwrap());
    double
}

fn store(double: &Double, settings: Settings) -> Arc<dyn SecretStore> {
    let (stores, _folder) = stores(double, "good", settings);
    stores.store(&reference(PRESENT)).unwrap()
}

struct Server(Double);

impl Bench for Server {
    /// The engine keeps fields, nothing else.
    fn sample(&self, sample: Sample) -> Option<SecretRef> {
        (sample == Sample::Json).then(|| {
            let value: Value = serde_json::from_slice(&sample.content()).unwrap();
            self.0.put("samples/json", value);
            reference("vault://kv/samples/json")
        })
    }

    fn faulty(&self, fault: Fault) -> Option<Arc<dyn SecretStore>> {
        let double = filled();
        let denied = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;
        let settings = Settings::new().with("max_retries", 0_u64);
        match fault {
            Fault::NoRight => double.answer("sys/internal/ui/mounts/kv", 403, "", denied),
            Fault::MetadataOnly => double.answer("kv/data/team/db", 403, "", denied),
            Fault::Throttled => {
                let text =
                    r#"{"errors":["request path \"kv/data/team/db\": rate limit quota exceeded"]}"#;
                double.answer("kv/data/team/db", 429, "", text);
            }
            Fault::Silent => {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let address = format!("http://{}", listener.local_addr().unwrap());
                std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
                return Some(store(&double, settings.with("address", address.as_str())));
            }
            Fault::Redirect => {
                let location = "location: https://elsewhere.example/v1/kv/data/team/db\r\n";
                double.answer("kv/data/team/db", 307, location, "");
            }
            Fault::ClockSkew => {
                let text = r#"{"errors":["error validating token: invalid not before (nbf) claim: token not yet valid"]}"#;
                double.answer("auth/userpass/login", 400, "", text);
                let method = Settings::new()
                    .with("username", "ci")
                    .with("password", Secret::from_text("pass-ci".to_owned()));
                return Some(store(&double, auth("userpass", method)));
            }
            // Real certificates are shown to it by the tests from outside.
            Fault::BadCertificate => return None,
        }
        Some(store(&double, settings))
    }

    fn tries_again_itself(&self) -> bool {
        true
    }
}

#[test]
fn special_values_and_faults_are_met_as_by_every_store() {
    let double = filled();
    let fixture = Fixture {
        store: store(&double, Settings::new()),
        present: reference(PRESENT),
        value: Secret::from_text(VALUE.to_owned()),
        missing: reference("vault://kv/team/none"),
        free: None,
    };
    run(hardship(&fixture, &Server(double))).unwrap();
}
