//! Throughput of the shipped patterns.
fn main() {}
