//! 1Password. The official Python SDK for Connect is the judge of the double; for the `op` program there is only
//! a script that behaves as documented.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;

use e2e::python::{self, Scope};
use e2e::servers::OnePassword;
use secret_stores::conformance::{Fixture, Sample, conformance, hardship};
use secret_stores::{ErrorKind, FetchOptions, Settings, Stores};
use secret_value::Secret;
use serde_json::{Value, json};

use super::bench::{
    CANARY, Right, Trouble, block_on, open, reference, refused, run, stores, text, with_block,
};

/// The double with one vault and one item.
struct Connect {
    server: OnePassword,
    vault: String,
    item: String,
}

fn login_item(file: &str) -> Value {
    json!({
        "sections": [{ "id": "sec1", "label": "Replica" }, { "id": "empty" }],
        "fields": [
            { "id": "username", "type": "STRING", "purpose": "USERNAME", "label": "username", "value": "ana" },
            { "id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "label": "password", "value": CANARY },
            { "id": "f3", "type": "CONCEALED", "label": "password", "value": "replica", "section": { "id": "sec1" } },
            { "id": "f4", "type": "STRING", "label": "port", "value": "5432", "section": { "id": "sec1" } },
            { "id": "f5", "type": "OTP", "label": "one-time password", "value": "otpauth://totp/x?secret=ABC", "totp": "123456" },
            { "id": "f6", "type": "STRING", "label": "twice", "value": "1", "section": { "id": "sec1" } },
            { "id": "f7", "type": "STRING", "label": "twice", "value": "2", "section": { "id": "empty" } },
            { "id": "f8", "type": "STRING", "label": "left empty" },
        ],
        "files": [{ "id": file, "name": "key.bin", "size": 4, "content_path": "/v1/x" }],
    })
}

fn double() -> Connect {
    let server = OnePassword::start(None).unwrap();
    let vault = server.vault("CI");
    let file = server.file(&[0, 1, 0xfe, 0xff]);
    let item = server.item(&vault, "database", login_item(&file));
    Connect {
        server,
        vault,
        item,
    }
}

fn build(url: &str, token: &str) -> Stores {
    let settings = Settings::new().with("address", url);
    with_block(&[("OP_CONNECT_TOKEN", token)], "onepassword", settings)
}

impl Connect {
    fn stores(&self) -> Stores {
        build(&self.server.url(), &self.server.token(&[&self.vault]))
    }
}

#[test]
fn the_store_conforms_and_meets_trouble() {
    let connect = double();
    // Whoever may not see a vault does not find it by its name either, so the refusal needs ids.
    let place = format!("op://{}/{}", connect.vault, connect.item);
    let present = reference(&format!("{place}/password"));
    let fixture = Fixture {
        store: connect.stores().store(&present).unwrap(),
        present: present.clone(),
        value: text(CANARY),
        missing: reference(&format!("{place}/none")),
        free: None,
    };
    block_on(conformance(&fixture)).unwrap();
    let Connect { server, vault, .. } = &connect;
    let trouble = Trouble {
        url: server.url(),
        present,
        build: Box::new(|url, right| match right {
            Right::Full => Some(build(url, &server.token(&[vault]))),
            Right::Nothing => Some(build(url, &server.token(&[]))),
            // 1Password does not tell the two apart.
            Right::MetadataOnly => None,
        }),
        put: Box::new(|sample| {
            let title = format!("sample {sample:?}");
            let content = match (sample, String::from_utf8(sample.content())) {
                (Sample::Binary, _) | (_, Err(_)) => {
                    let file = server.file(&sample.content());
                    json!({ "files": [{ "id": file, "name": "x", "size": 6 }] })
                }
                (_, Ok(value)) => {
                    json!({ "fields": [{ "id": "x", "label": "x", "value": value }] })
                }
            };
            let item = server.item(vault, &title, content);
            Some(reference(&format!("op://{vault}/{item}/x")))
        }),
        skewed: None,
        proxies: Mutex::default(),
    };
    block_on(hardship(&fixture, &trouble)).unwrap();
}

#[test]
fn names_ids_sections_files_and_one_time_passwords_are_found() {
    let connect = double();
    let stores = connect.stores();
    for (place, expected) in [
        ("op://CI/database/password", CANARY),
        ("op://ci/DATABASE/Password", CANARY),
        ("op://CI/database/Replica/password", "replica"),
        ("op://CI/database/sec1/f3", "replica"),
        ("op://CI/database/port", "5432"),
        ("op://CI/database/one-time%20password#code", "123456"),
        (
            "op://CI/database/one-time%20password#uri",
            "otpauth://totp/x?secret=ABC",
        ),
        ("op://CI/database/left%20empty", ""),
    ] {
        assert_eq!(open(&stores, place).unwrap(), text(expected), "{place}");
    }
    let bytes = open(&stores, "op://CI/database/key.bin").unwrap();
    assert_eq!(bytes, Secret::new(vec![0, 1, 0xfe, 0xff]));
    let facts = block_on(stores.metadata(&reference("op://CI/database/password"))).unwrap();
    assert_eq!(facts.number, Some(3));
    assert_eq!(facts.updated.unwrap().to_string(), "2024-02-03T04:05:06Z");
}

#[test]
fn refusals_say_what_is_missing() {
    let connect = double();
    let stores_of_all = connect.stores();
    for (place, kind, word) in [
        (
            "op://CI/database/pasword",
            ErrorKind::NotFound,
            "did you mean `password`",
        ),
        (
            "op://CI/database/Replika/password",
            ErrorKind::NotFound,
            "did you mean `Replica`",
        ),
        (
            "op://CI/datenbank/password",
            ErrorKind::NotFound,
            "item `datenbank`",
        ),
        (
            "op://Prod/database/password",
            ErrorKind::NotFound,
            "vault `Prod`",
        ),
        (
            "op://CI/database/twice",
            ErrorKind::InvalidReference,
            "several fields",
        ),
        (
            "op://CI/database/one-time%20password",
            ErrorKind::InvalidReference,
            "`code`",
        ),
        (
            "op://CI/a%22b/password",
            ErrorKind::InvalidReference,
            "cannot be looked up",
        ),
    ] {
        refused(open(&stores_of_all, place), kind, &[word]);
    }
    let _ = connect.server.item(&connect.vault, "database", json!({}));
    let error = open(&stores_of_all, "op://CI/database/password");
    refused(
        error,
        ErrorKind::InvalidReference,
        &["several items `database`"],
    );
    let bad = build(&connect.server.url(), "wrong");
    refused(
        open(&bad, "op://CI/database/password"),
        ErrorKind::PermissionDenied,
        &["login"],
    );
    let nowhere = open(
        &stores(&[("OP_SERVICE_ACCOUNT_TOKEN", "x")]),
        "op://CI/database/password",
    );
    refused(
        nowhere,
        ErrorKind::Config,
        &["OP_CONNECT_HOST", "cli = true"],
    );
    connect.server.limit(Some(0));
    let error = open(&stores_of_all, "op://CI/database/password");
    refused(error, ErrorKind::Throttled, &["slow down"]);
}

#[test]
fn several_fields_of_an_item_are_one_read() {
    let connect = double();
    let stores = connect.stores();
    let wanted: Vec<_> = ["password", "username", "Replica/port", "none"]
        .map(|field| reference(&format!("op://CI/database/{field}")))
        .into();
    let _ = connect.server.count();
    let answers = block_on(stores.open_many(&wanted, &FetchOptions::default()));
    assert_eq!(
        connect.server.count(),
        3,
        "the vault, the item by title, the item"
    );
    assert!(answers[..3].iter().all(Result::is_ok));
    assert_eq!(answers[3].as_ref().unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn the_program_op_is_run_only_where_the_block_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("op");
    // As documented: the token in the environment, names in the arguments, errors on standard error.
    let program = format!(
        "#!/bin/sh\necho \"$@\" >> {0}/arguments\n\
         [ \"$OP_SERVICE_ACCOUNT_TOKEN\" = ops_good ] || {{ echo '[ERROR] Signin credentials are not compatible' >&2; exit 1; }}\n\
         case \"$*\" in\n\
         'item get --vault CI --format json -- database') cat {0}/item.json;;\n\
         'read --no-newline -- op://CI/database/key.bin') printf 'content';;\n\
         *) echo '[ERROR] \"x\" isn'\"'\"'t an item in the \"CI\" vault.' >&2; exit 1;;\nesac\n",
        folder.path().display()
    );
    std::fs::write(&script, program).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut item = login_item("file1");
    for (name, value) in [
        ("id", json!("itemid")),
        ("title", json!("database")),
        ("vault", json!({ "id": "v", "name": "CI" })),
        ("version", json!(7)),
        ("updated_at", json!("2024-02-03T04:05:06Z")),
    ] {
        item[name] = value;
    }
    std::fs::write(folder.path().join("item.json"), item.to_string()).unwrap();
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var_os("PATH").unwrap().display()
    );
    let build = |token: &str| {
        let variables = [("PATH", path.as_str()), ("OP_SERVICE_ACCOUNT_TOKEN", token)];
        with_block(&variables, "onepassword", Settings::new().with("cli", true))
    };
    let answer = open(&build("ops_good"), "op://CI/database/password");
    assert_eq!(answer.unwrap(), text(CANARY));
    let file = open(&build("ops_good"), "op://CI/database/key.bin").unwrap();
    assert_eq!(file, text("content"));
    refused(
        open(&build("ops_good"), "op://CI/other/x"),
        ErrorKind::NotFound,
        &["no such vault or item"],
    );
    refused(
        open(&build("ops_bad"), "op://CI/database/x"),
        ErrorKind::PermissionDenied,
        &["service account"],
    );
    let arguments = std::fs::read_to_string(folder.path().join("arguments")).unwrap();
    assert!(!arguments.contains("ops_good"), "{arguments}");
}

#[test]
fn the_official_sdk_takes_the_double_for_a_connect_server() {
    let connect = double();
    let package =
        python::package("onepasswordconnectsdk", "2.1.1", Scope::WithDependencies).unwrap();
    let program = "\
import json, sys
from onepasswordconnectsdk.client import new_client
client = new_client(sys.argv[1], sys.argv[2])
vault = client.get_vault_by_title('CI')
item = client.get_item('database', vault.id)
print(json.dumps({
    'vault': vault.id, 'item': item.id, 'version': item.version,
    'fields': {field.id: field.value for field in item.fields},
}))
";
    let token = connect.server.token(&[&connect.vault]);
    let mut command = python::python(program, Some(&package));
    let printed = run(command.args([connect.server.url(), token]));
    let seen: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(seen["vault"], connect.vault);
    assert_eq!(seen["item"], connect.item);
    assert_eq!(seen["fields"]["password"], CANARY);
}
