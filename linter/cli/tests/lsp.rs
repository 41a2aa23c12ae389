//! `secretlint lsp` as an editor starts it: a process, spoken to over standard input and output.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufReader, Read as _, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

fn send(out: &mut impl Write, message: &Value) {
    let text = message.to_string();
    write!(out, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
    out.flush().unwrap();
}

fn receive(input: &mut impl std::io::BufRead) -> Value {
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert_ne!(
            input.read_line(&mut line).unwrap(),
            0,
            "the server went away"
        );
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn an_editor_session_from_start_to_exit() {
    let folder = tempfile::tempdir().unwrap();
    let root = format!("file://{}", folder.path().display());
    let mut server = Command::new(env!("CARGO_BIN_EXE_secretlint"))
        .arg("lsp")
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = server.stdin.take().unwrap();
    let mut from = BufReader::new(server.stdout.take().unwrap());

    let params = json!({ "processId": null, "rootUri": root, "capabilities": {} });
    send(
        &mut to,
        &json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }),
    );
    assert_eq!(
        receive(&mut from)["result"]["serverInfo"]["name"],
        "secretlint"
    );
    send(
        &mut to,
        &json!({ "jsonrpc": "2.0", "method": "initialized", "params": {} }),
    );

    let uri = format!("{root}/main.tf");
    let text = "provider \"postgresql\" {\n  password = \"plum-Anchor-4471\"\n}\n";
    let document = json!({ "uri": uri, "languageId": "terraform", "version": 1, "text": text });
    let params = json!({ "textDocument": document });
    send(
        &mut to,
        &json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": params }),
    );
    let told = receive(&mut from);
    assert_eq!(told["method"], "textDocument/publishDiagnostics");
    assert_eq!(told["params"]["uri"], uri);
    assert_eq!(
        told["params"]["diagnostics"][0]["code"],
        "provider-static-credential"
    );
    assert!(!told.to_string().contains("plum-Anchor"));

    send(
        &mut to,
        &json!({ "jsonrpc": "2.0", "id": 2, "method": "shutdown" }),
    );
    assert_eq!(receive(&mut from)["id"], 2);
    send(&mut to, &json!({ "jsonrpc": "2.0", "method": "exit" }));
    drop(to);
    assert!(server.wait().unwrap().success());
    let mut noise = String::new();
    server
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut noise)
        .unwrap();
    assert_eq!(noise, "");
}
