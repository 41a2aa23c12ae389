//! What must never enter the dependency tree of a provider.

use std::path::Path;

/// By default this library spends 40 to 100 ms of every process start on its random numbers.
#[test]
fn the_slow_starting_cryptography_library_is_absent() {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let lock = std::fs::read_to_string(lock).unwrap();
    assert!(
        lock.contains("name = \"ring\""),
        "the lock file of this workspace"
    );
    for name in ["aws-lc-rs", "aws-lc-sys", "openssl-sys"] {
        assert!(
            !lock.contains(&format!("name = \"{name}\"")),
            "{name} is in Cargo.lock"
        );
    }
}
