//! What is left when this process crashes: a place in the code, never a value.

use std::io::Write as _;
use std::panic::PanicHookInfo;

/// Replaces the panic message by one line, `panic: <file>:<line>:<column> (thread <name>)`.
///
/// The payload is left out because it can hold a secret. Hosts show lines that begin with `panic: ` to
/// the practitioner.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        // Nothing can be done when standard error is gone.
        let _ = std::io::stderr().lock().write_all(report(info).as_bytes());
    }));
}

fn report(info: &PanicHookInfo<'_>) -> String {
    let place = info
        .location()
        .map_or_else(|| "unknown place".into(), ToString::to_string);
    let thread = std::thread::current();
    format!(
        "panic: {place} (thread {})\n",
        thread.name().unwrap_or("unnamed")
    )
}

/// Keeps the memory of this process to itself, as far as the system allows: no core dump, and on Linux no
/// debugger and no reading through `/proc` by other processes of the same user.
pub fn harden() {
    #[cfg(unix)]
    forbid_core_dumps();
    #[cfg(target_os = "linux")]
    forbid_tracing();
}

#[cfg(unix)]
fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "cannot turn off core dumps");
    }
}

#[cfg(target_os = "linux")]
fn forbid_tracing() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "cannot forbid other processes to read this one's memory");
    }
}
