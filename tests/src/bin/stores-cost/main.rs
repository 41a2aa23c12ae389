//! What references to each store add to a `terraform apply`: requests, wall time and peak memory of the provider,
//! with 1, 10 and 100 secrets, beside the same apply without any; and AWS Secrets Manager read by this provider
//! beside the real AWS provider's own ephemeral resource.
//!
//! `cargo run --release -p e2e --bin stores-cost -- [ROUNDS] [NAME...]` prints tables; the names are those of the
//! stores, `none` for the apply without secrets, and `peer` for the comparison. Each round runs every case once, so
//! that what else the machine does falls on all of them; medians are shown. Every reference is a secret of its own,
//! opened while planning and while applying. Servers run on this machine and are not counted.
#![expect(clippy::print_stdout, reason = "prints its tables")]

use anyhow::Result;

#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod peer;
#[cfg(target_os = "linux")]
mod stores;

#[cfg(target_os = "linux")]
fn main() -> Result<()> {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() -> Result<()> {
    anyhow::bail!("memory is read from /proc, which only Linux has")
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fmt::Write as _;

    use anyhow::{Context, Result};
    use e2e::Sandbox;
    use e2e::sandbox::Installation;

    use super::measure::{Cost, apply};
    use super::peer;
    use super::stores::{Ready, STORES};

    /// How many secrets a case has.
    pub(super) const SIZES: [usize; 3] = [1, 10, 100];
    /// Rounds when none are asked for.
    const ROUNDS: usize = 5;

    /// How references are written.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Form {
        /// One `secretref_values` for all.
        Together,
        /// One `secretref_value` for each.
        Apart,
    }

    struct Case {
        store: usize,
        form: Form,
        size: usize,
        cost: Cost,
    }

    pub(super) fn main() -> Result<()> {
        let mut names: Vec<_> = std::env::args().skip(1).collect();
        let rounds = match names.first().map(|text| text.parse::<usize>()) {
            Some(Ok(rounds)) => {
                names.remove(0);
                rounds
            }
            _ => ROUNDS,
        };
        let wanted = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
        let mut ready = Vec::new();
        for (name, start) in STORES.iter().filter(|(name, _)| wanted(name)) {
            let store = start().with_context(|| format!("cannot start {name}"))?;
            ready.push((*name, store));
        }
        let mut cases = Vec::new();
        for (store, (name, _)) in ready.iter().enumerate() {
            let none = *name == "none";
            let sizes = if none { &[0][..] } else { &SIZES };
            for &size in sizes {
                for form in [Form::Together, Form::Apart] {
                    // One is the same in both forms, but for the name of the resource.
                    if form == Form::Together || size > 1 {
                        let cost = Cost::default();
                        cases.push(Case {
                            store,
                            form,
                            size,
                            cost,
                        });
                    }
                }
            }
        }
        for _ in 0..rounds {
            for case in &mut cases {
                let (name, store) = &ready[case.store];
                measure(store, case).with_context(|| format!("{name}, {}", case.size))?;
            }
        }
        if !cases.is_empty() {
            println!(
                "| store | secrets | written as | requests | wall, median [min-max] | CPU | provider peak RSS |"
            );
            println!("|---|---|---|---|---|---|---|");
        }
        for case in &mut cases {
            println!("{}", row(ready[case.store].0, case));
        }
        if wanted("peer") {
            peer::compare(rounds)?;
        }
        Ok(())
    }

    /// One apply of one case.
    fn measure(store: &Ready, case: &mut Case) -> Result<()> {
        let mut sandbox = Sandbox::new(Installation::DevOverrides)?;
        for (name, value) in &store.variables {
            sandbox.set_env(name, value);
        }
        sandbox.write("main.tf", &configuration(store, case.form, case.size))?;
        // Requests that were made to prepare the store are no cost of a run.
        (store.requests)();
        apply(&sandbox, &mut case.cost)?;
        case.cost.requests.push((store.requests)());
        Ok(())
    }

    /// The same consumer in all cases; what it gets is the digest of all values.
    fn configuration(store: &Ready, form: Form, size: usize) -> String {
        let mut text = String::from(
            "terraform {\n  required_providers {\n    secretref = {\n      source = \"secretref/secretref\"\n    }\n  }\n}\n\n",
        );
        if !store.block.is_empty() {
            let _ = write!(text, "provider \"secretref\" {{\n{}}}\n\n", store.block);
        }
        let references = (0..size).map(|index| (store.reference)(index));
        let mut values = "\"\"".to_owned();
        match form {
            _ if size == 0 => {}
            Form::Together => {
                text.push_str("ephemeral \"secretref_values\" \"x\" {\n  refs = {\n");
                for (index, reference) in references.enumerate() {
                    let _ = writeln!(text, "    s{index} = \"{reference}\"");
                }
                text.push_str("  }\n}\n");
                values = "join(\",\", values(ephemeral.secretref_values.x.values))".to_owned();
            }
            Form::Apart => {
                text.push_str("locals {\n  refs = [\n");
                for reference in references {
                    let _ = writeln!(text, "    \"{reference}\",");
                }
                text.push_str("  ]\n}\n\nephemeral \"secretref_value\" \"x\" {\n  count = length(local.refs)\n  ref   = local.refs[count.index]\n}\n");
                values = "join(\",\", ephemeral.secretref_value.x[*].value)".to_owned();
            }
        }
        // The provider takes part in every case: a function of it is called.
        let _ = write!(
            text,
            "\nresource \"terraform_data\" \"consumer\" {{\n  input = provider::secretref::with_version(\"vault://kv/a#b\", \"1\")\n  \
             provisioner \"local-exec\" {{\n    command = \"true\"\n    environment = {{\n      DIGEST = sha256({values})\n    }}\n  }}\n}}\n"
        );
        text
    }

    fn row(name: &str, case: &mut Case) -> String {
        let written = match case.form {
            _ if case.size == 0 => "-",
            Form::Together => "one `secretref_values`",
            Form::Apart => "`secretref_value` each",
        };
        let cost = &mut case.cost;
        format!(
            "| `{name}` | {} | {written} | {} | {} | {:.2} s | {:.1} MiB |",
            case.size,
            cost.requests(),
            cost.wall(),
            cost.cpu_seconds(),
            cost.provider_mib(),
        )
    }
}
