//! A real Terraform with the built provider.

use std::os::unix::fs::PermissionsExt as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use e2e::Canary;
use e2e::sandbox::Installation;
use e2e::servers::{Algorithm, Authority, Kubernetes, OidcIssuer};
use e2e::stage::{Stage, consumer, value, value_consumer};
use serde_json::{Value, json};

const USER: &str = "pipeline";

/// A cluster with TLS, and a stage whose KUBECONFIG has a user for each way to log in.
struct Place {
    stage: Stage,
    cluster: Kubernetes,
    authority: Authority,
}

impl Place {
    fn new() -> Self {
        let authority = Authority::new("cluster").unwrap();
        let cluster = Kubernetes::start(&authority).unwrap();
        let stage = Stage::new(Installation::DevOverrides);
        let mut place = Self {
            stage,
            cluster,
            authority,
        };
        let user = json!({ "token": place.cluster.token(USER) });
        place.kubeconfig(&[(USER, user)]);
        let file = place.path("kubeconfig");
        place.stage.sandbox.set_env("KUBECONFIG", &file);
        place.cluster.grant(USER, &["*"], "secrets", "payments");
        place
    }

    fn path(&self, name: &str) -> String {
        self.stage.sandbox.path(name).display().to_string()
    }

    /// Writes the kubeconfig; the first user is the one of the current context.
    fn kubeconfig(&self, users: &[(&str, Value)]) {
        let ca = self
            .authority
            .write(self.stage.sandbox.path("").as_path())
            .unwrap();
        let current = users[0].0;
        let contexts: Vec<_> = users
            .iter()
            .map(|(name, _)| json!({ "name": name, "context": { "cluster": "c", "user": name } }))
            .collect();
        let users: Vec<_> = users
            .iter()
            .map(|(name, user)| json!({ "name": name, "user": user }))
            .collect();
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": current,
            "clusters": [{ "name": "c", "cluster": { "server": self.cluster.url(), "certificate-authority": ca } }],
            "users": users,
            "contexts": contexts,
        });
        std::fs::write(self.path("kubeconfig"), config.to_string()).unwrap();
    }
}

/// One run, six logins: token, client certificate and program of a kubeconfig, the account of a pod, the token of an
/// OpenID Connect issuer, and a role that another user acts for.
#[test]
fn every_login_is_one() {
    let mut place = Place::new();
    let canary = Canary::random();
    let cluster = &place.cluster;
    cluster.set_secret("payments", "db", &[("password", canary.value().as_bytes())]);
    let issuer = OidcIssuer::start(Algorithm::Es256).unwrap();
    cluster.trust(&issuer, "cluster");
    let pod = "system:serviceaccount:ci:runner";
    for user in ["by-certificate", "by-program", pod, "oidc:repo:acme"] {
        cluster.grant(user, &["get"], "secrets", "payments");
    }
    let certificate = cluster
        .client_certificate(&place.authority, "by-certificate")
        .unwrap();
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": { "token": cluster.token("by-program") },
    });
    let program = place.path("login.sh");
    std::fs::write(
        &program,
        format!("#!/bin/sh\ncat <<'END'\n{credential}\nEND\n"),
    )
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    place.kubeconfig(&[
        ("token", json!({ "token": cluster.token(USER) })),
        ("certificate", json!({
            "client-certificate-data": BASE64_STANDARD.encode(&certificate.certificate_pem),
            "client-key-data": BASE64_STANDARD.encode(&certificate.key_pem),
        })),
        ("program", json!({ "exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": program, "interactiveMode": "Never",
        } })),
    ]);
    let pod_token = cluster.service_account_token("ci", "runner").unwrap();
    let oidc_token = issuer
        .token("cluster", &json!({ "sub": "repo:acme" }))
        .unwrap();
    std::fs::write(place.path("pod-token"), &pod_token).unwrap();
    std::fs::write(place.path("oidc-token"), &oidc_token).unwrap();
    let (kubeconfig, ca, url) = (
        place.path("kubeconfig"),
        place.path("ca.pem"),
        cluster.url(),
    );
    let address = url.strip_prefix("https://").unwrap().to_owned();
    let (host, port) = address.split_once(':').unwrap();
    for (name, value) in [
        ("KUBECONFIG", ""),
        ("KUBERNETES_SERVICE_HOST", host),
        ("KUBERNETES_SERVICE_PORT", port),
    ] {
        place.stage.sandbox.set_env(name, value);
    }
    let (pod_file, oidc_file) = (place.path("pod-token"), place.path("oidc-token"));
    let blocks = [
        ("token", format!("kubeconfig = \"{kubeconfig}\"")),
        (
            "certificate",
            format!("kubeconfig = \"{kubeconfig}\"\n    context = \"certificate\""),
        ),
        (
            "program",
            format!("kubeconfig = \"{kubeconfig}\"\n    context = \"program\""),
        ),
        (
            "pod",
            format!("token_file = \"{pod_file}\"\n    ca_file = \"{ca}\""),
        ),
        (
            "oidc",
            format!("host = \"{url}\"\n    token_file = \"{oidc_file}\"\n    ca_file = \"{ca}\""),
        ),
    ];
    let provider: String = blocks
        .iter()
        .map(|(name, settings)| format!("  kubernetes \"{name}\" {{\n    {settings}\n  }}\n"))
        .collect();
    let values: String = blocks
        .iter()
        .map(|(name, _)| value(name, &format!("k8s+{name}://payments/db#password")))
        .collect();
    let received: Vec<_> = blocks
        .iter()
        .map(|(name, _)| (*name, format!("ephemeral.secretref_value.{name}.value")))
        .collect();
    let received: Vec<_> = received
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    place.stage.write(&format!(
        "provider \"secretref\" {{\n{provider}}}\n\n{values}{}",
        consumer(&received)
    ));
    let applied = place.stage.apply();
    for (name, _) in &blocks {
        assert_eq!(place.stage.received(name), canary.value(), "{name}");
    }
    for secret in [&canary, &Canary::of(&pod_token), &Canary::of(&oidc_token)] {
        let trace = std::fs::read(place.stage.sandbox.project().join("trace.log")).unwrap();
        assert!(secret.search("log", &trace).is_empty());
        assert!(
            secret
                .search("output", applied.text().as_bytes())
                .is_empty()
        );
    }
    place.stage.assert_no_leak(&canary, &[&applied.text()]);
}

#[test]
fn keys_are_read_one_by_one_and_all_together() {
    let place = Place::new();
    let canary = Canary::random();
    let keys: [(&str, &[u8]); 4] = [
        ("password", canary.value().as_bytes()),
        ("tls.key", b"key"),
        ("bytes", &[0, 255]),
        ("json", br#"{"a":[1,2]}"#),
    ];
    place.cluster.set_secret("payments", "db", &keys);
    let facts = "data \"secretref_metadata\" \"db\" {\n  ref = \"k8s://payments/db\"\n}\n\n";
    let together = "ephemeral \"secretref_values\" \"db\" {\n  refs = {\n    password = \"k8s://payments/db#password\"\n    \
                    key      = \"k8s://payments/db#tls.key\"\n    bytes    = \"k8s://payments/db?encoding=base64#bytes\"\n    \
                    none     = \"k8s://payments/none?optional=true#a\"\n  }\n  applying = terraform.applying\n}\n\n";
    place.stage.write(
        &[
            facts,
            together,
            &value("all", "k8s://payments/db#/"),
            &consumer(&[
                ("password", "ephemeral.secretref_values.db.values.password"),
                ("key", "ephemeral.secretref_values.db.values.key"),
                ("bytes", "ephemeral.secretref_values.db.values_base64.bytes"),
                (
                    "all",
                    "join(\",\", keys(ephemeral.secretref_value.all.json))",
                ),
                ("json", "ephemeral.secretref_value.all.json.json"),
                ("version", "data.secretref_metadata.db.version"),
            ]),
        ]
        .concat(),
    );
    let planned = place.stage.run(&["plan", "-out=plan"]);
    let applied = place.stage.run(&["apply", "plan"]);
    for (name, expected) in [
        ("password", canary.value()),
        ("key", "key"),
        ("bytes", "AP8="),
        ("all", "bytes,json,password,tls.key"),
        ("json", r#"{"a":[1,2]}"#),
        ("version", "101"),
    ] {
        assert_eq!(place.stage.received(name), expected, "{name}");
    }
    place
        .stage
        .assert_no_leak(&canary, &[&planned.text(), &applied.text()]);
    let opened = place
        .stage
        .audit()
        .into_iter()
        .filter(|row| row["event"] == "open")
        .count();
    assert_eq!(opened, 5);
}

#[test]
fn what_the_cluster_does_not_allow_is_said_and_nothing_is_done() {
    let place = Place::new();
    let canary = Canary::random();
    place
        .cluster
        .set_secret("prod", "db", &[("password", canary.value().as_bytes())]);
    place.stage.write(&value_consumer("k8s://prod/db#password"));
    let said = place.stage.fail(&["apply"]);
    for part in ["k8s://prod/db", "does not allow", "kubectl auth can-i"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!place.stage.consumed());
    place.kubeconfig(&[(USER, json!({ "token": "expired" }))]);
    let expired = place.stage.fail(&["apply"]);
    assert!(expired.contains("does not accept the login"), "{expired}");
    place.stage.assert_no_leak(&canary, &[&said, &expired]);
}

#[test]
fn secrets_are_made_rotated_and_removed() {
    let place = Place::new();
    let configuration = |rotation: &str, version: u32| {
        format!(
            "resource \"secretref_secret\" \"made\" {{\n  ref = \"k8s://payments/made\"\n  generate {{\n    length   = 40\n    \
             rotation = \"{rotation}\"\n  }}\n}}\n\nvariable \"password\" {{\n  ephemeral = true\n}}\n\n\
             resource \"secretref_secret\" \"given\" {{\n  ref              = \"k8s://payments/given\"\n  \
             value_wo         = jsonencode({{ user = \"app\", password = var.password }})\n  value_wo_version = {version}\n}}\n"
        )
    };
    let (first, second) = (Canary::random(), Canary::random());
    let apply = |command: &str, canary: &Canary| {
        let variables = place.stage.variables(&[("password", canary.value())]);
        place.stage.run(&[command, &variables]).text()
    };
    let stored = |name: &str, key: &str| {
        let keys = place.cluster.secret("payments", name)?;
        String::from_utf8(keys[key].clone()).ok()
    };
    place.stage.write(&configuration("a", 1));
    let mut outputs = vec![apply("apply", &first)];
    let made = Canary::of(&stored("made", "value").unwrap());
    assert_eq!(made.value().len(), 40);
    assert_eq!(stored("given", "password").unwrap(), first.value());
    assert_eq!(stored("given", "user").unwrap(), "app");
    place.stage.write(&configuration("b", 2));
    outputs.push(apply("apply", &second));
    assert_ne!(stored("made", "value").unwrap(), made.value());
    assert_eq!(stored("given", "password").unwrap(), second.value());
    outputs.push(apply("destroy", &second));
    assert!(stored("made", "value").is_none() && stored("given", "user").is_none());

    place
        .cluster
        .set_secret("payments", "made", &[("value", b"theirs")]);
    let variables = place.stage.variables(&[("password", first.value())]);
    let said = place.stage.fail(&["apply", &variables]);
    assert!(said.contains("k8s://payments/made"), "{said}");
    assert_eq!(stored("made", "value").unwrap(), "theirs");
    outputs.push(said);
    let outputs: Vec<_> = outputs.iter().map(String::as_str).collect();
    for canary in [&first, &second, &made] {
        place.stage.assert_no_leak(canary, &outputs);
    }
}

/// A plan makes no token; the token that an apply makes is good for whom it is for, and ends with its Secret.
#[test]
fn tokens_are_made_while_applying_only() {
    let place = Place::new();
    let cluster = &place.cluster;
    cluster.add_service_account("ci", "deployer");
    cluster.grant(USER, &["create"], "serviceaccounts/token", "ci");
    cluster.set_secret("ci", "anchor", &[]);
    let text = "ephemeral \"secretref_k8s_token\" \"x\" {\n  namespace       = \"ci\"\n  service_account = \"deployer\"\n  \
                audiences       = [\"vault\"]\n  ttl_seconds     = 900\n  applying        = terraform.applying\n  \
                bound_object {\n    kind = \"Secret\"\n    name = \"anchor\"\n  }\n}\n\n";
    place.stage.write(
        &(text.to_owned()
            + &consumer(&[
                ("token", "ephemeral.secretref_k8s_token.x.token"),
                ("ttl", "ephemeral.secretref_k8s_token.x.lease.ttl_seconds"),
            ])),
    );
    let made = || {
        let calls = cluster.calls().into_iter();
        calls
            .filter(|call| call.ends_with("/deployer/token"))
            .count()
    };
    let planned = place.stage.run(&["plan", "-out=plan"]);
    assert_eq!(made(), 0, "a plan only asks whether it could");
    let applied = place.stage.run(&["apply", "plan"]);
    assert_eq!(made(), 1);
    let ttl: u64 = place.stage.received("ttl").parse().unwrap();
    assert!((851..=900).contains(&ttl), "{ttl}");
    let token = Canary::of(&place.stage.received("token"));
    let reviewed = |audience: &str| {
        let client = e2e::servers::Client::new(&cluster.url(), Some(&place.authority)).unwrap();
        let client = client.header(
            "authorization",
            &format!("Bearer {}", cluster.reviewer_token().unwrap()),
        );
        let body = json!({ "spec": { "token": token.value(), "audiences": [audience] } });
        let path = "/apis/authentication.k8s.io/v1/tokenreviews";
        client.send("POST", path, Some(&body)).unwrap().body["status"].clone()
    };
    assert_eq!(
        reviewed("vault")["user"]["username"],
        "system:serviceaccount:ci:deployer"
    );
    assert_eq!(reviewed("elsewhere")["authenticated"], false);
    cluster.remove_secret("ci", "anchor");
    assert_eq!(reviewed("vault")["authenticated"], false);
    place
        .stage
        .assert_no_leak(&token, &[&planned.text(), &applied.text()]);
}
