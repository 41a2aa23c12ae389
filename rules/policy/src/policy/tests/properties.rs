//! What must hold for every policy and every request.

use proptest::prelude::*;

use super::*;

const REFERENCES: &[&str] = &[
    "vault://kv/a",
    "vault+prod://kv/a#x",
    "vault+dev://kv/b/c?version=2",
    "aws-sm://prod/a",
    "aws-sm://arn:aws:secretsmanager:r:1:secret:prod/a-AbCdEf",
    "env://A",
    "file:///etc/a",
];
const PATTERNS: &[&str] = &[
    "*://**",
    "vault://**",
    "vault+*://**",
    "vault+prod://kv/*",
    "vault+dev://**/c",
    "aws-sm://prod/**",
    "aws-sm://**#x",
    "env://**",
    "file:///**",
    "env://A",
];

fn pattern_list() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(PATTERNS, 0..PATTERNS.len())
}

fn written(refs: &[&str], deny: &[&str]) -> Policy {
    policy(&format!(
        "[environments.a]\nrefs = {refs:?}\nwrites = {refs:?}\ndeny = {deny:?}"
    ))
}

proptest! {
    #[test]
    fn any_text_is_a_policy_or_has_mistakes_inside_it(text in prop_oneof![
        any::<String>(),
        "(\\[environments\\.a\\]\n|\\[\\[tests\\]\\]\n|(refs|deny|paths|extends|identities|max_ttl) ?= ?(\\[\"(env://\\*\\*|a)\"\\]|\"a\"|1|\\{a=1\\}|é|\\[\\[)\n?){0,8}",
    ]) {
        if let Err(error) = Policy::parse("p", &text) {
            prop_assert!(!error.0.is_empty());
            for mistake in &error.0 {
                prop_assert!(text.get(mistake.span.start..mistake.span.end).is_some(), "{mistake}");
            }
        }
    }

    #[test]
    fn what_is_denied_is_never_allowed(refs in pattern_list(), deny in pattern_list(), reference in prop::sample::select(REFERENCES)) {
        let reference: SecretRef = reference.parse().unwrap();
        let policy = written(&refs, &deny);
        let touched = deny.iter().any(|text| RefPattern::parse(text).unwrap().touches(&reference));
        for operation in Operation::ALL {
            let decision = policy.decide(&Request::open(Some("a"), &reference).operation(operation));
            prop_assert!(!(touched && decision.is_allowed()), "{}", decision);
        }
    }

    #[test]
    fn removing_a_reference_or_adding_a_denial_never_allows_more(
        refs in pattern_list(), deny in pattern_list(), index in any::<prop::sample::Index>(), more in prop::sample::select(PATTERNS),
        reference in prop::sample::select(REFERENCES),
    ) {
        let reference: SecretRef = reference.parse().unwrap();
        let mut fewer = refs.clone();
        if !fewer.is_empty() {
            fewer.remove(index.index(fewer.len()));
        }
        let mut stricter = deny.clone();
        if !stricter.contains(&more) {
            stricter.push(more);
        }
        let allowed = |policy: &Policy| Operation::ALL.map(|operation| policy.decide(&Request::open(Some("a"), &reference).operation(operation)).is_allowed());
        let before = allowed(&written(&refs, &deny));
        for after in [allowed(&written(&fewer, &deny)), allowed(&written(&refs, &stricter))] {
            prop_assert!(before.iter().zip(after).all(|(before, after)| *before || !after));
        }
    }

    #[test]
    fn covering_implies_touching(pattern in prop::sample::select(PATTERNS), reference in prop::sample::select(REFERENCES)) {
        let pattern = RefPattern::parse(pattern).unwrap();
        let reference: SecretRef = reference.parse().unwrap();
        prop_assert!(!pattern.covers(&reference) || pattern.touches(&reference));
    }

    // What the linter can know, it knows: it asks with an unknown caller, the provider with a known one.
    #[test]
    fn linter_and_provider_agree(
        refs in pattern_list(), deny in pattern_list(), reference in prop::sample::select(REFERENCES),
        require in prop::sample::subsequence(Requirement::ALL.map(Requirement::name).to_vec(), 0..4),
        limits in any::<bool>(), operation in prop::sample::select(Operation::ALL.to_vec()), caller in 0..3_usize, audited in any::<bool>(),
    ) {
        let reference: SecretRef = reference.parse().unwrap();
        let limits = if limits { "max_age = \"1d\"" } else { "" };
        let policy = policy(&format!(
            "[environments.a]\nrefs = {refs:?}\nwrites = {refs:?}\ndeny = {deny:?}\nrequire = {require:?}\n{limits}\nidentities = [{{ issuer = \"i\", sub = \"s\" }}]"
        ));
        let right = Claims { issuer: "i".to_owned(), claims: [("sub".to_owned(), vec!["s".to_owned()])].into() };
        let wrong = Claims { issuer: "i".to_owned(), ..Claims::default() };
        let caller = [Caller::Unidentified, Caller::Identified(&right), Caller::Identified(&wrong)][caller];
        let asked = Request::open(Some("a"), &reference).operation(operation);
        let linter = policy.decide(&asked);
        let provider = policy.decide(&asked.caller(caller).audited(audited));
        if linter.is_allowed() {
            let only_known_at_run_time = [Reason::IdentityMissing, Reason::IdentityMismatch, Reason::NotAudited];
            prop_assert!(provider.is_allowed() || only_known_at_run_time.contains(&provider.reason), "{}", provider);
            if provider.is_allowed() {
                prop_assert_eq!(provider, linter);
            }
        } else {
            prop_assert!(!provider.is_allowed(), "{}", linter);
        }
    }
}
