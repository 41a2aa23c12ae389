//! Any text: the parser ends without a panic, errors point into the text, what is read is written
//! in a form that reads back the same. Run with `cargo +nightly fuzz run reference` in `rules/policy`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use secret_policy::convert::{Target, convert};
use secret_policy::{RefPattern, SecretRef};

fuzz_target!(|text: &str| {
    match SecretRef::parse(text) {
        Ok(parsed) => {
            let shown = parsed.reference.to_string();
            let again = SecretRef::parse(&shown).expect("the canonical form is a reference");
            assert_eq!(again.reference, parsed.reference);
            assert!(again.warnings.is_empty());
            assert_eq!(again.reference.to_string(), shown);
            let exactly = RefPattern::parse(&shown).expect("a reference is a pattern");
            assert!(exactly.covers(&parsed.reference) && exactly.touches(&parsed.reference));
        }
        Err(error) => assert!(text.get(error.span.start..error.span.end).is_some()),
    }
    if let Err(error) = RefPattern::parse(text) {
        assert!(text.get(error.span.start..error.span.end).is_some());
    }
    for store in [None, Some("store".to_owned())] {
        let _ = convert(text, &Target { store });
    }
});
