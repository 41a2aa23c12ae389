//! What needs no server: the order of logins, certificates, windows of time, errors. The whole is run against a
//! double in `tests/suites/stores_azure.rs`.

mod certificates;
mod logins;
mod versions;
