//! A real Terraform, the built provider, and the double: what reaches its consumers, what is refused and how that is
//! said, and that nothing of it is left behind.

use e2e::sandbox::Installation;
use e2e::servers::{Algorithm, Google, GoogleRole, OidcIssuer};
use e2e::{Canary, Outcome, Sandbox};
use serde_json::json;

use super::PROJECT;

const HEAD: &str = "terraform {\n  required_providers {\n    secretref = {\n      source = \"secretref/secretref\"\n    }\n  }\n}\n\n";

/// A run that logs in with its identity token as the account `ci`, which may do everything with secrets.
struct Stage {
    sandbox: Sandbox,
    google: Google,
    ci: String,
    provider: String,
    _issuer: OidcIssuer,
}

impl Stage {
    fn new() -> Self {
        // Building the programs may take longer than a token holds.
        let mut sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
        let google = Google::start(PROJECT, None).unwrap();
        let issuer = OidcIssuer::start(Algorithm::Es256).unwrap();
        let (provider, identity) = google.trust(&issuer, "job");
        let ci = google.service_account("ci");
        google.delegate(&identity, &ci);
        let audience = format!("https://iam.googleapis.com/{provider}");
        let token = issuer.token(&audience, &json!({ "sub": "job" })).unwrap();
        sandbox.set_env("SECRETREF_ID_TOKEN", &token);
        std::fs::create_dir(sandbox.path("handover")).unwrap();
        let handover = sandbox.path("handover").display().to_string();
        sandbox.set_env("HANDOVER", &handover);
        let log = sandbox.project().join("trace.log").display().to_string();
        sandbox.set_env("TF_LOG", "TRACE");
        sandbox.set_env("TF_LOG_PATH", &log);
        Self {
            sandbox,
            google,
            ci,
            provider,
            _issuer: issuer,
        }
    }

    fn configure(&self, text: &str) {
        let block = format!(
            "provider \"secretref\" {{\n  gcp \"default\" {{\n    endpoint = \"{}\"\n    project  = \"{PROJECT}\"\n    \
             workload_identity {{\n      provider        = \"{}\"\n      service_account = \"{}\"\n    }}\n  }}\n}}\n\n",
            self.google.url(),
            self.provider,
            self.ci
        );
        self.sandbox
            .write("main.tf", &format!("{HEAD}{block}{text}"))
            .unwrap();
    }

    fn terraform(&self, arguments: &[&str]) -> Outcome {
        let all = [
            arguments,
            &["-no-color", "-input=false"],
            if arguments[0] == "plan" {
                &[]
            } else {
                &["-auto-approve"]
            },
        ]
        .concat();
        self.sandbox
            .terraform(&self.sandbox.project(), &all)
            .unwrap()
    }

    /// What a failed command says, without frames and line breaks.
    #[track_caller]
    fn fail(&self, arguments: &[&str]) -> String {
        let outcome = self.terraform(arguments);
        assert_eq!(outcome.status.code(), Some(1), "{}", outcome.text());
        let text = outcome.text();
        let lines = text
            .lines()
            .map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']));
        lines.collect::<Vec<_>>().join(" ")
    }

    fn received(&self, name: &str) -> String {
        let path = self.sandbox.path("handover").join(name);
        let text = std::fs::read_to_string(path).unwrap();
        text.trim_end_matches('\n').to_owned()
    }

    #[track_caller]
    fn nothing_of(&self, canary: &Canary, output: &str) {
        for part in ["project", "home", "tmp"] {
            let (leaks, searched) = canary.search_tree(&self.sandbox.path(part)).unwrap();
            assert!(leaks.is_empty(), "{part}: {leaks:?}");
            assert!(searched > 0 || part != "project");
        }
        let leaks = canary.search("output", output.as_bytes());
        assert!(leaks.is_empty(), "{leaks:?}");
    }
}

fn value() -> String {
    "ephemeral \"secretref_value\" \"pw\" {\n  ref      = \"gcp-sm://PW\"\n  applying = terraform.applying\n}\n\n".to_owned()
}

/// A consumer of `values`, expressions by name, which hands them over.
fn consumer(values: &[(&str, &str)]) -> String {
    let lines: String = values
        .iter()
        .map(|(name, expression)| format!("      {name} = {expression}\n"))
        .collect();
    let commands: Vec<_> = values
        .iter()
        .map(|(name, _)| format!("printenv {name} > $HANDOVER/{name}"))
        .collect();
    format!(
        "resource \"terraform_data\" \"consumer\" {{\n  provisioner \"local-exec\" {{\n    command = \"{}\"\n    \
         environment = {{\n{lines}    }}\n  }}\n}}\n",
        commands.join(" && ")
    )
}

#[test]
fn values_and_tokens_reach_their_consumers_and_nothing_else() {
    let stage = Stage::new();
    stage.google.grant(&stage.ci, GoogleRole::Admin);
    let canary = Canary::random();
    stage.google.put("PW", canary.value().as_bytes());
    let deploy = stage.google.service_account("deploy");
    stage.google.delegate(&stage.ci, &deploy);
    let scope = "https://www.googleapis.com/auth/devstorage.read_write";
    stage.configure(&format!(
        "{}resource \"secretref_secret\" \"copy\" {{\n  ref              = \"gcp-sm://COPY\"\n  value_wo         = \
         ephemeral.secretref_value.pw.value\n  value_wo_version = \"1\"\n}}\n\n\
         ephemeral \"secretref_gcp_access_token\" \"deploy\" {{\n  ref      = \"gcp-token://{deploy}\"\n  scopes   = \
         [\"{scope}\"]\n  lifetime = \"10m\"\n  applying = terraform.applying\n}}\n\n\
         ephemeral \"secretref_gcp_id_token\" \"deploy\" {{\n  ref           = \"gcp-id-token://{deploy}/app.run.app\"\n  \
         audience      = \"https://app.run.app\"\n  include_email = true\n  applying      = terraform.applying\n}}\n\n{}",
        value(),
        consumer(&[
            ("PW", "ephemeral.secretref_value.pw.value"),
            ("ACCESS", "ephemeral.secretref_gcp_access_token.deploy.token"),
            ("IDENTITY", "ephemeral.secretref_gcp_id_token.deploy.token"),
        ])
    ));
    let outcome = stage.terraform(&["apply"]);
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.text());
    assert_eq!(stage.received("PW"), canary.value());
    let access = stage.received("ACCESS");
    assert_eq!(
        stage.google.holder(&access),
        Some((deploy.clone(), vec![scope.to_owned()]))
    );
    let identity = stage.received("IDENTITY");
    let claims = stage.google.claims(&identity).unwrap();
    assert_eq!(claims["aud"], "https://app.run.app");
    assert_eq!(claims["email"], deploy.as_str());
    let made = stage.google.replication("", "COPY").unwrap();
    assert_eq!(made, json!({ "replication": { "automatic": {} } }));
    let text = outcome.text();
    let signature = identity.rsplit('.').next().unwrap().to_owned();
    for secret in [canary, Canary::of(&access), Canary::of(&signature)] {
        stage.nothing_of(&secret, &text);
    }
    // A token was made when it was applied, and none for the plan.
    let calls = stage.google.take_log();
    for verb in [
        "deploy@acme.iam.gserviceaccount.com:generateAccessToken",
        ":generateIdToken",
    ] {
        let count = calls.iter().filter(|call| call.ends_with(verb)).count();
        assert_eq!(count, 1, "{verb}: {calls:?}");
    }
    let gone = stage.terraform(&["destroy"]);
    assert_eq!(gone.status.code(), Some(0), "{}", gone.text());
    assert_eq!(stage.google.replication("", "COPY"), None);
}

#[test]
fn refusals_reach_people_with_what_to_do() {
    let stage = Stage::new();
    let canary = Canary::random();
    stage.google.put("PW", canary.value().as_bytes());
    let text = format!(
        "{}{}",
        value(),
        consumer(&[("PW", "ephemeral.secretref_value.pw.value")])
    );
    stage.configure(&text);
    // Nothing is allowed: the plan does not find out more than the apply.
    let said = stage.fail(&["plan"]);
    assert!(said.contains("secretmanager.versions.get"), "{said}");
    // A plan needs no right to the value.
    stage.google.grant(&stage.ci, GoogleRole::Viewer);
    let plan = stage.terraform(&["plan"]);
    assert_eq!(plan.status.code(), Some(0), "{}", plan.text());
    let said = stage.fail(&["apply"]);
    assert!(said.contains("secretmanager.versions.access"), "{said}");
    stage.google.grant(&stage.ci, GoogleRole::Admin);
    stage.configure(&text.replace("gcp-sm://PW", "gcp-sm://other-project/PW"));
    let said = stage.fail(&["plan"]);
    assert!(said.contains("other-project"), "{said}");
    stage.configure(&text.replace("gcp-sm://PW", "gcp-sm://NONE"));
    let said = stage.fail(&["plan"]);
    assert!(said.contains("no such secret"), "{said}");
    stage.configure(&text);
    stage.google.limit(Some(0));
    let said = stage.fail(&["plan"]);
    assert!(said.contains("slow down"), "{said}");
    stage.nothing_of(&canary, &said);
}
