//! `cargo demo`: the main job end to end. See [`e2e::demo`].

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut out = std::io::stdout().lock();
    match e2e::demo::run(&mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the demo's own failure message")]
            {
                eprintln!("\nThe demo failed: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
