//! Where an end-to-end test plays: a sandbox with a real Terraform and the built provider, a consumer that hands
//! over what reached it, and the search for what was left behind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

use crate::sandbox::Installation;
use crate::{Canary, Outcome, Sandbox};

/// Keeps every value it is given, says that it started, waits while there is a file `hold`, and fails when
/// there is a file `fail`.
const CONSUMER: &str = "\
set -eu
for name in $(env | sed -n 's/^H_\\([a-z0-9_]*\\)=.*/\\1/p'); do
  printenv \"H_$name\" > \"$HANDOVER/$name\"
done
touch \"$HANDOVER/started\"
tries=0
while [ -e \"$HANDOVER/hold\" ] && [ $tries -lt 1800 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
[ ! -e \"$HANDOVER/fail\" ]
";

/// The requirement that every configuration starts with.
const HEAD: &str = "terraform {\n  required_providers {\n    secretref = {\n      source = \"secretref/secretref\"\n    }\n  }\n}\n\n";

/// The access log, in the folder of the configuration.
const AUDIT: &str = "audit.jsonl";

/// The sandbox of one test.
pub struct Stage {
    /// The sandbox.
    pub sandbox: Sandbox,
}

impl Stage {
    /// An empty stage. Terraform and the provider log everything they can.
    #[must_use]
    pub fn new(installation: Installation) -> Self {
        let mut sandbox = Sandbox::new(installation).unwrap();
        std::fs::create_dir(sandbox.path("handover")).unwrap();
        let handover = sandbox.path("handover").display().to_string();
        sandbox.set_env("HANDOVER", &handover);
        sandbox.write("consumer.sh", CONSUMER).unwrap();
        let audit = sandbox.project().join(AUDIT).display().to_string();
        sandbox.set_env("SECRETREF_AUDIT_LOG", &audit);
        let log = sandbox.project().join("trace.log").display().to_string();
        sandbox.set_env("TF_LOG", "TRACE");
        sandbox.set_env("TF_LOG_PATH", &log);
        Self { sandbox }
    }

    /// Writes `main.tf`: the requirement and `text`.
    pub fn write(&self, text: &str) {
        self.sandbox
            .write("main.tf", &format!("{HEAD}{text}"))
            .unwrap();
    }

    /// Makes the consumer wait until [`Stage::let_go`].
    pub fn hold(&self) {
        std::fs::write(self.handover("hold"), "").unwrap();
    }

    /// Ends the wait of the consumer.
    pub fn let_go(&self) {
        std::fs::remove_file(self.handover("hold")).unwrap();
    }

    /// Makes the consumer fail.
    pub fn let_fail(&self) {
        std::fs::write(self.handover("fail"), "").unwrap();
    }

    /// What reached the consumer under `name`.
    #[track_caller]
    #[must_use]
    pub fn received(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.handover(name)).unwrap();
        text.trim_end_matches('\n').to_owned()
    }

    /// Whether anything reached the consumer.
    #[must_use]
    pub fn consumed(&self) -> bool {
        self.handover("started").exists()
    }

    fn handover(&self, name: &str) -> PathBuf {
        self.sandbox.path("handover").join(name)
    }

    /// Gives variables of the configuration these values, which are texts; returns the flag that does it. They stand
    /// in a file where no leak is searched for: Terraform logs its own arguments.
    #[must_use]
    pub fn variables(&self, values: &[(&str, &str)]) -> String {
        let file = self.sandbox.path("values.tfvars");
        let lines = values
            .iter()
            .map(|(name, value)| format!("{name} = {value:?}\n"));
        std::fs::write(&file, lines.collect::<String>()).unwrap();
        format!("-var-file={}", file.display())
    }

    /// Runs Terraform, never asking.
    pub fn terraform(&self, arguments: &[&str]) -> Outcome {
        self.sandbox
            .terraform(&self.sandbox.project(), &with_flags(arguments))
            .unwrap()
    }

    /// Runs Terraform, which must succeed.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        let outcome = self.terraform(arguments);
        assert_eq!(outcome.status.code(), Some(0), "{}", outcome.text());
        outcome
    }

    /// `terraform apply`, which must succeed.
    #[track_caller]
    pub fn apply(&self) -> Outcome {
        self.run(&["apply"])
    }

    /// Runs Terraform, which must fail; returns what it says, without frames and line breaks.
    #[track_caller]
    pub fn fail(&self, arguments: &[&str]) -> String {
        let outcome = self.terraform(arguments);
        assert_eq!(outcome.status.code(), Some(1), "{}", outcome.text());
        unframed(&outcome.text())
    }

    /// The rows of the access log, oldest first.
    #[must_use]
    pub fn audit(&self) -> Vec<Value> {
        let file = self.sandbox.project().join(AUDIT);
        let text = std::fs::read_to_string(file).unwrap();
        let rows = text.lines().map(|line| serde_json::from_str(line).unwrap());
        rows.collect()
    }

    /// The secret is nowhere but where it was handed over: not in state, plan, logs, home, temporary files
    /// or in `outputs`, what programs said.
    #[track_caller]
    pub fn assert_no_leak(&self, canary: &Canary, outputs: &[&str]) {
        for part in ["project", "home", "tmp"] {
            let (leaks, searched) = canary.search_tree(&self.sandbox.path(part)).unwrap();
            assert!(leaks.is_empty(), "{part}: {leaks:?}");
            assert!(searched > 0 || part != "project");
        }
        for text in outputs {
            let leaks = canary.search("output", text.as_bytes());
            assert!(leaks.is_empty(), "{leaks:?}");
        }
    }
}

/// A consumer of `values`, expressions by name. They may be ephemeral.
#[must_use]
pub fn consumer(values: &[(&str, &str)]) -> String {
    let lines: String = values
        .iter()
        .map(|(name, expression)| format!("      H_{name} = {expression}\n"))
        .collect();
    format!(
        "resource \"terraform_data\" \"consumer\" {{\n  provisioner \"local-exec\" {{\n    \
         command = \"sh consumer.sh\"\n    environment = {{\n{lines}    }}\n  }}\n}}\n"
    )
}

/// The secret `reference`, opened while applying, under `name`.
#[must_use]
pub fn value(name: &str, reference: &str) -> String {
    format!(
        "ephemeral \"secretref_value\" \"{name}\" {{\n  ref      = \"{reference}\"\n  applying = terraform.applying\n}}\n\n"
    )
}

/// The secret `reference` and its consumer, which gets it as `value`.
#[must_use]
pub fn value_consumer(reference: &str) -> String {
    value("x", reference) + &consumer(&[("value", "ephemeral.secretref_value.x.value")])
}

/// `arguments` with the flags that keep the command from asking and colouring.
#[must_use]
pub fn with_flags(arguments: &[&str]) -> Vec<String> {
    let mut all = vec![arguments[0].to_owned(), "-no-color".to_owned()];
    if matches!(arguments[0], "plan" | "apply" | "destroy") {
        all.push("-input=false".to_owned());
    }
    // A saved plan asks nothing.
    let saved = arguments[1..].iter().any(|word| !word.starts_with('-'));
    if matches!(arguments[0], "apply" | "destroy") && !saved {
        all.push("-auto-approve".to_owned());
    }
    all.extend(arguments[1..].iter().map(|word| (*word).to_owned()));
    all
}

/// What a program said to people, without frames and line breaks that depend on the width.
#[must_use]
pub fn said(output: &Output) -> String {
    unframed(&format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    ))
}

/// What people are told, without frames and line breaks that depend on the width.
#[must_use]
pub fn unframed(text: &str) -> String {
    text.lines()
        .map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']))
        .collect::<Vec<_>>()
        .join(" ")
}
