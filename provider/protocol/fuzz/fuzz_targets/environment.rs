//! Any variables, one `NAME=value` a line and not always text: an environment that holds what it promises, or
//! an error. Run with `cargo +nightly fuzz run environment` in `provider/protocol`.

#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use libfuzzer_sys::fuzz_target;
use tfplugin::Environment;

fuzz_target!(|data: &[u8]| {
    let variables = data.split(|byte| *byte == b'\n').filter_map(|line| {
        let middle = line.iter().position(|byte| *byte == b'=')?;
        let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        Some((text(&line[..middle]), text(&line[middle + 1..])))
    });
    match Environment::from_vars("secretref", variables) {
        Ok(environment) => assert!(environment.ports.0 <= environment.ports.1),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
