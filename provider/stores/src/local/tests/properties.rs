//! Arbitrary bytes, changes and values.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any change of any byte of the file is an error and never a panic, a hang or another value.
    #[test]
    fn a_changed_byte_anywhere_is_noticed(place in any::<prop::sample::Index>(), flip in 1u8..) {
        let (store, good) = sample();
        let mut bytes = good.clone();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        let opened = sealed::open(Operation::Open, &store.identities, &bytes, Path::new("x"));
        prop_assert!(opened.is_err());
    }

    #[test]
    fn any_bytes_are_an_error_or_a_document(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (store, _) = sample();
        prop_assert!(sealed::open(Operation::Open, &store.identities, &bytes, Path::new("x")).is_err());
        prop_assert!(Document::parse(Operation::Open, &bytes).is_err());
    }

    /// A changed plaintext parses or fails; it never panics.
    #[test]
    fn a_mutated_document_never_panics(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = SAMPLE_DOCUMENT.as_bytes().to_vec();
        prop_assert!(Document::parse(Operation::Open, &bytes).is_ok());
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let _ = Document::parse(Operation::Open, &bytes);
    }

    #[test]
    fn any_value_comes_back(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4)) {
        let document = Document {
            format: FORMAT.into(),
            format_version: FORMAT_VERSION,
            store: "s".into(),
            seal: Secret::new(vec![1]),
            generation: 1,
            index: true,
            recipients: Vec::new(),
            secrets: BTreeMap::from([("p".to_owned(), values.iter().map(|value| Version {
                info: VersionInfo { number: 1, created: Timestamp::UNIX_EPOCH, author: None, expires: None, removed: None },
                value: Some(Secret::new(value.clone())),
            }).collect())]),
        };
        let bytes = document.to_bytes(Operation::Write).unwrap();
        let back = Document::parse(Operation::Open, &bytes).unwrap();
        let back: Vec<_> = back.secrets["p"].iter().map(|version| version.value.clone()).collect();
        prop_assert_eq!(back, values.into_iter().map(|value| Some(Secret::new(value))).collect::<Vec<_>>());
    }
}

const SAMPLE_DOCUMENT: &str = r#"{"format":"secretref-store","format_version":1,"store":"s","seal":"AAAA","generation":3,"index":true,"recipients":[],"secrets":{"a":[{"info":{"number":1,"created":"1970-01-01T00:00:00Z","author":"ana"},"value":"eA=="},{"info":{"number":2,"created":"1970-01-01T00:00:00Z","removed":"1970-01-01T00:00:00Z"},"value":null}]}}"#;

/// One store for all cases: opening one costs a key agreement.
fn sample() -> &'static (LocalStore, Vec<u8>) {
    static SAMPLE: std::sync::OnceLock<(LocalStore, Vec<u8>)> = std::sync::OnceLock::new();
    SAMPLE.get_or_init(|| {
        let project = Project::new();
        let store = project.init();
        set(&store, "a", "x");
        let bytes = fs::read(store.path()).unwrap();
        (store, bytes)
    })
}
