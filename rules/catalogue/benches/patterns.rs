//! Throughput of the shipped patterns: on text made for the purpose, and on the real files below
//! the folder that `CORPUS` names.

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use secretlint_rules::patterns::{builtin, expand_example};

/// A plain module of about one megabyte with one secret in every 500 blocks.
fn generated() -> Vec<String> {
    let mut text = String::new();
    for block in 0..5000 {
        let _ = write!(
            text,
            "resource \"aws_instance\" \"node_{block}\" {{\n  ami           = data.aws_ami.main.id\n  \
             instance_type = var.instance_type\n  user_data     = templatefile(\"init.sh\", {{ url = \
             \"https://acme.io/{block}\" }})\n}}\n\n"
        );
        if block % 500 == 0 {
            let line = format!("token_{block} = \"ghp_{{{{base62 30}}}}{{{{crc32}}}}\"\n");
            text.push_str(&expand_example(&line).unwrap_or_default());
        }
    }
    vec![text]
}

fn read(folder: &Path, texts: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            read(&path, texts);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            texts.push(text);
        }
    }
}

fn measure(criterion: &mut Criterion, name: &str, texts: &[String]) {
    let bytes: usize = texts.iter().map(String::len).sum();
    let mut group = criterion.benchmark_group("patterns");
    group
        .throughput(Throughput::Bytes(bytes as u64))
        .sample_size(10);
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            texts
                .iter()
                .map(|text| builtin().scan(black_box(text)).len())
                .sum::<usize>()
        });
    });
    group.finish();
}

fn patterns(criterion: &mut Criterion) {
    measure(criterion, "generated", &generated());
    #[expect(clippy::disallowed_methods, reason = "the one input of this benchmark")]
    if let Ok(folder) = std::env::var("CORPUS") {
        let mut texts = Vec::new();
        read(Path::new(&folder), &mut texts);
        measure(criterion, "corpus", &texts);
    }
}

criterion_group!(benches, patterns);
criterion_main!(benches);
