//! Any text: a policy or mistakes that point into it, and every policy decides every request. Run
//! with `cargo +nightly fuzz run policy` in `rules/policy`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use secret_policy::{Operation, Policy, Request, SecretRef};

fuzz_target!(|text: &str| {
    match Policy::parse("secretref.toml", text) {
        Ok(policy) => decide(&policy),
        Err(error) => {
            assert!(!error.0.is_empty());
            for mistake in &error.0 {
                assert!(text.get(mistake.span.start..mistake.span.end).is_some());
            }
        }
    }
});

fn decide(policy: &Policy) {
    let reference: SecretRef = "vault+prod://kv/db#password".parse().expect("a reference");
    let names = policy.environments().iter().map(|environment| Some(environment.name()));
    for environment in names.chain([None]) {
        for operation in Operation::ALL {
            let request = Request::open(environment, &reference).operation(operation);
            assert!(!policy.decide(&request).message.is_empty());
            assert!(!policy.explain(&request).is_empty());
        }
    }
    policy.run_tests();
    let _ = policy.environment_of("live/prod/main.tf");
}
