//! The pipeline over small trees. A fixture is one string that holds several files: `--- path`
//! starts a file. The rules here are as simple as rules can be; real ones are tested elsewhere.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use jiff::civil::date;
use secretlint_core::facts::{Block, Position, Role};
use secretlint_core::{
    Confidence, Cx, DigestKey, Family, Lifecycle, Look, Occurrence, Place, Rank, Related, Rule,
    RuleId, Severity, Word,
};

use super::*;

const fn meta(id: &'static str, family: Family, rank: Rank, severity: Severity) -> RuleMeta {
    RuleMeta {
        id: RuleId::Borrowed(id),
        // The former name of the first rule.
        aliases: if matches!(rank, Rank::Generic) {
            &["old-password"]
        } else {
            &[]
        },
        family,
        summary: Cow::Borrowed("summary"),
        why: Cow::Borrowed("why"),
        help: Cow::Borrowed("help"),
        docs: Cow::Borrowed(""),
        severity,
        confidence: Confidence::High,
        rank,
        lifecycle: if matches!(family, Family::State) {
            Lifecycle::Preview
        } else {
            Lifecycle::Stable
        },
    }
}

static PASSWORD: RuleMeta = meta(
    "password",
    Family::Credentials,
    Rank::Generic,
    Severity::Error,
);
static TOKEN: RuleMeta = meta("token", Family::Credentials, Rank::Vendor, Severity::Error);
static SHARED: RuleMeta = meta(
    "shared",
    Family::Environments,
    Rank::Apart,
    Severity::Warning,
);
static STATE: RuleMeta = meta("in-state", Family::State, Rank::Apart, Severity::Warning);

/// Literals under the key `password`, also behind references; shared ones as evidence.
struct PasswordRule;
/// `TOKEN-` and six letters anywhere in a text.
struct TokenRule;
/// Every `password` argument, as a preview.
struct StateRule;

impl Rule for PasswordRule {
    fn meta(&self) -> &RuleMeta {
        &PASSWORD
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if position.meaning() != "password" || !position.is_leaf() {
            return;
        }
        for literal in &cx.trace_at(position).literals {
            let digest = cx.digest(&literal.text);
            let message = "a password".to_owned();
            let finding = Finding::new(&PASSWORD, literal.place, position.address(), message);
            sink.report(finding.with_secret(literal.place, digest));
        }
    }
}

impl Rule for TokenRule {
    fn meta(&self) -> &RuleMeta {
        &TOKEN
    }

    fn metas(&self) -> &[RuleMeta] {
        static METAS: [RuleMeta; 2] = [
            meta("token", Family::Credentials, Rank::Vendor, Severity::Error),
            meta(
                "shared",
                Family::Environments,
                Rank::Apart,
                Severity::Warning,
            ),
        ];
        &METAS
    }

    fn hooks(&self) -> Hooks {
        Hooks::TEXT | Hooks::CONCLUDE
    }

    fn text(&self, cx: &Cx<'_, '_>, file: &SourceFile, _: &[Occurrence], sink: &mut Sink) {
        for (start, found) in file.text().match_indices("TOKEN-") {
            let Some(text) = file.text().get(start..start + found.len() + 6) else {
                continue;
            };
            let place = Place {
                file: file.id,
                start: start as u32,
                end: (start + text.len()) as u32,
            };
            let digest = cx.digest(text);
            sink.report(
                Finding::new(&TOKEN, place, "t".to_owned(), "a token".to_owned())
                    .with_secret(place, digest),
            );
            sink.evidence(Evidence {
                key: digest,
                environment: cx.environment(file.id).cloned(),
                place,
                path: file.path.to_string(),
                address: "t".to_owned(),
                secret: true,
                note: String::new(),
            });
        }
    }

    fn conclude(&self, evidence: &[Evidence], sink: &mut Sink) {
        for group in evidence.chunk_by(|a, b| a.key == b.key) {
            let names: std::collections::BTreeSet<_> = group
                .iter()
                .filter_map(|fact| fact.environment.as_ref().map(|found| &found.name))
                .collect();
            if names.len() > 1 {
                let message = format!(
                    "shared by {}",
                    names.into_iter().cloned().collect::<Vec<_>>().join(", ")
                );
                let mut finding = Finding::new(&SHARED, group[0].place, "t".to_owned(), message);
                let related = |fact: &Evidence| Related {
                    place: fact.place,
                    message: "also here".to_owned(),
                };
                finding.related = group[1..].iter().map(related).collect();
                sink.report(finding);
            }
        }
    }
}

impl Rule for StateRule {
    fn meta(&self) -> &RuleMeta {
        &STATE
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn position<'a>(&self, _: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if position.key() == "password" && position.is_leaf() {
            sink.report(Finding::new(
                &STATE,
                position.place(),
                position.address(),
                "in state".to_owned(),
            ));
        }
    }
}

static RULES: [&dyn Rule; 3] = [&PasswordRule, &TokenRule, &StateRule];
const ROOT: &str = "/project";

fn texts(fixture: &str) -> Vec<TextInput> {
    let part = |part: &str| {
        let (path, text) = part.split_once('\n').unwrap();
        TextInput {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    };
    fixture.split("--- ").skip(1).map(part).collect()
}

fn report_with(fixture: &str, config: &Config) -> Report {
    let texts = texts(fixture);
    let input = Input {
        root: Path::new(ROOT),
        paths: &[],
        texts: &texts,
        only: None,
    };
    lint(&input, &RULES, config)
}

fn plain() -> Config {
    Config::new(date(2026, 6, 1))
}

fn keyed(key: &DigestKey) -> Config {
    let mut config = plain();
    config.key = key.clone();
    config
}

fn configured(text: &str) -> Config {
    let names = RuleNames::new(&RULES);
    Config::parse(
        Path::new("/project/secretlint.toml"),
        text,
        Path::new(ROOT),
        &names,
        date(2026, 6, 1),
    )
}

/// `path:line:column severity rule: message`, silenced ones with `(kind: reason)`.
fn lines(report: &Report) -> Vec<String> {
    let line = |finding: &secretlint_core::report::ReportedFinding| {
        let location = &finding.location;
        let mut line = format!(
            "{}:{}:{} {:?} {}: {}",
            location.path,
            location.start.line,
            location.start.column,
            finding.severity,
            finding.rule,
            finding.message
        );
        if let Some(suppression) = &finding.suppression {
            line += &format!(
                " ({}: {})",
                suppression.kind,
                suppression.reason.as_deref().unwrap_or("-")
            );
        }
        line
    };
    report
        .findings
        .iter()
        .chain(&report.suppressed)
        .map(line)
        .collect()
}

fn check(fixture: &str, config: &Config, expected: &[&str]) {
    assert_eq!(lines(&report_with(fixture, config)), expected, "{fixture}");
}

#[test]
fn findings_are_sorted_and_placed() {
    check(
        "--- b.tf\nlocals {\n  password = \"x1\"\n}\n--- a/main.tf\nlocals {\n  ä = { password = \"x2\" }\n}\n",
        &plain(),
        &[
            "a/main.tf:2:20 Error password: a password",
            "b.tf:2:14 Error password: a password",
        ],
    );
}

#[test]
fn one_literal_has_one_finding_the_most_specific() {
    check(
        "--- main.tf\nlocals { password = \"TOKEN-abcdef\" }\n",
        &plain(),
        &["main.tf:1:22 Error token: a token"],
    );
    check(
        "--- main.tf\nlocals { password = \"TOKEN-abcdef\" }\n",
        &configured("[rules]\ntoken = \"off\""),
        &["main.tf:1:21 Error password: a password"],
    );
}

#[test]
fn files_that_other_programs_make_or_read_have_no_syntax_errors() {
    let errors = |file: &str| {
        let report = report_with(&format!("--- {file}\n"), &plain());
        let findings = report.findings.iter();
        findings
            .filter(|finding| finding.rule == "syntax-error")
            .count()
    };
    for file in [
        "base.tfvars\nbucket = <%= output('shared.bucket') %>",
        "main.tf\n{% for zone in zones %}\na = 1\n{% endfor %}",
        "terragrunt.hcl\ninputs = {\n  {{- if .Name }}\n  a = 1\n  {{- end }}\n}",
        "admin.hcl\n# All of it.\npath \"auth/*\"\n{\n  capabilities = [\"read\"]\n}",
    ] {
        assert_eq!(errors(file), 0, "{file}");
    }
    for file in [
        "main.tf\nlocals {\n  a = {{ b = 1 }\n}",
        "main.tf\npath \"auth/*\"\n{\n  a = 1\n}",
        "env.hcl\nlocals\n{\n  path = 1\n}",
    ] {
        assert_eq!(errors(file), 1, "{file}");
    }
}

#[test]
fn syntax_errors_are_findings_and_the_rest_is_linted() {
    let report = report_with(
        "--- main.tf\nlocals {\n  broken = = \n}\nlocals {\n  password = \"x\"\n}\n",
        &plain(),
    );
    let rules: Vec<&str> = report
        .findings
        .iter()
        .map(|finding| &*finding.rule)
        .collect();
    assert!(
        rules.contains(&"syntax-error") && rules.contains(&"password"),
        "{rules:?}"
    );
}

#[test]
fn comments_silence_a_line_or_a_block() {
    check(
        r#"--- main.tf
locals {
  password = "a" # secretlint: allow password reason="test"
}
locals {
  # secretlint: allow old-password
  # more words
  password = "b"
}
# secretlint: allow credentials reason="all of it" until=2026-06-01
locals {
  password = "c"
}
resource "x" "y" {
  # secretlint: allow password
  inner {
    password = "d"
  }
}
"#,
        &plain(),
        &[
            "main.tf:2:14 Error password: a password (comment: test)",
            "main.tf:7:14 Error password: a password (comment: -)",
            "main.tf:11:14 Error password: a password (comment: all of it)",
            "main.tf:16:16 Error password: a password (comment: -)",
        ],
    );
}

#[test]
fn comments_that_do_not_hold_are_findings() {
    check(
        r#"--- main.tf
locals {
  password = "a" # secretlint: allow password until=2026-05-31
  b = "b"        # secretlint: allow password
  c = "c"        # secretlint: allow pasword
  d = "d"        # secretlint: deny password
  e = "e"        # secretlint: allow in-state
}
"#,
        &plain(),
        &[
            "main.tf:2:14 Error password: a password",
            "main.tf:2:18 Warning invalid-suppression: the comment held until 2026-05-31 and is expired",
            "main.tf:3:18 Note unused-suppression: the comment silences nothing here",
            "main.tf:4:18 Warning invalid-suppression: `pasword` is no rule: did you mean `password`?",
            "main.tf:5:18 Warning invalid-suppression: `deny` is no suppression: write `secretlint: allow RULE reason=\"…\"`",
        ],
    );
}

#[test]
fn reasons_can_be_demanded_and_comments_switched_off() {
    let fixture = "--- main.tf\nlocals { password = \"a\" } # secretlint: allow password\n";
    check(
        fixture,
        &configured("[suppressions]\nrequire-reason = true"),
        &[
            "main.tf:1:21 Error password: a password",
            "main.tf:1:27 Warning invalid-suppression: the comment gives no reason, and this project demands one: add `reason=\"…\"`",
        ],
    );
    check(
        fixture,
        &configured("[suppressions]\ndisabled = true"),
        &["main.tf:1:21 Error password: a password"],
    );
}

#[test]
fn levels_come_from_rule_family_and_path() {
    let fixture =
        "--- a.tf\nlocals { password = \"a\" }\n--- test/b.tf\nlocals { password = \"b\" }\n";
    check(
        fixture,
        &configured(
            "[rules]\ncredentials = \"warning\"\n[[overrides]]\npaths = [\"test\"]\nrules = { password = \"note\" }",
        ),
        &[
            "a.tf:1:21 Warning password: a password",
            "test/b.tf:1:21 Note password: a password",
        ],
    );
    check(
        "--- a.tf\nlocals { password = \"a\" }\n",
        &configured("[rules]\npassword = \"off\"\nin-state = \"on\""),
        &["a.tf:1:21 Warning in-state: in state"],
    );
}

#[test]
fn allow_lists_accept_with_a_reason() {
    let fixture =
        "--- a/b.tf\nlocals { password = \"a\" }\n--- c.tf\nlocals { password = \"b\" }\n";
    check(
        fixture,
        &configured("[[allow]]\nrules = [\"password\"]\npaths = [\"a/**\"]\nreason = \"known\""),
        &[
            "c.tf:1:21 Error password: a password",
            "a/b.tf:1:21 Error password: a password (config: known)",
        ],
    );
    check(
        fixture,
        &configured(
            "[[allow]]\naddresses = [\"local.*\"]\nreason = \"known\"\nuntil = \"2026-05-31\"",
        ),
        &[
            "a/b.tf:1:21 Error password: a password",
            "c.tf:1:21 Error password: a password",
        ],
    );
}

#[test]
fn environments_are_compared_across_the_run() {
    let fixture = "--- live/prod/a.tf\nx = \"TOKEN-abcdef\"\n--- live/dev/a.tf\nx = \"TOKEN-abcdef\"\n--- live/dev/b.tf\nx = \"TOKEN-ghijkl\"\n";
    let report = report_with(fixture, &plain());
    assert_eq!(
        lines(&report),
        [
            "live/dev/a.tf:1:6 Warning shared: shared by dev, prod",
            "live/dev/a.tf:1:6 Error token: a token",
            "live/dev/b.tf:1:6 Error token: a token",
            "live/prod/a.tf:1:6 Error token: a token",
        ]
    );
    let related = &report.findings[0].related[0].location;
    assert_eq!(
        (related.path.as_str(), related.excerpt.text.as_str()),
        ("live/prod/a.tf", "x = \"************\"")
    );
}

#[test]
fn no_secret_text_is_in_a_report() {
    let fixture = "--- live/prod/a.tf\nx = \"TOKEN-canary\" # TOKEN-canary\nlocals { password = \"canary-2\" }\n--- live/dev/a.tf\nx = \"TOKEN-canary\"\nlocals { a = canary-2 \n password = \"canary-2\" }\n";
    let report = report_with(fixture, &plain());
    assert!(report.findings.len() > 4);
    let shown = format!("{report:?}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn fingerprints_survive_edits_and_tell_secrets_apart() {
    let config = || keyed(&DigestKey::new([1; 32]));
    let prints = |fixture: &str| -> Vec<String> {
        report_with(fixture, &config())
            .findings
            .into_iter()
            .map(|finding| finding.fingerprint)
            .collect()
    };
    let before = prints("--- a.tf\nlocals { password = \"a\" }\n");
    assert_eq!(
        before,
        prints("--- a.tf\n# a comment\n\nlocals {\n\n  password = \"a\"\n}\n"),
        "edits"
    );
    assert_ne!(
        before,
        prints("--- a.tf\nlocals { password = \"b\" }\n"),
        "another secret"
    );
    let twice = prints("--- a.tf\nlocals { password = [\"a\", \"b\", \"a\"] }\n");
    let distinct: std::collections::BTreeSet<&String> = twice.iter().collect();
    assert_eq!(
        (twice.len(), distinct.len()),
        (3, 3),
        "several secrets on one line"
    );
    let unkeyed = report_with("--- a.tf\nlocals { password = \"a\" }\n", &plain()).findings[0]
        .fingerprint
        .clone();
    let other = report_with("--- a.tf\nlocals { password = \"b\" }\n", &plain()).findings[0]
        .fingerprint
        .clone();
    assert_eq!(
        unkeyed, other,
        "without a key a fingerprint tells nothing about the value"
    );
}

#[test]
fn baselines_accept_known_secrets_only() {
    let mut baseline = Baseline::new("0123456789abcdef".to_owned()).unwrap();
    let keyed = keyed(baseline.key());
    baseline.accept(&report_with("--- a.tf\nlocals {\n  password = \"a\"\n}\n", &keyed).findings);
    let text = baseline.to_json().unwrap();
    assert_eq!(baseline.len(), 1);
    let mut config = plain();
    config.read_baseline(Path::new("/project/baseline.json"), &text, Path::new(ROOT));
    check(
        "--- a.tf\n\nlocals {\n  password = \"a\"\n}\n--- b/a.tf\nlocals {\n  password = \"a\"\n}\n",
        &config,
        &[
            "a.tf:3:14 Error password: a password (baseline: -)",
            "b/a.tf:2:14 Error password: a password (baseline: -)",
        ],
    );
    let changed = report_with("--- a.tf\nlocals {\n  password = \"changed\"\n}\n", &config);
    assert_eq!(
        (changed.findings.len(), changed.suppressed.len()),
        (1, 0),
        "a changed secret is reported"
    );
    assert_eq!(baseline.prune(&changed.findings), 1);
    assert!(baseline.is_empty());
}

#[test]
fn broken_baselines_are_findings() {
    for (text, hint) in [
        ("{", "cannot be read"),
        (
            r#"{"version": 9, "key": "0123456789abcdef", "findings": []}"#,
            "version 9",
        ),
        (r#"{"version": 1, "key": "short", "findings": []}"#, "key"),
    ] {
        let mut config = plain();
        config.read_baseline(Path::new("/project/baseline.json"), text, Path::new(ROOT));
        let report = report_with("--- a.tf\n", &config);
        assert!(
            report.findings[0].message.contains(hint),
            "{:?}",
            lines(&report)
        );
        assert_eq!(report.findings[0].rule, "invalid-config");
    }
}

#[test]
fn only_limits_what_is_reported_not_what_is_known() {
    let texts = texts(
        "--- a.tf\nlocals { password = var.p }\n--- b.tf\nvariable \"p\" { default = \"x\" }\n",
    );
    let only = ["b.tf".to_owned()];
    let input = Input {
        root: Path::new(ROOT),
        paths: &[],
        texts: &texts,
        only: Some(&only),
    };
    assert_eq!(
        lines(&lint(&input, &RULES, &plain())),
        ["b.tf:1:26 Error password: a password"]
    );
}

fn write(folder: &Path, fixture: &str) {
    for text in texts(fixture) {
        let path = folder.join(&text.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.text).unwrap();
    }
}

fn lint_disk(folder: &Path, paths: &[&str], config: &Config) -> Report {
    let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    let input = Input {
        root: folder,
        paths: &paths,
        texts: &[],
        only: None,
    };
    lint(&input, &RULES, config)
}

fn linted(report: &Report) -> Vec<&str> {
    report
        .findings
        .iter()
        .map(|finding| finding.location.path.as_str())
        .collect()
}

#[test]
fn folders_are_walked_with_manners_and_named_files_always_taken() {
    let folder = tempfile::tempdir().unwrap();
    let body = "locals { password = \"x\" }\n";
    let paths = [
        "main.tf",
        "a/x.tofu",
        "a/y.auto.tfvars",
        "a/README.md",
        ".hidden/x.tf",
        ".terraform/modules/x.tf",
        "b/.terragrunt-cache/x.tf",
        "ignored/x.tf",
        "skipped/x.tf",
        ".terraform.lock.hcl",
    ];
    let fixture: String = paths
        .iter()
        .map(|path| format!("--- {path}\n{body}"))
        .collect();
    write(folder.path(), &fixture);
    std::fs::write(folder.path().join(".ignore"), "ignored/\n").unwrap();
    std::fs::write(folder.path().join(".secretlintignore"), "skipped/\n").unwrap();
    let report = lint_disk(folder.path(), &["."], &plain());
    assert_eq!(linted(&report), ["a/x.tofu", "a/y.auto.tfvars", "main.tf"]);
    assert_eq!(report.stats.files, 3);
    let named = ["ignored/x.tf", "a/README.md", ".terraform/modules/x.tf"];
    let report = lint_disk(folder.path(), &named, &plain());
    assert_eq!(
        linted(&report),
        [".terraform/modules/x.tf", "a/README.md", "ignored/x.tf"]
    );
}

#[test]
fn unsaved_text_replaces_the_file() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "--- a.tf\nlocals { password = \"x\" }\n--- b.tf\nlocals { password = \"y\" }\n",
    );
    let texts = texts("--- a.tf\nlocals {}\n");
    let paths = [PathBuf::from(".")];
    let input = Input {
        root: folder.path(),
        paths: &paths,
        texts: &texts,
        only: None,
    };
    assert_eq!(linted(&lint(&input, &RULES, &plain())), ["b.tf"]);
}

#[test]
fn what_cannot_be_read_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("binary.tf"), b"a\0b").unwrap();
    std::fs::write(
        folder.path().join("latin.tf"),
        b"# \xE9\nlocals { password = \"x\" }\n",
    )
    .unwrap();
    std::fs::write(folder.path().join("large.tf"), vec![b'#'; 2000]).unwrap();
    let config = configured("[files]\nmax-bytes = 1000");
    let report = lint_disk(folder.path(), &[".", "missing.tf"], &config);
    let unreadable: Vec<String> = report
        .unreadable
        .iter()
        .map(|file| format!("{}: {}", file.path, file.reason))
        .collect();
    assert_eq!(unreadable.len(), 3, "{unreadable:?}");
    for (said, hint) in unreadable
        .iter()
        .zip(["NUL", "max-bytes", "cannot be opened"])
    {
        assert!(said.contains(hint), "{said}");
    }
    assert_eq!(lines(&report), ["latin.tf:2:21 Error password: a password"]);
}

/// Pipes, sockets and devices: reading one may wait for ever, or never end.
#[cfg(unix)]
#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("pipe.tf"))
        .status();
    assert!(made.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket.tf")).unwrap();
    // A walk passes over them.
    assert_eq!(lint_disk(folder.path(), &["."], &plain()).unreadable, []);
    let report = lint_disk(
        folder.path(),
        &["pipe.tf", "socket.tf", "/dev/zero"],
        &plain(),
    );
    let said: Vec<_> = report
        .unreadable
        .iter()
        .map(|file| (&*file.path, &*file.reason))
        .collect();
    for (path, kind) in [
        ("/dev/zero", "is a device"),
        ("pipe.tf", "is a pipe"),
        ("socket.tf", "is a socket"),
    ] {
        assert!(
            said.iter()
                .any(|(named, reason)| *named == path && reason.starts_with(kind)),
            "{said:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn symbolic_links_in_circles_end() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "--- a/main.tf\nlocals { password = \"x\" }\n",
    );
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    std::os::unix::fs::symlink(
        folder.path().join("a/self.tf"),
        folder.path().join("a/self.tf"),
    )
    .unwrap();
    assert_eq!(
        linted(&lint_disk(folder.path(), &["."], &plain())),
        ["a/main.tf"]
    );
}

/// A tree with every kind of link between modules, and findings of every kind.
fn tree() -> String {
    let mut fixture = String::new();
    for n in 0..200 {
        let environment = ["dev", "prod", "x"][n % 3];
        fixture += &format!(
            "--- live/{environment}/m{n}/main.tf\nmodule \"m\" {{\n  source = \"../../../modules/m{}\"\n  password = \"p{n}\"\n}}\nx = \"TOKEN-abcde{}\"\nlocals {{\n a = local.b\n b = module.m.o\n password = local.a\n}}\n",
            n % 10,
            n % 7,
        );
    }
    for n in 0..10 {
        fixture += &format!(
            "--- modules/m{n}/main.tf\nvariable \"password\" {{ default = \"d{n}\" }}\noutput \"o\" {{ value = var.password }}\nmodule \"next\" {{\n  source = \"../m{}\"\n  password = module.next.o\n}}\n",
            (n + 1) % 10
        );
    }
    fixture
}

#[test]
fn one_thread_and_many_give_the_same_report() {
    let fixture = tree();
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| format!("{:#?}", report_with(&fixture, &plain())))
    };
    let one = run(1);
    assert!(one.contains("shared by"));
    for threads in [2, 5, 8] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

/// Arguments `shows`, with the literals behind them.
struct ShowRule;

impl Rule for ShowRule {
    fn meta(&self) -> &RuleMeta {
        &PASSWORD
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if position.key() != "shows" {
            return;
        }
        let message = "shows".to_owned();
        let mut finding = Finding::new(&PASSWORD, position.place(), position.address(), message);
        let literals = cx.trace_at(position).literals.iter();
        finding.related.extend(literals.map(|literal| Related {
            place: literal.place,
            message: "this".to_owned(),
        }));
        sink.report(finding);
    }
}

#[test]
fn what_other_batches_know_is_masked_as_well() {
    let mut fixture = "--- live/main.tf\nmodule \"m\" {\n  source = \"../modules/app\"\n}\nlocals {\n  shows = module.m.name\n}\n\
        --- modules/app/main.tf\noutput \"name\" { value = \"plain\" } # TOKEN-abcdef\n"
        .to_owned();
    // More than one batch holds, and enough of them between the two.
    for number in 0..5000 {
        fixture += &format!("--- lz{number:04}/main.tf\nlocals {{ a = 1 }}\n");
    }
    let texts = texts(&fixture);
    let input = Input {
        root: Path::new(ROOT),
        paths: &[],
        texts: &texts,
        only: None,
    };
    let rules: [&dyn Rule; 2] = [&ShowRule, &TokenRule];
    let report = lint(&input, &rules, &plain());
    assert_eq!(
        lines(&report),
        [
            "live/main.tf:5:11 Error password: shows",
            "modules/app/main.tf:1:37 Error token: a token",
        ]
    );
    let related = &report.findings[0].related[0].location;
    assert_eq!(
        (&*related.path, related.start.line),
        ("modules/app/main.tf", 1)
    );
    let shown = &related.excerpt.text;
    assert!(
        shown.contains("plain") && !shown.contains("abcdef"),
        "{shown}"
    );
    assert_eq!((report.stats.files, report.stats.modules), (5002, 5002));
}

#[test]
fn hostile_texts_end() {
    let nested = format!(
        "--- a.tf\nlocals {{ password = {}\"x\"{} }}\n",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    report_with(&nested, &plain());
    let blocks = format!(
        "--- a.tf\n{}password = \"x\"{}\n",
        "b {\n".repeat(10_000),
        "}\n".repeat(10_000)
    );
    report_with(&blocks, &plain());
    let open = format!("--- a.tf\n{}", "a = \"${".repeat(10_000));
    report_with(&open, &plain());
    let braces = format!("--- a.tf\n{}", "{{ ".repeat(500_000));
    report_with(&braces, &plain());
    let comments = format!(
        "--- a.tf\n{}",
        "# secretlint: allow password\n".repeat(5_000)
    );
    report_with(&comments, &plain());
    let long = format!(
        "--- a.tf\nlocals {{ password = \"{}\" }}\n",
        "x".repeat(5_000_000)
    );
    assert_eq!(report_with(&long, &plain()).findings.len(), 1);
}

/// Findings are placed, named and masked at a cost that does not depend on how many others there are.
#[test]
fn many_secrets_in_one_line_and_one_block_end() {
    let mut text = "locals { x = [".to_owned();
    for n in 0..20_000 {
        text += &format!("\"ghp_{n:016}abcdefghijklmnopqrst\", ");
    }
    text += "] }\n";
    let texts = [TextInput {
        path: "main.tf".to_owned(),
        text,
    }];
    let input = Input {
        root: Path::new("/tree"),
        paths: &[],
        texts: &texts,
        only: None,
    };
    let rules: [&dyn Rule; 1] = [secretlint_rules::patterns::builtin_rule()];
    assert_eq!(lint(&input, &rules, &plain()).findings.len(), 20_000);
}

/// Every value of a resource.
struct ResourceRule;

impl Rule for ResourceRule {
    fn meta(&self) -> &RuleMeta {
        &PASSWORD
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn words(&self) -> Vec<Word<'_>> {
        vec![Word::Part("needle"), Word::End("eye"), Word::Encoded]
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        match block.kind() {
            "x_all" => Look::Everything,
            _ => Look::Mentions.when(block.role == Role::Resource),
        }
    }

    fn position<'a>(&self, _: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let (place, address) = (position.place(), position.address());
        sink.report(Finding::new(&PASSWORD, place, address, String::new()));
    }
}

#[test]
fn a_rule_is_shown_the_values_it_looks_for() {
    let texts = texts(
        "--- a.tf\nlocals {\n  needle = 1\n}\nresource \"x_y\" \"a\" {\n  b = 1\n}\n\
         resource \"x_y\" \"c\" {\n  d = 1\n  b = \"NEEDLE\"\n  e { f = \"needle\" }\n}\n\
         resource \"x_y\" \"g\" {\n  eyes = 1\n  eye_2 = 1\n}\n\
         --- b.tf\nresource \"x_y\" \"needle\" {\n  h = 1\n}\n\
         resource \"x_all\" \"i\" {\n  j = 1\n}\n\
         resource \"x_y\" \"k\" {\n  name = \"needle\"\n  value = 1\n  l = 1\n}\n\
         resource \"x_y\" \"m\" {\n  n = \"aGVsbG8gd29ybGQgaGVsbG8gdw==\"\n  o = \"aGVsbG8gd29y\"\n}\n\
         --- x.tf.json\n{\"resource\": {\"x_y\": {\"p\": {\"needl\\u0065\": 1}}}}\n",
    );
    let input = Input {
        root: Path::new(ROOT),
        paths: &[],
        texts: &texts,
        only: None,
    };
    let report = lint(&input, &[&ResourceRule], &Config::new(date(2026, 1, 1)));
    let addresses = report
        .findings
        .iter()
        .map(|finding| finding.address.as_str());
    let expected = [
        "x_y.c.b",
        "x_y.c.e.f",
        "x_y.g.eye_2",
        "x_y.needle.h",
        "x_all.i.j",
        // A pair is one item.
        "x_y.k.name",
        "x_y.k.value[needle]",
        "x_y.k.l",
        "x_y.m.n",
        "x_y.p.needle",
    ];
    assert_eq!(addresses.collect::<Vec<_>>(), expected);
}

/// Has words and nothing to say.
pub(crate) struct WordRule(pub(crate) &'static [Word<'static>]);

impl Rule for WordRule {
    fn meta(&self) -> &RuleMeta {
        &PASSWORD
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn words(&self) -> Vec<Word<'_>> {
        self.0.to_vec()
    }
}
