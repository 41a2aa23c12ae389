//! What references to a Vault or OpenBao add to a `terraform apply`: wall time, peak memory of the provider and
//! requests, with 1, 10 and 100 references, against the same apply without any.
//!
//! `cargo run --release -p e2e --bin vault-cost [ROUNDS]` prints a table. Each round runs every case once, so
//! that what else the machine does falls on all of them; medians are shown. Every reference is a path of its own,
//! so that none is saved by reading a path once.
#![expect(clippy::print_stdout, reason = "prints its table")]

use anyhow::Result;

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
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    use anyhow::{Context, Result, bail};
    use e2e::Sandbox;
    use e2e::processes::peak_provider_memory;
    use e2e::sandbox::Installation;
    use e2e::servers::{FaultProxy, OpenBao};
    use serde_json::json;

    /// How many references a case has.
    const SIZES: [usize; 4] = [0, 1, 10, 100];
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

    #[derive(Default)]
    struct Cost {
        wall: Vec<Duration>,
        memory_kib: Vec<u64>,
        requests: Vec<usize>,
    }

    pub(super) fn main() -> Result<()> {
        let rounds = match std::env::args().nth(1) {
            Some(text) => text.parse().context("ROUNDS is a number")?,
            None => ROUNDS,
        };
        let bao = OpenBao::dev()?;
        bao.admin().mount("kv", "kv", &json!({ "version": "2" }))?;
        for index in 0..100 {
            let secret = json!({ "data": { "v": format!("value-{index}") } });
            bao.admin().write(&format!("kv/data/s{index}"), &secret)?;
        }
        let cases: Vec<(Form, usize)> = [Form::Together, Form::Apart]
            .into_iter()
            .flat_map(|form| SIZES.map(|size| (form, size)))
            .filter(|case| *case != (Form::Apart, 0))
            .collect();
        let mut costs: Vec<Cost> = cases.iter().map(|_| Cost::default()).collect();
        for _ in 0..rounds {
            for ((form, size), cost) in cases.iter().zip(&mut costs) {
                measure(&bao, *form, *size, cost)?;
            }
        }
        println!(
            "| references | written as | wall, median [min-max] | provider peak RSS | requests |"
        );
        println!("|---|---|---|---|---|");
        for ((form, size), cost) in cases.iter().zip(&mut costs) {
            println!("{}", row(*form, *size, cost));
        }
        Ok(())
    }

    /// One apply of one case.
    fn measure(bao: &OpenBao, form: Form, size: usize, cost: &mut Cost) -> Result<()> {
        let proxy = FaultProxy::start(bao.address())?;
        let mut sandbox = Sandbox::new(Installation::DevOverrides)?;
        sandbox.set_env("VAULT_ADDR", &proxy.url());
        sandbox.set_env("VAULT_TOKEN", bao.root_token());
        sandbox.write("main.tf", &configuration(form, size))?;
        let arguments = ["apply", "-auto-approve", "-no-color", "-input=false"];
        let started = Instant::now();
        let mut child = sandbox
            .terraform_command(&sandbox.project(), &arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()?;
        let mut memory_kib = 0;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            memory_kib = memory_kib.max(peak_provider_memory(&sandbox));
            std::thread::sleep(Duration::from_millis(5));
        };
        cost.wall.push(started.elapsed());
        if !status.success() {
            bail!("terraform apply with {size} references failed: {status}");
        }
        cost.memory_kib.push(memory_kib);
        cost.requests.push(proxy.requests().len());
        Ok(())
    }

    /// The same consumer in all cases; what it gets is the digest of all values.
    fn configuration(form: Form, size: usize) -> String {
        let mut text = String::from(
            "terraform {\n  required_providers {\n    secretref = {\n      source = \"secretref/secretref\"\n    }\n  }\n}\n\n",
        );
        let mut values = "\"\"".to_owned();
        match form {
            _ if size == 0 => {}
            Form::Together => {
                text.push_str("ephemeral \"secretref_values\" \"x\" {\n  refs = {\n");
                for index in 0..size {
                    let _ = writeln!(text, "    s{index} = \"vault://kv/s{index}#v\"");
                }
                text.push_str("  }\n}\n");
                values = "join(\",\", values(ephemeral.secretref_values.x.values))".to_owned();
            }
            Form::Apart => {
                let _ = write!(
                    text,
                    "ephemeral \"secretref_value\" \"x\" {{\n  count = {size}\n  ref   = \"vault://kv/s${{count.index}}#v\"\n}}\n"
                );
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

    fn row(form: Form, size: usize, cost: &mut Cost) -> String {
        cost.wall.sort();
        cost.memory_kib.sort_unstable();
        cost.requests.sort_unstable();
        let middle = cost.wall.len() / 2;
        let written = match form {
            _ if size == 0 => "-",
            Form::Together => "one `secretref_values`",
            Form::Apart => "`secretref_value` each",
        };
        format!(
            "| {size} | {written} | {:.2} s [{:.2}-{:.2}] | {:.1} MiB | {} |",
            cost.wall[middle].as_secs_f64(),
            cost.wall[0].as_secs_f64(),
            cost.wall[cost.wall.len() - 1].as_secs_f64(),
            cost.memory_kib[middle] as f64 / 1024.0,
            cost.requests[middle],
        )
    }
}
