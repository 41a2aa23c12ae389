//! `secretlint`: arguments, output formats, commands. The work is done by `secretlint_engine`.

mod output;

fn main() {}
