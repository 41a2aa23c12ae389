//! Any type and any bytes: a value out of a state file that survives the wire, or an error. Run with
//! `cargo +nightly fuzz run json` in `provider/framework`.

#![no_main]

mod input;

use libfuzzer_sys::fuzz_target;
use tf_framework::codec::{json, msgpack};

fuzz_target!(|data: &[u8]| {
    let Some((ty, bytes)) = input::split(data) else {
        return;
    };
    for ty in [ty.sealed(), ty] {
        if let Ok(value) = json::decode(bytes, &ty) {
            let Some(written) = input::written(&value, &ty) else {
                return;
            };
            let again = msgpack::decode(&written, &ty).expect("what was written can be read");
            assert!(again == value);
        }
    }
});
