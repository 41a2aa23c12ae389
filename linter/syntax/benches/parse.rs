//! Throughput on generated texts; on real ones `examples/corpus.rs` measures.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hcl_syntax::{parse, parse_json};

const RESOURCE: &str = r#"
# The database of one environment.
resource "aws_db_instance" "main" {
  count                  = var.enabled ? 1 : 0
  identifier             = "${var.prefix}-main"
  instance_class         = "db.t3.medium"
  username               = "admin"
  password               = random_password.main[0].result
  vpc_security_group_ids = [aws_security_group.main.id, var.extra]

  tags = merge(local.tags, {
    Name = "main"
    Team = "payments"
  })

  lifecycle {
    ignore_changes = [password]
  }
}
"#;

const POLICY: &str = r#"
data "aws_iam_policy_document" "x" {
  policy = <<-EOT
    {
      "Version": "2012-10-17",
      "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": "${aws_s3_bucket.x.arn}/*" }]
    }
  EOT
}
"#;

const JSON: &str = r#"{ "name": "x-${var.y}", "list": [1, 2.5, true, null], "text": "a\nb \"c\"" },
"#;

fn bench(c: &mut Criterion) {
    let texts = [
        ("resources", RESOURCE.repeat(2_000)),
        ("heredocs", POLICY.repeat(4_000)),
        ("nested brackets", format!("x = {}", "[".repeat(1_000_000))),
        ("damaged", format!("{}\nx = \"\n", RESOURCE.repeat(2_000))),
    ];
    let mut group = c.benchmark_group("parse");
    for (name, text) in &texts {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(*name, |b| b.iter(|| parse(text.as_str())));
    }
    let json = format!("[{}1]", JSON.repeat(10_000));
    group.throughput(Throughput::Bytes(json.len() as u64));
    group.bench_function("JSON", |b| b.iter(|| parse_json(json.as_str())));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
