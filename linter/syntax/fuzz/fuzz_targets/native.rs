//! Any text as native syntax. `cargo +nightly fuzz run native` in `linter/syntax`.
#![no_main]

#[path = "../../tests/support/checks.rs"]
mod checks;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| checks::check(&hcl_syntax::parse(text), text));
