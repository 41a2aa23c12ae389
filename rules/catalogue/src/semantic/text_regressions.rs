//! Secrets in texts inside configuration that were missed on real configurations, and what looks like them:
//! the smallest text that shows it, and the rules that must speak, in order.

use super::tests::check;

fn reports(fixture: &str) -> Vec<String> {
    let mut rules: Vec<_> = check(fixture)
        .iter()
        .map(|finding| finding.rule.to_string())
        .collect();
    rules.sort();
    rules
}

#[test]
fn documents_in_a_place_of_secrets_are_looked_into() {
    let version = |text: &str| {
        format!(
            "resource \"aws_secretsmanager_secret_version\" \"v\" {{\n  secret_string = {text}\n}}\n"
        )
    };
    let both = ["encoded-secret", "persisted-secret-argument"];
    for text in [
        "<<EOF\n{ \"username\": \"root\",\n  \"password\": \"Zebra991\" }\nEOF",
        "<<EOF\n{ \"username\": \"root\", \"password\": \"zebrafish\" }\nEOF",
        "<<EOF\nDB_USER=root\nDB_PASSWORD=zebrafish\nEOF",
        "\"{\\\"password\\\":\\\"Zebra991\\\"}\"",
    ] {
        assert_eq!(reports(&version(text)), both, "{text}");
    }
    let names = version("<<EOF\n{ \"username\": \"root\",\n  \"host\": \"db\" }\nEOF");
    assert_eq!(reports(&names), Vec::<String>::new());
    let dummy = version("<<EOF\n{ \"username\": \"root\",\n  \"password\": \"CHANGE_ME\" }\nEOF");
    assert_eq!(reports(&dummy), ["placeholder-secret"]);
    for (name, expected) in [("client_secret", 1), ("settings", 1), ("description", 0)] {
        let input = format!(
            "module \"x\" {{\n  source = \"./x\"\n  {name} = <<EOF\n{{\n  \"password\": \"Zebra991\"\n}}\nEOF\n}}\n"
        );
        assert_eq!(reports(&input).len(), expected, "{name}");
    }
}

#[test]
fn words_in_environments_and_settings_are_passwords() {
    let cases = [
        (
            "resource \"docker_container\" \"d\" {\n  env = [\"POSTGRES_PASSWORD=zebrafish\"]\n}\n",
            "encoded-secret",
        ),
        (
            "resource \"docker_container\" \"d\" {\n  env = [\"MYSQL_ROOT_PASSWORD=changeme\"]\n}\n",
            "placeholder-secret",
        ),
        (
            "resource \"helm_release\" \"h\" {\n  values = [<<-EOT\n    auth:\n      password: zebrafish\n  EOT\n  ]\n}\n",
            "encoded-secret",
        ),
        (
            "resource \"aws_ecs_task_definition\" \"t\" {\n  container_definitions = <<EOF\n[{ \"environment\": [ { \"name\": \"DB_PASSWORD\", \"value\": \"Zebra991\" } ] }]\nEOF\n}\n",
            "encoded-secret",
        ),
        (
            "resource \"helm_release\" \"h\" {\n  values = [<<-EOT\n    env:\n    - name: DB_PASSWORD\n      value: zebrafish\n  EOT\n  ]\n}\n",
            "encoded-secret",
        ),
        (
            "resource \"helm_release\" \"h\" {\n  values = [\"{\\\"auth\\\":{\\\"password\\\":\\\"Zebra991\\\"}}\"]\n}\n",
            "encoded-secret",
        ),
        (
            "resource \"aws_instance\" \"i\" {\n  user_data = \"#!/bin/bash\\nexport DB_PASSWORD=Zebra991\\n\"\n}\n",
            "encoded-secret",
        ),
    ];
    for (fixture, rule) in cases {
        assert_eq!(reports(fixture), [rule], "{fixture}");
    }
}

#[test]
fn passwords_in_commands() {
    for (command, rule) in [
        ("mysql -u admin -pZebra991 < a.sql", "encoded-secret"),
        ("echo 'ubuntu:zebrafish' | sudo chpasswd", "encoded-secret"),
        ("echo root:vagrant | chpasswd<enter>", "placeholder-secret"),
        ("sshpass -p zebrafish ssh x", "encoded-secret"),
        (
            "docker run -e POSTGRES_PASSWORD=zebrafish -d postgres",
            "encoded-secret",
        ),
    ] {
        let fixture = format!(
            "resource \"null_resource\" \"n\" {{\n  provisioner \"remote-exec\" {{\n    inline = [\"{command}\"]\n  }}\n}}\n"
        );
        assert_eq!(reports(&fixture), [rule], "{command}");
    }
}
