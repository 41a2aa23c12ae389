//! The cases, and on which cores each of them runs.

use std::ops::Range;

use rustix::process::{Pid, Signal};

use crate::stage::{Stage, signal_group, sweep, unframed_output};
use e2e::processes::wait_until;

/// Major and minor version.
type Version = (u32, u32);

/// One case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The cores that have the feature.
    pub(crate) cores: Range<Version>,
    pub(crate) run: fn(&Stage),
}

const EPHEMERALS: Version = (1, 10);
const WRITE_ONLY: Version = (1, 11);
const ACTIONS: Version = (1, 14);
const NEVER: Version = (u32::MAX, 0);

/// Every case.
#[rustfmt::skip]
pub(crate) const CASES: &[Case] = &[
    Case { name: "life cycle", cores: EPHEMERALS..NEVER, run: life_cycle },
    Case { name: "saved plan", cores: EPHEMERALS..NEVER, run: saved_plan },
    Case { name: "refresh only", cores: EPHEMERALS..NEVER, run: refresh_only },
    Case { name: "import", cores: EPHEMERALS..NEVER, run: import },
    Case { name: "generated configuration", cores: EPHEMERALS..NEVER, run: generated_configuration },
    Case { name: "errors", cores: EPHEMERALS..NEVER, run: errors },
    Case { name: "failing consumer", cores: EPHEMERALS..NEVER, run: failing_consumer },
    Case { name: "interrupted apply", cores: EPHEMERALS..NEVER, run: interrupted_apply },
    Case { name: "interrupted open", cores: EPHEMERALS..NEVER, run: interrupted_open },
    Case { name: "killed", cores: EPHEMERALS..NEVER, run: killed },
    Case { name: "aliases", cores: EPHEMERALS..NEVER, run: aliases },
    Case { name: "500 ephemerals", cores: EPHEMERALS..NEVER, run: many },
    Case { name: "no write-only yet", cores: EPHEMERALS..WRITE_ONLY, run: write_only_refused },
    Case { name: "write-only", cores: WRITE_ONLY..NEVER, run: write_only },
    Case { name: "actions", cores: ACTIONS..NEVER, run: actions },
    Case { name: "query", cores: ACTIONS..NEVER, run: query },
];

/// A lease and something that needs it at once.
const CONSUMED_LEASE: &str = r#"
ephemeral "echo_lease" "x" {
  ttl = 60
}

resource "terraform_data" "consumer" {
  provisioner "local-exec" {
    command     = "test \"$V\" = v"
    environment = { V = ephemeral.echo_lease.x.value }
  }
}
"#;

const THING: &str = r#"
resource "echo_thing" "a" {
  name = "a"
  note = "first"
}
"#;

fn life_cycle(stage: &Stage) {
    let config = |note: &str| {
        format!(
            r#"{CONSUMED_LEASE}
resource "echo_thing" "a" {{
  name = "a"
  note = "{note}"
  user {{
    name = "u"
  }}
}}

data "echo_greeting" "g" {{
  name = echo_thing.a.id
}}

output "all" {{
  value = provider::echo::join(" ", data.echo_greeting.g.text, provider::echo::or_else(null, "!"))
}}
"#
        )
    };
    stage.configure(&config("first"));
    stage.succeed(&["validate"]);
    stage.succeed(&["plan"]);
    assert_eq!(stage.count("opened"), 1, "a plan opens");
    stage.succeed(&["apply"]);
    assert!(stage.path("things/id-a").exists());
    let all = stage.succeed(&["output", "-raw", "all"]).stdout;
    assert_eq!(all, "hello id-a !");
    stage.nothing_to_do();
    stage.configure(&config("second"));
    let updated = stage.succeed(&["apply"]).stdout;
    assert!(updated.contains("1 changed"), "{updated}");
    stage.nothing_to_do();
    stage.succeed(&["destroy"]);
    assert!(!stage.path("things/id-a").exists());
    assert_eq!(stage.state(), [""; 0]);
    stage.all_given_back();
    stage.nothing_runs();
}

fn saved_plan(stage: &Stage) {
    stage.configure(&format!("{CONSUMED_LEASE}{THING}"));
    stage.succeed(&["plan", "-out=tfplan"]);
    stage.succeed(&["apply", "tfplan"]);
    assert!(stage.path("things/id-a").exists());
    assert_eq!(stage.count("opened"), 2, "once to plan, once to apply");
    stage.all_given_back();
}

fn refresh_only(stage: &Stage) {
    stage.configure(THING);
    stage.succeed(&["apply"]);
    std::fs::remove_file(stage.path("things/id-a")).unwrap();
    let drift = stage.terraform(&["plan", "-refresh-only", "-detailed-exitcode"]);
    assert_eq!(drift.status.code(), Some(2), "{}", drift.text());
    stage.succeed(&["apply", "-refresh-only"]);
    assert_eq!(stage.state(), [""; 0]);
}

fn import(stage: &Stage) {
    stage.configure(THING);
    stage.succeed(&["apply"]);
    stage.succeed(&["state", "rm", "echo_thing.a"]);
    stage.succeed(&["import", "echo_thing.a", "id-a"]);
    assert_eq!(stage.state(), ["echo_thing.a"]);
    stage.nothing_to_do();
    let said = stage.fail(&["import", "echo_thing.b", "id-b"]);
    assert!(said.contains("echo_thing.b"), "{said}");
    stage.succeed(&["state", "rm", "echo_thing.a"]);
    let said = stage.fail(&["import", "echo_thing.a", "id-b"]);
    assert!(said.contains("There is no thing id-b"), "{said}");
}

fn generated_configuration(stage: &Stage) {
    stage.configure(THING);
    stage.succeed(&["apply"]);
    stage.succeed(&["state", "rm", "echo_thing.a"]);
    stage.configure("import {\n  to = echo_thing.a\n  id = \"id-a\"\n}\n");
    stage.succeed(&["plan", "-generate-config-out=generated.tf"]);
    let written = std::fs::read_to_string(stage.path("project/generated.tf")).unwrap();
    let sets = |name: &str| {
        let mut lines = written.lines().map(str::trim_start);
        lines.any(|line| line.split(' ').next() == Some(name) && !line.ends_with("null"))
    };
    assert!(sets("name") && sets("note"), "{written}");
    assert!(
        !sets("id") && !sets("length") && !sets("value_wo"),
        "{written}"
    );
    stage.succeed(&["apply"]);
    assert_eq!(stage.state(), ["echo_thing.a"]);
}

fn errors(stage: &Stage) {
    for (config, phase, expected) in [
        (
            "ephemeral \"echo_value\" \"x\" {\n  name = \"\"\n}\n",
            "validate",
            ["Empty name", "name = \"\""],
        ),
        (
            "ephemeral \"echo_lease\" \"x\" {\n  ttl     = 60\n  trouble = \"open fails\"\n}\n",
            "plan",
            ["No such secret", "trouble = \"open fails\""],
        ),
        (
            "ephemeral \"echo_value\" \"x\" {\n  name     = \"leak\"\n  password = \"correct horse battery\"\n}\n",
            "plan",
            ["cannot log in with", "ephemeral \"echo_value\" \"x\""],
        ),
    ] {
        stage.configure(config);
        let said = stage.fail(&[phase]);
        for part in expected {
            assert!(said.contains(part), "lacks `{part}`: {said}");
        }
        assert!(!said.contains("correct horse"), "{said}");
    }
}

fn failing_consumer(stage: &Stage) {
    stage.configure(&CONSUMED_LEASE.replace("= v", "= other"));
    let said = stage.fail(&["apply"]);
    assert!(said.contains("exit status 1"), "{said}");
    stage.all_given_back();
    stage.nothing_runs();
}

/// A consumer that says it runs and then takes longer than a test has patience for.
fn endless_consumer(stage: &Stage) {
    let started = stage.path("started").display().to_string();
    stage.configure(&CONSUMED_LEASE.replace(
        "test \\\"$V\\\" = v",
        &format!("touch '{started}'; sleep 60"),
    ));
}

fn interrupted_apply(stage: &Stage) {
    endless_consumer(stage);
    let terraform = stage.start(&["apply"]);
    let group = Pid::from_child(&terraform);
    wait_until("the consumer to start", || stage.path("started").exists());
    signal_group(&terraform, Signal::INT);
    let output = terraform.wait_with_output().unwrap();
    let said = unframed_output(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Interrupt received"), "{said}");
    stage.all_given_back();
    // A consumer that was hit before it was ready for signals lives on.
    sweep(group);
    stage.nothing_runs();
}

fn interrupted_open(stage: &Stage) {
    stage.configure(
        "ephemeral \"echo_lease\" \"x\" {\n  ttl     = 60\n  trouble = \"open waits\"\n}\n",
    );
    let terraform = stage.start(&["plan"]);
    wait_until("the open to start", || stage.count("opening") > 0);
    signal_group(&terraform, Signal::INT);
    let output = terraform.wait_with_output().unwrap();
    let said = unframed_output(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Stopped by the practitioner"), "{said}");
    stage.nothing_runs();
}

fn killed(stage: &Stage) {
    endless_consumer(stage);
    let mut terraform = stage.start(&["apply"]);
    wait_until("the consumer to start", || stage.path("started").exists());
    terraform.kill().unwrap();
    terraform.wait().unwrap();
    stage.all_given_back();
    // The consumer is nobody's child now.
    sweep(Pid::from_child(&terraform));
    stage.nothing_runs();
}

fn aliases(stage: &Stage) {
    stage.configure_alone(&format!(
        r#"
provider "echo" {}
provider "echo" {{
  alias = "other"
  {}

ephemeral "echo_lease" "a" {{
  ttl = 60
}}

ephemeral "echo_lease" "b" {{
  provider = echo.other
  ttl      = 60
}}

ephemeral "echo_lease" "c" {{
  provider = echo.other
  ttl      = 60
}}
"#,
        stage.body("journal"),
        stage.body("other").trim_start_matches('{'),
    ));
    stage.succeed(&["plan"]);
    stage.all_given_back();
    for (journal, leases) in [("journal", 1), ("other", 2)] {
        assert_eq!(stage.count_in(journal, "opened"), leases, "{journal}");
        assert_eq!(stage.count_in(journal, "revoked"), leases, "{journal}");
        stage.all_closed(journal);
    }
}

fn many(stage: &Stage) {
    stage.configure("ephemeral \"echo_lease\" \"x\" {\n  count = 500\n  ttl   = 60\n}\n");
    stage.succeed(&["plan"]);
    stage.all_given_back();
    assert_eq!(stage.count("opened"), 500);
}

const WRITTEN_LEASE: &str = r#"
ephemeral "echo_value" "x" {
  name     = "n"
  password = "correct horse battery"
}

resource "echo_thing" "a" {
  name             = "a"
  value_wo         = ephemeral.echo_value.x.password
  value_wo_version = 1
}

output "length" {
  value = echo_thing.a.length
}
"#;

fn write_only_refused(stage: &Stage) {
    stage.configure(WRITTEN_LEASE);
    let said = stage.fail(&["plan"]);
    assert!(said.contains("value_wo"), "{said}");
    assert!(!said.contains("correct horse"), "{said}");
}

fn write_only(stage: &Stage) {
    stage.configure(WRITTEN_LEASE);
    stage.succeed(&["apply"]);
    let length = || stage.succeed(&["output", "-raw", "length"]).stdout;
    assert_eq!(length(), "21");
    stage.nothing_to_do();
    // Another value alone is not seen; another version is.
    let other = WRITTEN_LEASE.replace("battery", "staple");
    stage.configure(&other);
    stage.nothing_to_do();
    stage.configure(&other.replace("version = 1", "version = 2"));
    stage.succeed(&["apply"]);
    assert_eq!(length(), "20");
    let state = std::fs::read_to_string(stage.path("project/terraform.tfstate")).unwrap();
    assert!(!state.contains("correct horse"));
}

fn actions(stage: &Stage) {
    let config = |words: &str| {
        format!(
            r#"
action "echo_say" "x" {{
  config {{
    words = {words}
  }}
}}

resource "terraform_data" "x" {{
  lifecycle {{
    action_trigger {{
      events  = [after_create]
      actions = [action.echo_say.x]
    }}
  }}
}}
"#
        )
    };
    stage.configure(&config(r#"["one", "two"]"#));
    stage.succeed(&["validate"]);
    for arguments in [&["apply"][..], &["apply", "-invoke=action.echo_say.x"]] {
        let said = stage.succeed(arguments).stdout;
        assert!(said.contains("one") && said.contains("two"), "{said}");
    }
    for (word, expected) in [("fail", "Lost for words"), ("panic", "Provider crashed")] {
        stage.configure(&config(&format!(r#"["one", "{word}"]"#)));
        let said = stage.fail(&["apply", "-invoke=action.echo_say.x"]);
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    stage.nothing_runs();
}

fn query(stage: &Stage) {
    stage.configure(
        "resource \"echo_thing\" \"x\" {\n  for_each = toset([\"apple\", \"avocado\", \"banana\"])\n  name     = each.key\n}\n",
    );
    stage.succeed(&["apply"]);
    let list = |prefix: &str| {
        format!(
            "list \"echo_thing\" \"x\" {{\n  provider         = echo\n  include_resource = true\n  config {{\n    prefix = \"{prefix}\"\n  }}\n}}\n"
        )
    };
    stage.write("find.tfquery.hcl", &list("a"));
    let found = stage.succeed(&["query"]).stdout;
    for (name, expected) in [
        ("id-apple", true),
        ("id-avocado", true),
        ("id-banana", false),
    ] {
        assert_eq!(found.contains(name), expected, "{name}: {found}");
    }
    stage.write("find.tfquery.hcl", &list("fail"));
    let said = stage.fail(&["query"]);
    assert!(said.contains("Cannot search"), "{said}");
}
