//! Any line: a handshake that comes back the same after being written, or an error. Run with
//! `cargo +nightly fuzz run handshake` in `provider/protocol`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tfplugin::Handshake;

fuzz_target!(|line: &str| {
    if let Ok(handshake) = line.parse::<Handshake>() {
        let again = handshake.to_string().parse::<Handshake>();
        assert_eq!(again, Ok(handshake));
    }
});
