//! A scripted client at the other end of the connection.

use std::thread::JoinHandle;
use std::time::Duration;

use lsp_server::{Connection, Message, Notification, Request, RequestId};
use serde_json::{Value, json};

use crate::serve_on;

const LEAKY: &str = "provider \"postgresql\" {\n  password = \"plum-Anchor-4471\" # 😀\n}\n";

struct Client {
    connection: Connection,
    server: JoinHandle<()>,
    folder: tempfile::TempDir,
    next: i32,
}

impl Client {
    fn start(files: &[(&str, &str)], encodings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let (server, connection) = Connection::memory();
        let server = std::thread::spawn(move || {
            serve_on(&server, &secretlint_rules::rules()).unwrap();
        });
        let mut client = Self {
            connection,
            server,
            folder,
            next: 0,
        };
        let root = client.uri("");
        let result = client.ask(
            "initialize",
            json!({
                "processId": null,
                "workspaceFolders": [{ "uri": root, "name": "x" }],
                "capabilities": { "general": { "positionEncodings": encodings } },
            }),
        );
        assert_eq!(result["capabilities"]["positionEncoding"], encodings[0]);
        client.tell("initialized", json!({}));
        client
    }

    fn uri(&self, path: &str) -> String {
        let path = self.folder.path().canonicalize().unwrap().join(path);
        let text = crate::convert::uri_of(&path).unwrap().as_str().to_owned();
        text.trim_end_matches('/').to_owned()
    }

    fn tell(&self, method: &str, params: Value) {
        let notification = Notification::new(method.to_owned(), params);
        self.connection.sender.send(notification.into()).unwrap();
    }

    fn receive(&self) -> Message {
        let wait = Duration::from_secs(60);
        self.connection.receiver.recv_timeout(wait).unwrap()
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = RequestId::from(self.next);
        let request = Request::new(id.clone(), method.to_owned(), params);
        self.connection.sender.send(request.into()).unwrap();
        loop {
            if let Message::Response(response) = self.receive() {
                assert_eq!(response.id, id);
                return serde_json::to_value(response).unwrap()["result"].clone();
            }
        }
    }

    /// The next diagnostics of a file; those of others are passed over.
    fn diagnostics(&self, path: &str) -> Vec<Value> {
        let uri = self.uri(path);
        loop {
            if let Message::Notification(told) = self.receive()
                && told.method == "textDocument/publishDiagnostics"
                && told.params["uri"] == uri
            {
                return told.params["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    fn open(&self, path: &str, text: &str) {
        let document =
            json!({ "uri": self.uri(path), "languageId": "terraform", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    fn change(&self, path: &str, change: &Value) {
        let document = json!({ "uri": self.uri(path), "version": 2 });
        let params = json!({ "textDocument": document, "contentChanges": [change] });
        self.tell("textDocument/didChange", params);
    }

    fn stop(mut self) {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        self.server.join().unwrap();
    }
}

fn rules(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics
        .iter()
        .map(|found| found["code"].as_str().unwrap())
        .collect()
}

#[test]
fn diagnostics_follow_open_change_and_close() {
    let client = Client::start(&[], &["utf-16"]);
    client.open("main.tf", LEAKY);
    let found = client.diagnostics("main.tf");
    assert_eq!(rules(&found), ["provider-static-credential"]);
    assert_eq!(found[0]["range"]["start"]["line"], 1);
    let page = found[0]["codeDescription"]["href"].as_str().unwrap();
    assert!(page.ends_with("docs/rules/provider-static-credential.md"));
    assert!(!found[0].to_string().contains("plum"), "{}", found[0]);

    let whole =
        json!({ "start": { "line": 1, "character": 13 }, "end": { "line": 1, "character": 31 } });
    client.change(
        "main.tf",
        &json!({ "range": whole, "text": "var.password" }),
    );
    assert_eq!(rules(&client.diagnostics("main.tf")), [""; 0]);

    client.change("main.tf", &json!({ "text": LEAKY }));
    assert_eq!(client.diagnostics("main.tf").len(), 1);
    let document = json!({ "uri": client.uri("main.tf") });
    client.tell("textDocument/didClose", json!({ "textDocument": document }));
    assert_eq!(client.diagnostics("main.tf").len(), 0);
    client.stop();
}

#[test]
fn columns_are_those_that_were_negotiated() {
    let text = "# x\nprovider \"postgresql\" { host = \"😀\", }\nprovider \"mysql\" {\n  /* 😀 */ password = \"plum-Anchor-4471\"\n}\n";
    for (encoding, column) in [("utf-16", 22), ("utf-8", 24)] {
        let client = Client::start(&[], &[encoding]);
        client.open("main.tf", text);
        let found = client.diagnostics("main.tf");
        let secret = found
            .iter()
            .find(|found| found["code"] == "provider-static-credential");
        assert_eq!(
            secret.unwrap()["range"]["start"]["character"],
            column,
            "{encoding}"
        );
        client.stop();
    }
}

#[test]
fn hover_and_actions_are_about_the_finding_at_the_cursor() {
    let mut client = Client::start(&[], &["utf-8"]);
    client.open("main.tf", LEAKY);
    let document = json!({ "uri": client.uri("main.tf") });
    let at = json!({ "line": 1, "character": 16 });
    let hover = client.ask(
        "textDocument/hover",
        json!({ "textDocument": document, "position": at }),
    );
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(
        text.contains("provider-static-credential") && !text.contains("plum"),
        "{text}"
    );
    let actions = client.ask(
        "textDocument/codeAction",
        json!({
            "textDocument": document,
            "range": { "start": at, "end": at },
            "context": { "diagnostics": [] },
        }),
    );
    let allow = actions.as_array().unwrap().last().unwrap();
    let edit = &allow["edit"]["changes"][client.uri("main.tf")][0];
    assert_eq!(
        edit["newText"],
        "  # secretlint: allow provider-static-credential reason=\"\"\n"
    );
    client.stop();
}

#[test]
fn unsaved_text_is_compared_with_other_files_on_disk() {
    let tfvars = "database_password = \"plum-Anchor-4471\"\n";
    let files = [("live/prod/terraform.tfvars", tfvars)];
    let client = Client::start(&files, &["utf-8"]);
    client.open("live/dev/terraform.tfvars", tfvars);
    let found = client.diagnostics("live/dev/terraform.tfvars");
    let shared = found
        .iter()
        .find(|found| found["code"] == "shared-secret-value")
        .unwrap_or_else(|| panic!("{found:#?}"));
    let other = &shared["relatedInformation"][0]["location"]["uri"];
    assert_eq!(*other, client.uri("live/prod/terraform.tfvars"));
    client.stop();
}

#[test]
fn settings_are_read_again_when_they_change() {
    let client = Client::start(&[], &["utf-8"]);
    client.open("main.tf", LEAKY);
    assert_eq!(client.diagnostics("main.tf").len(), 1);
    let config = client.folder.path().join("secretlint.toml");
    std::fs::write(config, "[rules]\ncredentials = \"off\"\n").unwrap();
    let change = json!({ "uri": client.uri("secretlint.toml"), "type": 1 });
    client.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [change] }),
    );
    assert_eq!(client.diagnostics("main.tf").len(), 0);
    client.stop();
}
