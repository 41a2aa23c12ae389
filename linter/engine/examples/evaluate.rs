//! Lints each folder given by itself and prints one JSON line a finding: what the accuracy scorer
//! reads. Folders are linted one by one because words in the name of a repository can look like an
//! environment.
//!
//! `cargo run -p secretlint-engine --example evaluate -- FOLDER...`

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use jiff::civil::date;
use secretlint_engine::{Config, Input, lint};

fn main() -> std::io::Result<()> {
    let rules = secretlint_rules::rules();
    // Suppressions that expire do not matter here, so any day will do.
    let config = Config::new(date(2026, 1, 1));
    let mut out = BufWriter::new(std::io::stdout().lock());
    for root in std::env::args_os().skip(1).map(PathBuf::from) {
        let input = Input {
            root: &root,
            paths: std::slice::from_ref(&root),
            texts: &[],
            only: None,
        };
        for finding in lint(&input, &rules, &config).findings {
            let line = serde_json::json!({
                "path": format!("{}/{}", root.display(), finding.location.path),
                "line": finding.location.start.line,
                "end_line": finding.location.end.line,
                "rule": finding.rule,
                "severity": finding.severity,
                "confidence": finding.confidence,
                "address": finding.address,
            });
            writeln!(out, "{line}")?;
        }
    }
    out.flush()
}
