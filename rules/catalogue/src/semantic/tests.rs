//! Runs the examples of every rule's documentation, and says what registries must hold.

use std::sync::Arc;

use secret_policy::Policy;
use secretlint_core::facts::{
    Environment, Environments, FileKind, SourceFile, Workspace, each_position,
};
use secretlint_core::{Cx, DigestKey, FileId, Finding, Hooks, Sink};

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
            let kind = FileKind::of(&path).expect("a file the linter reads");
            SourceFile::new(FileId(index as u32), path, kind, text)
        })
        .collect();
    let workspace = Workspace::build(&sources, &Inferred(policy.map(Arc::new)));
    let key = DigestKey::unkeyed();
    let mut sink = Sink::new();
    for module in workspace.modules() {
        let cx = Cx::new(&workspace, module, &key);
        for (index, rule) in RULES.iter().enumerate() {
            sink.enter(index);
            for block in &module.blocks {
                if rule.hooks().contains(Hooks::POSITION) {
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
    let mut edits: Vec<_> = fixes
        .filter_map(|finding| finding.fixes.first())
        .flat_map(|fix| fix.edits.clone())
        .collect();
    edits.sort_by_key(|edit| std::cmp::Reverse((edit.place.start, edit.place.end)));
    let mut text = fixture.to_owned();
    for edit in edits {
        text.replace_range(
            edit.place.start as usize..edit.place.end as usize,
            &edit.text,
        );
    }
    text
}

#[test]
fn repairs_keep_comments_and_need_no_second_run() {
    let cases = [
        (
            "unmarked-secret-variable",
            "variable \"db_password\" {\n  type = string # from the store\n}\nvariable \"api_token\" {}\n",
            "variable \"db_password\" {\n  sensitive = true\n  type = string # from the store\n}\nvariable \"api_token\" {\n  sensitive = true\n}\n",
        ),
        (
            "unmarked-secret-output",
            "output \"password\" {\n  value = random_password.db.result\n}\n",
            "output \"password\" {\n  sensitive = true\n  value = random_password.db.result\n}\n",
        ),
        (
            "persisted-secret-argument",
            "resource \"aws_db_instance\" \"db\" {\n  # Rotated monthly.\n  password = var.db_password\n}\n",
            "resource \"aws_db_instance\" \"db\" {\n  # Rotated monthly.\n  password_wo_version = 1\n  password_wo = var.db_password\n}\n",
        ),
    ];
    for (rule, before, after) in cases {
        assert_eq!(repaired(before, rule), after, "{rule}");
        assert_eq!(repaired(after, rule), after, "{rule} is repaired once");
    }
}

#[test]
fn one_line_blocks_are_left_alone() {
    let fixture = "variable \"db_password\" { type = string }\n";
    assert_eq!(repaired(fixture, "unmarked-secret-variable"), fixture);
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
