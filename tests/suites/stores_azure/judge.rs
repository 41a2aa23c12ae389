//! The official Python clients are the judges of the doubles.

use e2e::python::{self, Scope};
use e2e::servers::{
    Algorithm, Authority, Azure, KeyVault, Material, OidcIssuer, VAULT_TENANT, VaultRole,
};
use serde_json::{Value, json};

use super::*;

const PROGRAM: &str = "\
import json, sys
from azure.identity import CertificateCredential, ClientSecretCredential, WorkloadIdentityCredential
from azure.keyvault.secrets import SecretClient
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
authority, vault, ca, tenant, client, secret, certificate, token = sys.argv[1:]
common = dict(authority=authority, disable_instance_discovery=True, connection_verify=ca)
logins = [
    ClientSecretCredential(tenant, client, secret, **common),
    CertificateCredential(tenant, client, certificate, **common),
    WorkloadIdentityCredential(tenant_id=tenant, client_id=client, token_file_path=token, **common),
]
seen = {'values': []}
for login in logins:
    secrets = SecretClient(vault, login, connection_verify=ca, verify_challenge_resource=False, retry_total=0)
    seen['values'].append(secrets.get_secret('db').value)
made = secrets.set_secret('made', 'three', content_type='text/plain', tags={'a': 'b'})
seen['made'] = [made.name, made.properties.content_type, made.properties.tags]
seen['versions'] = sorted(p.version for p in secrets.list_properties_of_secret_versions('paged'))
seen['old'] = secrets.get_secret('paged', seen['versions'][0]).value
def trouble(call):
    try:
        call()
    except ResourceNotFoundError as error:
        return ['missing', error.status_code, error.error.code]
    except HttpResponseError as error:
        inner = error.error.innererror or {}
        return ['refused', error.status_code, error.error.code, inner.get('code')]
seen['missing'] = trouble(lambda: secrets.get_secret('none'))
seen['disabled'] = trouble(lambda: secrets.get_secret('off'))
secrets.begin_delete_secret('made').wait()
seen['held'] = trouble(lambda: secrets.set_secret('made', 'four'))
print(json.dumps(seen))
";

#[test]
fn the_official_clients_take_the_doubles_for_azure() {
    let authority = Authority::new("azure").unwrap();
    let certificate = authority.server_certificate().unwrap();
    let azure = Azure::start(Some(&certificate)).unwrap();
    let vault = KeyVault::start(&azure, Some(&certificate)).unwrap();
    let client = azure.application();
    vault.allow(&client, VaultRole::Officer);
    vault.set("db", CANARY);
    vault.set_page(2);
    for number in 0..5 {
        vault.set("paged", &format!("{number}"));
    }
    vault.set("off", CANARY);
    vault.disable("off");
    let folder = tempfile::tempdir().unwrap();
    let material = Material::new().unwrap();
    azure.register(&client, &material).unwrap();
    let issuer = OidcIssuer::start(Algorithm::Rs256).unwrap();
    azure.trust(&client, &issuer, "ci", "api://AzureADTokenExchange");
    let token = issuer
        .token("api://AzureADTokenExchange", &json!({ "sub": "ci" }))
        .unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let identity = python::package("azure-identity", "1.27.0", Scope::WithDependencies).unwrap();
    let secrets =
        python::package("azure-keyvault-secrets", "4.12.0", Scope::WithDependencies).unwrap();
    let packages = std::env::join_paths([secrets, identity]).unwrap();
    let mut command = python::python(PROGRAM, Some(packages.as_ref()));
    let arguments = [
        azure.url(),
        vault.url(),
        authority
            .write(folder.path())
            .unwrap()
            .display()
            .to_string(),
        VAULT_TENANT.to_owned(),
        client.clone(),
        azure.secret(&client, false),
        write("app.pem", &material.pem()),
        write("token", &token),
    ];
    let seen: Value = serde_json::from_str(&run(command.args(arguments))).unwrap();
    assert_eq!(seen["values"], json!([CANARY, CANARY, CANARY]));
    assert_eq!(seen["made"], json!(["made", "text/plain", { "a": "b" }]));
    assert_eq!(seen["versions"].as_array().unwrap().len(), 5);
    assert!(seen["old"].as_str().unwrap().parse::<u8>().unwrap() < 5);
    assert_eq!(seen["missing"], json!(["missing", 404, "SecretNotFound"]));
    assert_eq!(
        seen["disabled"],
        json!(["refused", 403, "Forbidden", "SecretDisabled"])
    );
    assert_eq!(
        seen["held"],
        json!(["refused", 409, "Conflict", "ObjectIsDeletedButRecoverable"])
    );
}
