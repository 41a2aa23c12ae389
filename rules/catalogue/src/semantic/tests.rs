//! Runs the examples of every rule's documentation, and says what registries must hold.

use std::sync::Arc;

use secret_policy::Policy;
use secretlint_core::facts::{
    Environment, Environments, FileKind, SourceFile, Workspace, each_position,
};
use secretlint_core::{Cx, DigestKey, FileId, Finding, Hooks, Look, Sink, fix};

use super::RULES;

/// Environments by the inference that the engine uses, and the policy of the fixture.
struct Inferred(Option<Arc<Policy>>);

impl Environments for Inferred {
    fn policy(&self) -> Option<Arc<Policy>> {
        self.0.clone()
    }

    fn of_path(&self, path: &str) -> Option<Environment> {
        let found = secret_policy::environments::infer(path)?;
        Some(Environment {
            name: found.environment.into(),
            from: found.segment.into(),
        })
    }

    fn of_word(&self, word: &str) -> Option<Environment> {
        let name = secret_policy::environments::canonical(word)?;
        Some(Environment {
            name: name.into(),
            from: word.into(),
        })
    }
}

/// Findings of all rules over a fixture of several files, told apart by `# file: PATH` lines.
pub(crate) fn check(fixture: &str) -> Vec<Finding> {
    let mut files: Vec<(String, String)> = Vec::new();
    for line in fixture.lines() {
        match line.strip_prefix("# file: ") {
            Some(path) => files.push((path.to_owned(), String::new())),
            None => {
                if files.is_empty() {
                    files.push(("main.tf".to_owned(), String::new()));
                }
                if let Some((_, text)) = files.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
    }
    let policy = files
        .iter()
        .position(|(path, _)| path == secret_policy::policy::FILE_NAME)
        .map(|index| files.remove(index))
        .map(|(path, text)| Policy::parse(&path, &text).expect("a policy without mistakes"));
    let sources: Vec<SourceFile> = files
        .into_iter()
        .enumerate()
        .map(|(index, (path, text))| {
            let kind = FileKind::of(&path).unwrap_or(FileKind::Text);
            SourceFile::new(FileId(index as u32), path, kind, text)
        })
        .collect();
    let inferred = Inferred(policy.map(Arc::new));
    let workspace = Workspace::build(&sources, &inferred);
    let key = DigestKey::unkeyed();
    let mut sink = Sink::new();
    for module in workspace.modules() {
        let cx = Cx::new(&workspace, module, &key);
        for (index, rule) in RULES.iter().enumerate() {
            sink.enter(index);
            for file in &module.files {
                if rule.hooks().contains(Hooks::TEXT) {
                    // None of these rules asks where words stand.
                    rule.text(&cx, file, &[], &mut sink);
                }
            }
            for block in &module.blocks {
                if rule.hooks().contains(Hooks::POSITION)
                    && rule.looks_into(&cx, block) != Look::Nothing
                {
                    each_position(block, &mut |position| {
                        rule.position(&cx, position, &mut sink);
                    });
                }
                if rule.hooks().contains(Hooks::BLOCK) {
                    rule.block(&cx, block, &mut sink);
                }
            }
            if rule.hooks().contains(Hooks::MODULE) {
                rule.module(&cx, &mut sink);
            }
        }
    }
    let evidence = std::mem::take(&mut sink.evidence);
    for (index, rule) in RULES.iter().enumerate() {
        let mut own: Vec<_> = evidence
            .iter()
            .filter(|(owner, _)| *owner == index as u32)
            .map(|(_, e)| e.clone())
            .collect();
        own.sort_by(|a, b| (a.key, &a.path, a.place).cmp(&(b.key, &b.path, b.place)));
        rule.conclude(&own, &mut sink);
    }
    sink.findings
}

/// The fenced `hcl` blocks of a page, with whether they must report.
fn examples(docs: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    let mut rest = docs;
    while let Some(at) = rest.find("```hcl") {
        let after = &rest[at + 3..];
        let (info, body) = after.split_once('\n').expect("a fence ends its line");
        let end = body.find("```").expect("a fence is closed");
        found.push((info == "hcl,expect", body[..end].to_owned()));
        rest = &body[end + 3..];
    }
    found
}

#[test]
fn examples_report_what_they_say() {
    let mut failures = Vec::new();
    for meta in RULES.iter().flat_map(|rule| rule.metas()) {
        let examples = examples(&meta.docs);
        assert!(
            examples.iter().any(|(expect, _)| *expect),
            "{} has no example that reports",
            meta.id
        );
        assert!(
            examples.iter().any(|(expect, _)| !*expect),
            "{} has no example that is clean",
            meta.id
        );
        for (expect, text) in examples {
            let reported = check(&text).iter().any(|finding| finding.rule == meta.id);
            if reported != expect {
                failures.push(format!(
                    "{} (expected a report: {expect}):\n{text}",
                    meta.id
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn rules_are_sorted_and_complete() {
    let ids: Vec<&str> = RULES.iter().map(|rule| &*rule.meta().id).collect();
    let mut all: Vec<&str> = RULES
        .iter()
        .flat_map(|rule| rule.metas())
        .map(|meta| &*meta.id)
        .collect();
    all.sort_unstable();
    assert!(
        all.windows(2).all(|pair| pair[0] != pair[1]),
        "ids are unique"
    );
    assert_eq!(ids.len(), RULES.len());
    for meta in RULES.iter().flat_map(|rule| rule.metas()) {
        assert!(
            !meta.why.is_empty() && !meta.help.is_empty() && !meta.summary.is_empty(),
            "{}",
            meta.id
        );
        assert!(
            meta.id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
            "{}",
            meta.id
        );
    }
}

#[test]
fn pages_name_false_alarms_and_references() {
    for meta in RULES.iter().flat_map(|rule| rule.metas()) {
        for section in ["## False alarms", "## References"] {
            assert!(meta.docs.contains(section), "{} lacks {section}", meta.id);
        }
    }
}

#[test]
fn findings_never_hold_the_secret() {
    let fixture = "variable \"db_password\" {\n  default = \"Tr0ub4dor&3xq\"\n}\n";
    for finding in check(fixture) {
        let shown = format!("{finding:?}");
        assert!(!shown.contains("Tr0ub4dor"), "{shown}");
    }
}

#[test]
fn secrets_are_followed_through_names_that_promise_nothing() {
    let fixture = "locals {\n  login = \"Hq72kks8\"\n}\nresource \"rabbitmq_user\" \"app\" {\n  password = local.login\n}\n";
    let found = check(fixture);
    assert!(
        found
            .iter()
            .any(|finding| finding.rule == "hardcoded-secret"),
        "{found:?}"
    );
}

/// The fixture with the first fix of every finding of a rule applied.
fn repaired(fixture: &str, rule: &str) -> String {
    let found = check(fixture);
    let fixes = found.iter().filter(|finding| finding.rule == rule);
    let edits: Vec<_> = fixes
        .filter_map(|finding| finding.fixes.last())
        .flat_map(|fix| &fix.edits)
        .collect();
    let changes = fix::changes(fixture, &edits).expect("edits that fit");
    fix::apply(fixture, &changes)
}

#[test]
fn repairs_keep_comments_and_need_no_second_run() {
    let cases = [
        (
            "unmarked-secret-variable",
            "variable \"db_password\" {\n  type = string # from the store\n}\nvariable \"api_token\" {}\n",
            "variable \"db_password\" {\n  type      = string # from the store\n  sensitive = true\n}\nvariable \"api_token\" {\n  sensitive = true\n}\n",
        ),
        (
            "unmarked-secret-variable",
            "variable \"db_password\" { type = string }\n",
            "variable \"db_password\" {\n  type      = string\n  sensitive = true\n}\n",
        ),
        (
            "unmarked-secret-output",
            "output \"password\" {\n  value = random_password.db.result\n}\n",
            "output \"password\" {\n  value     = random_password.db.result\n  sensitive = true\n}\n",
        ),
        (
            "persisted-secret-argument",
            "resource \"aws_db_instance\" \"db\" {\n  # Rotated monthly.\n  password = var.db_password\n}\n",
            "resource \"aws_db_instance\" \"db\" {\n  # Rotated monthly.\n  password_wo         = var.db_password\n  password_wo_version = 1\n}\n",
        ),
        (
            "missing-write-only-version",
            "resource \"kubernetes_secret_v1\" \"s\" {\n  data_wo = {\n    a = var.a\n  } # two lines\n}\n",
            "resource \"kubernetes_secret_v1\" \"s\" {\n  data_wo = {\n    a = var.a\n  } # two lines\n  data_wo_revision = 1\n}\n",
        ),
        (
            "hardcoded-secret",
            "resource \"aws_mq_broker\" \"b\" {\n  user {\n    password = \"Hq72kks8-plum\" # first\n  }\n}\n",
            "resource \"aws_mq_broker\" \"b\" {\n  user {\n    password = var.aws_mq_broker_b_user_password # first\n  }\n}\n\nvariable \"aws_mq_broker_b_user_password\" {\n  type      = string\n  sensitive = true\n}\n",
        ),
        (
            "hardcoded-secret",
            "resource \"aws_ssm_parameter\" \"p\" {\n  name     = \"/app/token\"\n  type     = \"SecureString\"\n  value_wo = \"Hq72kks8-plum\"\n}\n",
            "resource \"aws_ssm_parameter\" \"p\" {\n  name     = \"/app/token\"\n  type     = \"SecureString\"\n  value_wo = var.aws_ssm_parameter_p_value\n}\n\nvariable \"aws_ssm_parameter_p_value\" {\n  type      = string\n  ephemeral = true\n}\n",
        ),
        (
            "secret-variable-default",
            "variable \"db_password\" {\n  default = \"Hq72kks8-plum\"\n}\nvariable \"api_token\" {\n  type      = string\n  default   = \"Hq72kks8-plum\"\n  sensitive = true\n}\n",
            "variable \"db_password\" {\n  sensitive = true\n}\nvariable \"api_token\" {\n  type      = string\n  sensitive = true\n}\n",
        ),
        (
            "ephemeral-copied-to-state",
            "resource \"aws_db_instance\" \"db\" {\n  password = ephemeral.secretref_value.x.value\n}\n",
            "resource \"aws_db_instance\" \"db\" {\n  password_wo         = ephemeral.secretref_value.x.value\n  password_wo_version = 1\n}\n",
        ),
    ];
    for (rule, before, after) in cases {
        assert_eq!(repaired(before, rule), after, "{rule}");
        assert_eq!(repaired(after, rule), after, "{rule} is repaired once");
    }
}

#[test]
fn literals_of_one_address_get_names_of_their_own() {
    let before = "resource \"aws_mq_broker\" \"b\" {\n  user {\n    password = \"Hq72kks8-plum\"\n  }\n  user {\n    password = \"Other-Plum-77\"\n  }\n}\nlocals {\n  db_password = var.x ? \"Hq72kks8-plum\" : \"Other-Plum-77\"\n}\n";
    let after = repaired(before, "hardcoded-secret");
    for name in [
        "aws_mq_broker_b_user_password",
        "aws_mq_broker_b_user_password_2",
        "db_password",
        "db_password_2",
    ] {
        assert!(
            after.contains(&format!("var.{name}\n")) || after.contains(&format!("var.{name} ")),
            "{name}: {after}"
        );
        assert_eq!(
            after.matches(&format!("variable \"{name}\" {{")).count(),
            1,
            "{after}"
        );
    }
}

/// What a rule's first finding says, with whether it has a fix.
fn said(fixture: &str, rule: &str) -> (String, bool) {
    let found = check(fixture);
    let found = found.iter().find(|finding| finding.rule == rule);
    let found = found.unwrap_or_else(|| panic!("{rule} does not report {fixture}"));
    (found.help.to_string(), !found.fixes.is_empty())
}

#[test]
fn what_the_versions_do_not_have_is_not_written() {
    let stack = "resource \"aws_db_instance\" \"db\" {\n  password = var.db_password\n}\ndata \"aws_secretsmanager_secret_version\" \"x\" {\n  secret_id = \"prod/x\"\n}\n";
    let pinned = |text: &str| format!("terraform {{\n  {text}\n}}\n{stack}");
    let provider = |version: &str| {
        pinned(&format!(
            "required_providers {{\n    aws = {{\n      source  = \"hashicorp/aws\"\n      version = \"{version}\"\n    }}\n  }}"
        ))
    };
    for rule in ["persisted-secret-argument", "secret-in-state-data-source"] {
        assert!(said(stack, rule).1, "{rule} without constraints");
        assert!(said(&provider(">= 5.0"), rule).1, "{rule}");
        let (help, fix) = said(&pinned("required_version = \"~> 1.5.0\""), rule);
        assert!(!fix && help.contains("Upgrade Terraform to 1.1"), "{help}");
    }
    let (help, fix) = said(&provider("~> 4.0"), "persisted-secret-argument");
    assert!(!fix, "{help}");
    assert!(
        help.contains("Upgrade provider aws to 5.100.0 (now `~> 4.0`)"),
        "{help}"
    );
    // A provider of its own opens the secret where the vendor's is too old.
    let (help, fix) = said(&provider("~> 4.0"), "secret-in-state-data-source");
    assert!(fix && help.contains("Upgrade provider aws"), "{help}");
    let locked = format!(
        "{}# file: .terraform.lock.hcl\nprovider \"registry.terraform.io/hashicorp/aws\" {{\n  version = \"5.31.0\"\n}}\n",
        provider("~> 5.0")
    );
    let (help, fix) = said(&locked, "persisted-secret-argument");
    assert!(
        !fix && help.contains("locked at 5.31.0: `terraform init -upgrade`"),
        "{help}"
    );
    let called = format!(
        "# file: modules/db/main.tf\n{stack}# file: live/main.tf\nterraform {{\n  required_providers {{\n    aws = \"~> 4.0\"\n  }}\n}}\nmodule \"db\" {{\n  source = \"../modules/db\"\n}}\n"
    );
    let (help, fix) = said(&called, "persisted-secret-argument");
    assert!(!fix && help.contains("now `~> 4.0`"), "{help}");
}

#[test]
fn what_cannot_take_an_ephemeral_value_is_named() {
    let data = "data \"aws_secretsmanager_secret_version\" \"x\" {\n  secret_id = \"prod/x\"\n}\n";
    let value = "data.aws_secretsmanager_secret_version.x.secret_string";
    let cases = [
        (
            format!(
                "resource \"aws_lambda_function\" \"f\" {{\n  environment {{\n    variables = {{\n      A = {value}\n    }}\n  }}\n}}\n"
            ),
            "`aws_lambda_function.f.environment.variables` stores it",
        ),
        (
            format!("output \"o\" {{\n  value = {value}\n}}\n"),
            "`output.o` of a root module cannot be ephemeral",
        ),
        (
            format!(
                "module \"m\" {{\n  source = \"terraform-aws-modules/rds/aws\"\n  password = {value}\n}}\n"
            ),
            "`module.m` is a module that is not in this tree",
        ),
        (
            format!("data \"http\" \"h\" {{\n  url = {value}\n}}\n"),
            "`data.http.h` is a data source",
        ),
        (
            format!(
                "locals {{\n  a = {value}\n}}\nresource \"terraform_data\" \"t\" {{\n  input = local.a\n}}\n"
            ),
            "`terraform_data.t.input` stores it",
        ),
        (
            "locals {\n  a = data.aws_secretsmanager_secret_version.x\n}\n".to_owned(),
            "it is handed on as a whole",
        ),
        (
            "locals {\n  a = data.aws_secretsmanager_secret_version.x.id\n}\n".to_owned(),
            "has no `id`",
        ),
    ];
    for (consumer, why) in cases {
        let (help, fix) = said(&format!("{data}{consumer}"), "secret-in-state-data-source");
        assert!(!fix && help.contains(why), "{consumer}: {help}");
    }
    let kept =
        "resource \"random_password\" \"p\" {\n  length = 32\n  keepers = {\n    a = 1\n  }\n}\n";
    let (help, fix) = said(kept, "generated-secret-in-state");
    assert!(!fix && help.contains("has no `keepers`"), "{help}");
}

#[test]
fn circles_of_locals_and_modules_end() {
    let fixture = "data \"aws_secretsmanager_secret_version\" \"x\" {\n  secret_id = \"prod/x\"\n}\nlocals {\n  a = [data.aws_secretsmanager_secret_version.x.secret_string, local.b]\n  b = local.a\n}\n";
    assert!(said(fixture, "secret-in-state-data-source").1);
}

#[test]
fn what_the_policy_shares_or_allows_is_not_reported() {
    let use_in = |environment: &str| {
        format!(
            "# file: live/{environment}/main.tf\nephemeral \"secretref_value\" \"x\" {{\n  ref = \"aws-sm://prod/db\"\n}}\n"
        )
    };
    let environments = [use_in("dev"), use_in("prod")].concat();
    let reported = |policy: &str| {
        let fixture = format!("{environments}# file: secretref.toml\n{policy}\n");
        let mut rules: Vec<_> = check(&fixture)
            .into_iter()
            .map(|finding| finding.rule.to_string())
            .filter(|rule| rule.contains("reference") || rule.contains("policy"))
            .collect();
        rules.dedup();
        rules
    };
    assert_eq!(
        reported(""),
        ["foreign-environment-reference", "shared-secret-reference"]
    );
    let own = "[environments.dev]\n[environments.prod]\nrefs = [\"aws-sm://prod/**\"]\n";
    assert_eq!(
        reported(own),
        ["policy-violation", "shared-secret-reference"]
    );
    let shared = "[shared]\nrefs = [{ ref = \"aws-sm://prod/db\", reason = \"a test\" }]\n";
    assert!(reported(&format!("{own}{shared}")).is_empty());
    assert!(reported(shared).is_empty());
}

#[test]
fn the_provider_block_says_which_environment_decides() {
    let reported = |provider: &str, argument: &str| {
        let policy = "[environments.dev]\nrefs = [\"local://dev/**\"]\n[environments.prod]\n";
        let fixture = format!(
            "# file: main.tf\n{provider}\nlocals {{\n  place = \"local://dev/db\"\n}}\nephemeral \"secretref_value\" \"x\" {{\n  {argument}\n  ref = local.place\n}}\n# file: secretref.toml\n{policy}"
        );
        let found = check(&fixture);
        let found = found
            .iter()
            .filter(|finding| finding.rule == "policy-violation");
        found
            .map(|finding| finding.message.clone())
            .collect::<Vec<_>>()
    };
    let block = |name: &str, more: &str| {
        format!("provider \"secretref\" {{\n  environment = \"{name}\"\n  {more}\n}}\n")
    };
    assert!(
        reported("", "").is_empty(),
        "nothing says which environment"
    );
    assert!(reported(&block("dev", ""), "").is_empty());
    assert!(reported(&block("prod", ""), "")[0].contains("environment `prod` may not open"));
    assert!(reported(&block("qa", ""), "")[0].contains("no environment `qa`"));
    let both = [block("dev", ""), block("prod", "alias = \"live\"")].concat();
    assert!(reported(&both, "").is_empty());
    assert_eq!(reported(&both, "provider = secretref.live").len(), 1);
}

#[test]
fn sharing_that_the_policy_declares_is_not_reported() {
    let role = "provider \"aws\" {\n  assume_role {\n    role_arn = \"arn:aws:iam::123456789012:role/deploy\"\n  }\n}\n";
    let key = "maps_api_key = \"Bq7dkQ28fT6dkQdzw9\"\n";
    let vault = "data \"azurerm_key_vault\" \"one\" {\n  name = \"payments-kv\"\n}\ndata \"azurerm_key_vault_secret\" \"license\" {\n  name         = \"license\"\n  key_vault_id = data.azurerm_key_vault.one.id\n}\n";
    let files: String = ["dev", "staging", "prod"]
        .map(|name| {
            format!(
                "# file: environments/{name}/main.tf\n{role}{vault}# file: environments/{name}/terraform.tfvars\n{key}"
            )
        })
        .concat();
    let shared = |policy: &str| {
        let environments = "[environments.dev]\n[environments.staging]\n[environments.prod]\n";
        let fixture = format!("{files}# file: secretref.toml\n{environments}[shared]\n{policy}\n");
        let found = check(&fixture);
        let found = found.iter().map(|finding| finding.rule.to_string());
        let mut found: Vec<_> = found.filter(|rule| rule.starts_with("shared-")).collect();
        found.sort();
        found
    };
    let all = [
        "shared-identity",
        "shared-secret-reference",
        "shared-secret-value",
    ];
    assert_eq!(shared(""), all);
    let identity =
        "{ identity = \"arn:aws:iam::123456789012:role/deploy\", reason = \"one pipeline\"";
    let value = "{ address = \"var.maps_api_key\", reason = \"public by design\"";
    let reference = "{ ref = \"azure-kv://payments-kv/license\", reason = \"one license\"";
    for (end, expected) in [
        (" }", &all[..0]),
        (
            ", environments = [\"dev\", \"staging\", \"prod\"] }",
            &all[..0],
        ),
        // Production takes part without being named.
        (", environments = [\"dev\", \"staging\"] }", &all[..]),
    ] {
        let policy = format!(
            "identities = [{identity}{end}]\nvalues = [{value}{end}]\nrefs = [{reference}{end}]"
        );
        assert_eq!(shared(&policy), expected, "{policy}");
    }
}

#[test]
fn an_argument_that_is_read_elsewhere_is_not_moved() {
    let required = "terraform {\n  required_version = \">= 1.11\"\n  required_providers {\n    azurerm = {\n      source  = \"hashicorp/azurerm\"\n      version = \">= 4.31\"\n    }\n    random = {\n      source  = \"hashicorp/random\"\n      version = \">= 3.7\"\n    }\n  }\n}\n";
    let server = "resource \"azurerm_mysql_flexible_server\" \"main\" {\n  administrator_password = PASSWORD\n}\n";
    let read = "output \"url\" {\n  sensitive = true\n  value     = azurerm_mysql_flexible_server.main.administrator_password\n}\n";
    let of_variable = format!("{required}{}", server.replace("PASSWORD", "var.password"));
    let (help, offered) = said(&of_variable, "persisted-secret-argument");
    assert!(offered, "{help}");
    let (help, offered) = said(&format!("{of_variable}{read}"), "persisted-secret-argument");
    assert!(!offered && help.contains("read elsewhere"), "{help}");
    let generated = format!(
        "{required}resource \"random_password\" \"main\" {{\n  length = 20\n}}\n{}",
        server.replace("PASSWORD", "random_password.main.result")
    );
    assert!(said(&generated, "generated-secret-in-state").1);
    let (help, offered) = said(&format!("{generated}{read}"), "generated-secret-in-state");
    assert!(!offered && help.contains("read elsewhere"), "{help}");
}
