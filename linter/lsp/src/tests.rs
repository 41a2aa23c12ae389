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
    /// A client that is sent diagnostics.
    fn start(files: &[(&str, &str)], encodings: &[&str]) -> Self {
        let capabilities = json!({ "general": { "positionEncodings": encodings } });
        let (client, result) = Self::start_with(files, &capabilities);
        assert_eq!(result["capabilities"]["positionEncoding"], encodings[0]);
        assert_eq!(result["capabilities"]["diagnosticProvider"], Value::Null);
        client
    }

    /// A client that asks for diagnostics.
    fn start_pulling(files: &[(&str, &str)]) -> Self {
        let capabilities = json!({
            "general": { "positionEncodings": ["utf-8"] },
            "textDocument": { "diagnostic": { "dynamicRegistration": false } },
            "workspace": { "diagnostics": { "refreshSupport": true } },
        });
        let (client, result) = Self::start_with(files, &capabilities);
        let provider = &result["capabilities"]["diagnosticProvider"];
        assert_eq!(provider["interFileDependencies"], true);
        assert_eq!(provider["workspaceDiagnostics"], true);
        client
    }

    fn start_with(files: &[(&str, &str)], capabilities: &Value) -> (Self, Value) {
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
                "capabilities": capabilities,
            }),
        );
        client.tell("initialized", json!({}));
        (client, result)
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

    fn request(&mut self, method: &str, params: Value) -> RequestId {
        self.next += 1;
        let id = RequestId::from(self.next);
        let request = Request::new(id.clone(), method.to_owned(), params);
        self.connection.sender.send(request.into()).unwrap();
        id
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        self.response(&id)["result"].clone()
    }

    /// The answer to a request; no other may come before it.
    fn response(&self, id: &RequestId) -> Value {
        loop {
            if let Message::Response(response) = self.receive() {
                assert_eq!(response.id, *id);
                return serde_json::to_value(response).unwrap();
            }
        }
    }

    /// Asks for the diagnostics of a file.
    fn pull(&mut self, path: &str, previous: Option<&str>) -> Value {
        let params =
            json!({ "textDocument": { "uri": self.uri(path) }, "previousResultId": previous });
        self.ask("textDocument/diagnostic", params)
    }

    /// Nothing is said for a while.
    fn assert_silent(&self) {
        let wait = Duration::from_millis(700);
        let said = self.connection.receiver.recv_timeout(wait);
        assert!(said.is_err(), "{said:?}");
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

#[test]
fn a_client_that_asks_is_answered_and_not_sent_anything() {
    let mut client = Client::start_pulling(&[]);
    client.open("main.tf", LEAKY);
    client.assert_silent();
    let report = client.pull("main.tf", None);
    assert_eq!(report["kind"], "full");
    assert_eq!(
        rules(report["items"].as_array().unwrap()),
        ["provider-static-credential"]
    );
    assert!(!report.to_string().contains("plum"), "{report}");
    let id = report["resultId"].as_str().unwrap().to_owned();
    assert_eq!(client.pull("main.tf", Some(&id))["kind"], "unchanged");
    client.change("main.tf", &json!({ "text": "locals {}\n" }));
    let report = client.pull("main.tf", Some(&id));
    assert_eq!(report["kind"], "full");
    assert_eq!(report["items"], json!([]));
    client.stop();
}

#[test]
fn files_that_are_not_open_can_be_asked_for() {
    let mut client = Client::start_pulling(&[("closed.tf", LEAKY)]);
    let report = client.pull("closed.tf", None);
    assert_eq!(
        rules(report["items"].as_array().unwrap()),
        ["provider-static-credential"]
    );
    assert_eq!(client.pull("no-such.tf", None)["items"], json!([]));
    client.stop();
}

#[test]
fn a_client_is_asked_to_pull_again_when_another_file_is_concerned() {
    // A secret that two environments share is reported at the first of its places.
    let tfvars = "database_password = \"plum-Anchor-4471\"\n";
    let mut client = Client::start_pulling(&[]);
    client.open("live/dev/terraform.tfvars", tfvars);
    client.open("live/prod/terraform.tfvars", "\n");
    let before = client.pull("live/dev/terraform.tfvars", None);
    client.change("live/prod/terraform.tfvars", &json!({ "text": tfvars }));
    let Message::Request(asked) = client.receive() else {
        panic!("not asked")
    };
    assert_eq!(asked.method, "workspace/diagnostic/refresh");
    let id = before["resultId"].as_str();
    let after = client.pull("live/dev/terraform.tfvars", id);
    let found = rules(after["items"].as_array().unwrap()).join(" ");
    assert!(found.contains("shared-secret-value"), "{after:#}");
    client.stop();
}

/// What a client says it has: the results of an earlier answer.
fn previous(report: &Value) -> Vec<Value> {
    let items = report["items"].as_array().unwrap().iter();
    items
        .map(|item| json!({ "uri": item["uri"], "value": item["resultId"] }))
        .collect()
}

#[test]
fn the_whole_workspace_can_be_asked_for_and_waits_for_news() {
    let mut client = Client::start_pulling(&[("a/main.tf", LEAKY), ("b/main.tf", "locals {}\n")]);
    let report = client.ask("workspace/diagnostic", json!({ "previousResultIds": [] }));
    assert_eq!(report["items"].as_array().unwrap().len(), 1, "{report:#}");
    assert_eq!(report["items"][0]["uri"], client.uri("a/main.tf"));
    assert_eq!(report["items"][0]["version"], Value::Null);

    let params = json!({ "previousResultIds": previous(&report) });
    let held = client.request("workspace/diagnostic", params.clone());
    client.assert_silent();
    client.open("b/main.tf", LEAKY);
    let news = client.response(&held)["result"].clone();
    let kinds: Vec<_> = news["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["kind"])
        .collect();
    assert_eq!(kinds, ["unchanged", "full"], "{news:#}");

    let params = json!({ "previousResultIds": previous(&news) });
    let held = client.request("workspace/diagnostic", params.clone());
    client.tell("$/cancelRequest", json!({ "id": client.next }));
    assert_eq!(client.response(&held)["error"]["code"], -32800);

    // A new request and the end of the session let the old one go.
    let old = client.request("workspace/diagnostic", params.clone());
    let new = client.request("workspace/diagnostic", params);
    assert_eq!(client.response(&old)["result"]["items"], json!([]));
    let stop = client.request("shutdown", Value::Null);
    assert_eq!(client.response(&new)["result"]["items"], json!([]));
    client.response(&stop);
    client.tell("exit", Value::Null);
    client.server.join().unwrap();
}

#[test]
fn an_edit_does_not_read_other_files_again() {
    let tfvars = "database_password = \"plum-Anchor-4471\"\n";
    let files = [("live/prod/terraform.tfvars", tfvars)];
    let client = Client::start(&files, &["utf-8"]);
    client.open("live/dev/terraform.tfvars", "\n");
    assert_eq!(client.diagnostics("live/dev/terraform.tfvars").len(), 0);
    // Nobody tells the server: what it read is still what it compares with.
    std::fs::write(client.folder.path().join(files[0].0), "").unwrap();
    client.change("live/dev/terraform.tfvars", &json!({ "text": tfvars }));
    let shared = |found: &[Value]| rules(found).contains(&"shared-secret-value");
    assert!(shared(&client.diagnostics("live/dev/terraform.tfvars")));
    // Once told, it reads that file.
    let change = json!({ "uri": client.uri(files[0].0), "type": 2 });
    client.tell(
        "workspace/didChangeWatchedFiles",
        json!({ "changes": [change] }),
    );
    assert!(!shared(&client.diagnostics("live/dev/terraform.tfvars")));
    client.stop();
}

#[test]
fn a_document_is_not_published_again_when_nothing_about_it_changed() {
    let client = Client::start(&[], &["utf-8"]);
    client.open("a/main.tf", LEAKY);
    assert_eq!(client.diagnostics("a/main.tf").len(), 1);
    client.open("b/main.tf", "locals {}\n");
    let Message::Notification(told) = client.receive() else {
        panic!("no notification")
    };
    assert_eq!(told.params["uri"], client.uri("b/main.tf"));
    client.assert_silent();
    client.stop();
}
