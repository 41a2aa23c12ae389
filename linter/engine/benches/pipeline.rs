//! The whole pipeline over a generated tree in memory: no disk, so only our own work is timed.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::civil::date;
use secretlint_core::Rule;
use secretlint_engine::{Config, Input, TextInput, lint};
use secretlint_rules::patterns::builtin_rule;

/// Modules that call each other, with the usual mix of blocks, heredocs and maps.
fn tree(modules: usize) -> Vec<TextInput> {
    let module = |n: usize| {
        let mut text = format!(
            "module \"next\" {{\n  source   = \"../m{}\"\n  password = var.password\n}}\n\
             variable \"password\" {{\n  type      = string\n  sensitive = true\n}}\n",
            (n + 1) % modules
        );
        for k in 0..12 {
            let written = write!(
                text,
                "resource \"aws_db_instance\" \"db{k}\" {{\n  identifier = \"db-{n}-{k}\"\n  \
                 password   = var.password\n  tags = {{\n    Name = \"db-{k}\"\n    Team = local.team\n  }}\n  \
                 user_data = <<-EOT\n    #!/bin/sh\n    export URL=https://example.com/{k}\n  EOT\n}}\n"
            );
            debug_assert!(written.is_ok());
        }
        TextInput {
            path: format!("m{n}/main.tf"),
            text,
        }
    };
    (0..modules).map(module).collect()
}

fn pipeline(criterion: &mut Criterion) {
    let texts = tree(500);
    let bytes = texts.iter().map(|text| text.text.len() as u64).sum();
    let input = Input {
        root: Path::new("/tree"),
        paths: &[],
        texts: &texts,
        only: None,
    };
    let config = Config::new(date(2026, 1, 1));
    let mut group = criterion.benchmark_group("lint");
    group.throughput(Throughput::Bytes(bytes)).sample_size(20);
    group.bench_function("facts and judgement", |bencher| {
        bencher.iter(|| black_box(lint(&input, &[], &config)));
    });
    let rules: [&dyn Rule; 1] = [builtin_rule()];
    group.bench_function("with credential patterns", |bencher| {
        bencher.iter(|| black_box(lint(&input, &rules, &config)));
    });
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
