//! Any text as JSON syntax. `cargo +nightly fuzz run json` in `linter/syntax`.
#![no_main]

#[path = "../../tests/support/checks.rs"]
mod checks;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| checks::check(&hcl_syntax::parse_json(text), text));
