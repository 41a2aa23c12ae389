//! Any type and any bytes: a value that comes back the same after being written, or an error. Run with
//! `cargo +nightly fuzz run msgpack` in `provider/framework`.

#![no_main]

mod input;

use libfuzzer_sys::fuzz_target;
use tf_framework::codec::msgpack;

fuzz_target!(|data: &[u8]| {
    let Some((ty, bytes)) = input::split(data) else {
        return;
    };
    for ty in [ty.sealed(), ty] {
        if let Ok(value) = msgpack::decode(bytes, &ty) {
            let Some(written) = input::written(&value, &ty) else {
                return;
            };
            let again = msgpack::decode(&written, &ty).expect("what was written can be read");
            assert!(again == value);
        }
    }
});
