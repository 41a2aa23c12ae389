//! Any bytes as a SOPS file of any format: read up to the data key, or refused; never a panic. Run with
//! `cargo +nightly fuzz run sops` in `provider/stores`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use secret_stores::conformance::read_sops;

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else {
        return;
    };
    let names = ["a.yaml", "a.json", "a.env", "a.ini", "a.bin"];
    read_sops(names[usize::from(*first) % names.len()], rest);
});
