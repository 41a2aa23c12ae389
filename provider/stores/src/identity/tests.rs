//! Tokens from variables and files; the service is tested where a server is.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::json;

use super::*;

fn jwt(claims: &serde_json::Value) -> String {
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"RS256"}"#),
        part(&claims.to_string()),
        part("signature")
    )
}

fn token(variables: &[(&str, &str)], audience: Option<&str>) -> Result<IdentityToken> {
    let environment = Environment::fixed("/nowhere", variables.iter().copied());
    let tokens = IdentityTokens::from_environment(&environment);
    futures::executor::block_on(tokens.token(Operation::Open, audience))
}

#[test]
fn a_token_is_only_given_to_an_audience_that_it_names() {
    let text = jwt(&json!({ "aud": ["vault", "aws"], "exp": 4_000_000_000_i64 }));
    let variables = [("SECRETREF_ID_TOKEN", text.as_str())];
    let found = token(&variables, Some("aws")).unwrap();
    assert_eq!(found.text, Secret::from_text(text.clone()));
    assert!(found.ttl().unwrap() > Duration::from_secs(3600));
    assert!(token(&variables, None).is_ok());
    let error = token(&variables, Some("evil")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("`vault`, `aws`"), "{error}");
}

#[test]
fn what_is_no_token_is_refused_without_its_text() {
    let expired = jwt(&json!({ "exp": 1_000 }));
    for (text, kind) in [
        ("plumAnchor", ErrorKind::Config),
        ("a.plumAnchor!.c", ErrorKind::Config),
        (expired.as_str(), ErrorKind::PermissionDenied),
    ] {
        let error = token(&[("SECRETREF_ID_TOKEN", text)], None).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error:?}").contains("plumAnchor"), "{error:?}");
        assert!(error.to_string().contains("SECRETREF_ID_TOKEN"), "{error}");
    }
}

#[test]
fn files_are_read_anew_and_limited() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let environment = Environment::fixed(folder.path(), []);
    let tokens = IdentityTokens::new(&environment, IdentitySource::File("token".into()));
    let ask = || futures::executor::block_on(tokens.token(Operation::Open, None));
    // Not `not_found`: that may be allowed for a secret, never for a login.
    let error = ask().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("token"), "{error}");
    for subject in ["one", "two"] {
        let text = jwt(&json!({ "sub": subject }));
        std::fs::write(&path, format!("{text}\n")).unwrap();
        assert_eq!(ask().unwrap().text, Secret::from_text(text));
    }
    std::fs::write(&path, "x".repeat(70_000)).unwrap();
    assert_eq!(ask().unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn a_run_without_identity_says_how_to_get_one() {
    let error = token(&[], None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.help().unwrap().contains("id-token: write"));
}
