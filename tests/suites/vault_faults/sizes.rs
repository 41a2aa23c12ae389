//! Secrets that are larger than anybody expected.

use std::time::Duration;

use e2e::Canary;
use e2e::leak::sha256;
use serde_json::{Map, Value, json};

use super::stage::{Dev, consumer, within};

/// The digest of the value, which is too long for a variable of a process.
fn digest_consumer(reference: &str) -> String {
    format!(
        "ephemeral \"secretref_value\" \"x\" {{\n  ref      = \"{reference}\"\n  applying = terraform.applying\n}}\n\n{}",
        consumer(&[("digest", "sha256(ephemeral.secretref_value.x.value)")])
    )
}

#[test]
fn ten_megabytes_arrive_whole_or_are_refused_by_name() {
    let dev = Dev::new();
    let canary = Canary::random();
    let value = format!("{}{}", canary.value(), "x".repeat(10 << 20));
    dev.admin()
        .write("kv1/large", &json!({ "v": value }))
        .unwrap();
    dev.stage.configure(&digest_consumer("vault://kv1/large#v"));
    let outcome = within(Duration::from_secs(120), || dev.stage.terraform(&["apply"]));
    let said = super::stage::unframed(&outcome.text());
    if outcome.status.success() {
        assert_eq!(dev.stage.received("digest"), sha256(value.as_bytes()));
    } else {
        assert!(said.contains("too large") || said.contains("MiB"), "{said}");
        assert!(said.contains("vault://kv1/large"), "{said}");
    }
    dev.stage.assert_no_leak(&canary, &[&said]);
    dev.nothing_left();
}

#[test]
fn five_thousand_keys_of_one_secret_are_one_read() {
    let dev = Dev::new();
    let canary = Canary::random();
    // A server takes about a thousand texts with one request, and keeps more.
    let admin = dev.admin();
    admin
        .write("kv/data/wide", &json!({ "data": { "k": "" } }))
        .unwrap();
    for part in 0..25 {
        let data: Map<String, Value> = (part * 200..(part + 1) * 200)
            .map(|index| {
                (
                    format!("k{index}"),
                    format!("{}-{index}", canary.value()).into(),
                )
            })
            .collect();
        admin
            .merge("kv/data/wide", &json!({ "data": data }))
            .unwrap();
    }
    let refs: String = (0..5000)
        .map(|index| format!("    k{index} = \"vault://kv/wide#k{index}\"\n"))
        .collect();
    dev.stage.configure(&format!(
        "ephemeral \"secretref_values\" \"all\" {{\n  refs = {{\n{refs}  }}\n  applying = terraform.applying\n}}\n\n{}",
        consumer(&[
            ("last", "ephemeral.secretref_values.all.values.k4999"),
            ("count", "length(ephemeral.secretref_values.all.values)"),
        ])
    ));
    let applied = within(Duration::from_secs(120), || dev.stage.apply());
    assert_eq!(dev.stage.received("count"), "5000");
    assert_eq!(
        dev.stage.received("last"),
        format!("{}-4999", canary.value())
    );
    assert_eq!(dev.proxy.count("GET", "/v1/kv/data/wide"), 1);
    dev.stage.assert_no_leak(&canary, &[&applied.text()]);
    dev.nothing_left();
}
