//! Where these tests play: a moto server behind a counting proxy, and a stage before them.

use e2e::Outcome;
use e2e::sandbox::Installation;
use e2e::servers::{Fault, FaultProxy, Moto, Rule};
use e2e::stage::Stage;
use serde_json::{Value, json};

/// Moto, the proxy before it, and a run whose login are the variables of the AWS command line.
pub(crate) struct Aws {
    pub(crate) stage: Stage,
    pub(crate) proxy: FaultProxy,
    pub(crate) moto: Moto,
}

impl Aws {
    pub(crate) fn new() -> Self {
        Self::with(Installation::DevOverrides)
    }

    pub(crate) fn with(installation: Installation) -> Self {
        let moto = Moto::start().unwrap();
        let proxy = FaultProxy::start(moto.address()).unwrap();
        let mut stage = Stage::new(installation);
        for (name, value) in [
            ("AWS_ENDPOINT_URL", proxy.url().as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ] {
            stage.sandbox.set_env(name, value);
        }
        Self { stage, proxy, moto }
    }

    /// Stores a secret with these members besides its name; returns the answer.
    pub(crate) fn secret(&self, name: &str, value: &Value) -> Value {
        let mut body = value.clone();
        body["Name"] = name.into();
        self.moto
            .call("secretsmanager.CreateSecret", &body)
            .unwrap()
    }

    /// The current value of a secret; `None` when there is none.
    pub(crate) fn stored(&self, name: &str) -> Option<String> {
        let body = json!({ "SecretId": name });
        let answer = self.moto.call("secretsmanager.GetSecretValue", &body);
        Some(answer.ok()?["SecretString"].as_str().unwrap().to_owned())
    }

    /// Stores a new version of a parameter of this type.
    pub(crate) fn parameter(&self, name: &str, kind: &str, value: &str) {
        let body = json!({ "Name": name, "Type": kind, "Value": value, "Overwrite": true });
        self.moto.call("AmazonSSM.PutParameter", &body).unwrap();
    }

    /// The current parameter; `None` when there is none.
    pub(crate) fn stored_parameter(&self, name: &str) -> Option<Value> {
        let body = json!({ "Name": name, "WithDecryption": true });
        let mut answer = self.moto.call("AmazonSSM.GetParameter", &body).ok()?;
        Some(answer["Parameter"].take())
    }

    /// From now on refuses calls of this operation as AWS does.
    pub(crate) fn deny(&self, target: &'static str) {
        let body = json!({
            "__type": "AccessDeniedException",
            "Message": "User is not authorized to perform this action",
        });
        let fault = Fault::Status {
            status: 400,
            headers: Vec::new(),
            body: body.to_string(),
        };
        self.proxy.add(Rule::new("/", fault).target(target));
    }

    /// Runs Terraform while moto checks signatures and rights.
    #[track_caller]
    pub(crate) fn run_checked(&self, arguments: &[&str]) -> Outcome {
        self.moto.check_callers(true).unwrap();
        let outcome = self.stage.terraform(arguments);
        self.moto.check_callers(false).unwrap();
        assert_eq!(outcome.status.code(), Some(0), "{}", outcome.text());
        outcome
    }

    /// Outcomes of the accesses to `reference` in the access log, as `open ok`.
    pub(crate) fn accesses(&self, reference: &str) -> Vec<String> {
        let rows = self.stage.audit().into_iter();
        rows.filter(|row| row["reference"] == reference)
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}", text("event"), text("outcome"))
            })
            .collect()
    }
}
