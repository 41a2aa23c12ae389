//! From a keystroke to its diagnostics, over the protocol, in a workspace of 1,000 modules that call
//! each other.

#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use lsp_server::{Connection, Message, Notification, Request, RequestId};
use serde_json::{Value, json};

const MODULES: usize = 1000;

/// Three files a module: resources, variables, values.
fn write_workspace(root: &Path) {
    for n in 0..MODULES {
        let folder = root.join(format!("live/{}/m{n}", ["dev", "prod"][n % 2]));
        std::fs::create_dir_all(&folder).unwrap();
        let mut main = format!(
            "module \"next\" {{\n  source = \"../m{}\"\n  password = var.password\n}}\n",
            (n + 2) % MODULES
        );
        for k in 0..10 {
            write!(
                main,
                "resource \"aws_db_instance\" \"db{k}\" {{\n  identifier = \"db-{n}-{k}\"\n  \
                 password = var.password\n  tags = {{\n    Name = \"db-{k}\"\n  }}\n}}\n"
            )
            .unwrap();
        }
        std::fs::write(folder.join("main.tf"), main).unwrap();
        let variables = "variable \"password\" {\n  type = string\n  sensitive = true\n}\n";
        std::fs::write(folder.join("variables.tf"), variables).unwrap();
        let values = format!("password = \"value-Anchor-{n}\"\n");
        std::fs::write(folder.join("terraform.tfvars"), values).unwrap();
    }
}

fn tell(client: &Connection, method: &str, params: Value) {
    let notification = Notification::new(method.to_owned(), params);
    client.sender.send(notification.into()).unwrap();
}

fn published(client: &Connection) -> Value {
    loop {
        if let Message::Notification(told) = client.receiver.recv().unwrap()
            && told.method == "textDocument/publishDiagnostics"
        {
            return told.params;
        }
    }
}

fn edit(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    write_workspace(&root);
    let (server, client) = Connection::memory();
    let server = std::thread::spawn(move || {
        secretlint_lsp::serve_on(&server, &secretlint_rules::rules()).unwrap();
    });
    let uri = |path: &str| format!("file://{}/{path}", root.display());
    let params = json!({
        "processId": null, "capabilities": {},
        "workspaceFolders": [{ "uri": uri(""), "name": "x" }],
    });
    let request = Request::new(RequestId::from(1), "initialize".to_owned(), params);
    client.sender.send(request.into()).unwrap();
    client.receiver.recv().unwrap();
    tell(&client, "initialized", json!({}));
    let document = uri("live/prod/m501/main.tf");
    let text = std::fs::read_to_string(root.join("live/prod/m501/main.tf")).unwrap();
    let item = json!({ "uri": document, "languageId": "terraform", "version": 0, "text": text });
    tell(
        &client,
        "textDocument/didOpen",
        json!({ "textDocument": item }),
    );
    published(&client);

    let mut version = 0;
    let mut group = criterion.benchmark_group("lsp");
    group.sample_size(50);
    group.bench_function("one edit in 1,000 modules", |bencher| {
        bencher.iter(|| {
            version += 1;
            let at = json!({ "line": 6, "character": 17 });
            let change = json!({ "range": { "start": at, "end": at }, "text": "x" });
            let params = json!({
                "textDocument": { "uri": document, "version": version },
                "contentChanges": [change],
            });
            tell(&client, "textDocument/didChange", params);
            published(&client)
        });
    });
    group.finish();
    let request = Request::new(RequestId::from(2), "shutdown".to_owned(), Value::Null);
    client.sender.send(request.into()).unwrap();
    tell(&client, "exit", Value::Null);
    server.join().unwrap();
}

criterion_group!(benches, edit);
criterion_main!(benches);
