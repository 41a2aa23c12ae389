//! The doubles and the proxy: OpenBao's own verifiers judge the tokens.

use std::time::{Duration, Instant};

use e2e::servers::{
    Algorithm, Authority, Client, Fault, FaultProxy, Flaw, Kubernetes, Moto, OidcIssuer, OpenBao,
    Rule,
};
use serde_json::{Value, json};

#[test]
fn openbao_accepts_the_issuers_tokens_and_refuses_wrong_ones() {
    let server = OpenBao::dev().unwrap();
    let admin = server.admin();
    let authority = Authority::new("issuer").unwrap();
    for (mount, algorithm) in [("jwt-es", Algorithm::Es256), ("jwt-rs", Algorithm::Rs256)] {
        let issuer = OidcIssuer::start_tls(algorithm, &authority).unwrap();
        admin.enable_auth(mount, "jwt").unwrap();
        admin
            .write(
                &format!("auth/{mount}/config"),
                &json!({
                    "oidc_discovery_url": issuer.url(),
                    "oidc_discovery_ca_pem": authority.certificate_pem(),
                }),
            )
            .unwrap();
        admin
            .write(
                &format!("auth/{mount}/role/ci"),
                &json!({
                    "role_type": "jwt",
                    "user_claim": "repository",
                    "bound_audiences": ["openbao"],
                    "bound_claims": { "repository": "acme/infra" },
                }),
            )
            .unwrap();
        let login = |token: &str| {
            let body = json!({ "role": "ci", "jwt": token });
            let path = format!("auth/{mount}/login");
            admin.send("POST", &path, Some(&body)).unwrap()
        };
        let claims = json!({ "sub": "x", "repository": "acme/infra" });
        let good = login(&issuer.token("openbao", &claims).unwrap());
        assert_eq!(good.status, 200, "{mount}: {}", good.body);
        for (wrong, why) in [
            (issuer.token("elsewhere", &claims), "audience"),
            (issuer.expired_token("openbao", &claims), "expired"),
            (
                issuer.token(
                    "openbao",
                    &json!({ "sub": "x", "repository": "acme/other" }),
                ),
                "claim",
            ),
        ] {
            let answer = login(&wrong.unwrap());
            assert_eq!(answer.status, 400, "{mount}");
            assert!(answer.body.to_string().contains(why), "{}", answer.body);
        }
    }
}

#[test]
fn a_job_gets_its_token_only_with_its_request_token() {
    let issuer = OidcIssuer::start(Algorithm::Es256).unwrap();
    let origin = issuer.url();
    let path = issuer.actions_request_url()[origin.len()..].to_owned() + "&audience=a%2Fb";
    let ask = |credential: &str| {
        Client::new(&origin, None)
            .unwrap()
            .header("authorization", credential)
            .send("GET", &path, None)
            .unwrap()
    };
    assert_eq!(ask("Bearer wrong").status, 401);
    assert_eq!(issuer.token_requests(), [""; 0]);
    let answer = ask(&format!("Bearer {}", issuer.actions_request_token()));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["value"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(issuer.token_requests(), ["a/b"]);
}

#[test]
fn openbao_believes_the_token_review() {
    let server = OpenBao::dev().unwrap();
    let admin = server.admin();
    let authority = Authority::new("cluster").unwrap();
    let cluster = Kubernetes::start(&authority).unwrap();
    admin.enable_auth("kubernetes", "kubernetes").unwrap();
    admin
        .write(
            "auth/kubernetes/config",
            &json!({
                "kubernetes_host": cluster.url(),
                "kubernetes_ca_cert": authority.certificate_pem(),
                "token_reviewer_jwt": cluster.reviewer_token().unwrap(),
                "disable_local_ca_jwt": true,
            }),
        )
        .unwrap();
    admin
        .write(
            "auth/kubernetes/role/app",
            &json!({
                "bound_service_account_names": ["app"],
                "bound_service_account_namespaces": ["payments"],
            }),
        )
        .unwrap();
    let login = |token: &str| {
        let body = json!({ "role": "app", "jwt": token });
        admin
            .send("POST", "auth/kubernetes/login", Some(&body))
            .unwrap()
    };
    let good = cluster.service_account_token("payments", "app").unwrap();
    let answer = login(&good);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.body["auth"]["metadata"]["service_account_namespace"],
        "payments"
    );
    let mut tampered = good[..good.len() - 4].to_owned();
    tampered.push_str("AAAA");
    assert_eq!(login(&tampered).status, 403);
    assert_ne!(
        login(&cluster.expired_token("payments", "app").unwrap()).status,
        200
    );
    assert_ne!(
        login(&cluster.service_account_token("other", "app").unwrap()).status,
        200
    );
}

#[test]
fn the_proxy_counts_and_breaks_what_it_is_told_to() {
    let server = OpenBao::dev().unwrap();
    server.admin().mount("kv1", "kv", &Value::Null).unwrap();
    server
        .admin()
        .write("kv1/a", &json!({ "k": "value" }))
        .unwrap();
    let proxy = FaultProxy::start(server.address()).unwrap();
    let client = Client::new(&proxy.url(), None)
        .unwrap()
        .header("x-vault-token", server.root_token());
    let read = || client.send("GET", "/v1/kv1/a", None);

    assert_eq!(read().unwrap().body["data"]["k"], "value");
    proxy.add(
        Rule::new(
            "/v1/kv1/",
            Fault::Status {
                status: 429,
                headers: vec![("retry-after", "1".to_owned())],
                body: "{\"errors\":[\"slow down\"]}".to_owned(),
            },
        )
        .after(1)
        .times(1),
    );
    let statuses: Vec<_> = (0..3).map(|_| read().unwrap().status).collect();
    assert_eq!(statuses, [200, 429, 200]);
    proxy.clear();

    proxy.add(Rule::new("/v1/kv1/", Fault::ShortBody(20)).times(1));
    assert!(read().unwrap().body.is_string(), "cut JSON is no JSON");
    proxy.add(Rule::new("/v1/kv1/", Fault::CutBody(20)).times(1));
    assert!(read().is_err(), "the connection broke in the body");
    proxy.add(Rule::new("/v1/kv1/", Fault::HtmlPage(502)).times(1));
    assert_eq!(read().unwrap().status, 502);
    proxy.add(Rule::new("/v1/kv1/", Fault::Redirect("http://127.0.0.1:1".to_owned())).times(1));
    assert_eq!(read().unwrap().status, 307);
    proxy.add(Rule::new("/v1/kv1/", Fault::Reset).times(1));
    let error = format!("{:#}", read().unwrap_err());
    assert!(error.contains("reset"), "{error}");
    proxy.add(Rule::new("/v1/kv1/", Fault::Delay(Duration::from_millis(300))).times(1));
    let started = Instant::now();
    assert_eq!(read().unwrap().status, 200);
    assert!(started.elapsed() >= Duration::from_millis(300));

    assert_eq!(proxy.count("GET", "/v1/kv1/a"), 10);
    assert_eq!(proxy.count("POST", "/"), 0);
    let last = proxy.requests().pop().unwrap();
    assert!(last.header_names.contains(&"x-vault-token".to_owned()));
    assert!(!format!("{last:?}").contains(server.root_token()));
    proxy.forget();
    assert_eq!(proxy.requests().len(), 0);
}

#[test]
fn certificates_with_a_flaw_are_refused() {
    let server = OpenBao::dev().unwrap();
    let authority = Authority::new("proxy").unwrap();
    let stranger = Authority::new("proxy").unwrap();
    let good = authority.server_certificate().unwrap();
    let proxy = FaultProxy::start_tls(server.address(), &good, &authority).unwrap();
    let trusting = Client::new(&proxy.url(), Some(&authority)).unwrap();
    assert_eq!(trusting.status("/v1/sys/health"), Some(200));
    let distrusting = Client::new(&proxy.url(), Some(&stranger)).unwrap();
    assert_eq!(distrusting.status("/v1/sys/health"), None);
    for flaw in [Flaw::Expired, Flaw::OtherHost] {
        let bad = authority.flawed_certificate(flaw).unwrap();
        let proxy = FaultProxy::start_tls(server.address(), &bad, &authority).unwrap();
        let client = Client::new(&proxy.url(), Some(&authority)).unwrap();
        assert_eq!(client.status("/v1/sys/health"), None, "{flaw:?}");
    }
}

#[test]
fn moto_keeps_secrets_and_its_requests_are_counted() {
    let server = Moto::start().unwrap();
    server
        .call(
            "secretsmanager.CreateSecret",
            &json!({ "Name": "app", "SecretString": "s" }),
        )
        .unwrap();
    let proxy = FaultProxy::start(server.address()).unwrap();
    let answer = Client::new(&proxy.url(), None)
        .unwrap()
        .header("x-amz-target", "secretsmanager.GetSecretValue")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=A/20200101/us-east-1/secretsmanager/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .send("POST", "/", Some(&json!({ "SecretId": "app" })))
        .unwrap();
    assert_eq!(answer.success().unwrap()["SecretString"], "s");
    let requests = proxy.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        requests[0].header_values,
        [(
            "x-amz-target".to_owned(),
            "secretsmanager.GetSecretValue".to_owned()
        )]
    );
    server
        .call(
            "AmazonSSM.PutParameter",
            &json!({ "Name": "/a", "Value": "v", "Type": "SecureString" }),
        )
        .unwrap();
}
