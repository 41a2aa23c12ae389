//! Facts of small configurations. A fixture is one string that holds several files:
//! `--- path` starts a file.

use std::fmt::Write as _;
use std::sync::Arc;

use super::*;
use crate::finding::FileId;

struct ByFirstFolder;

impl Environments for ByFirstFolder {
    fn of_path(&self, path: &str) -> Option<Environment> {
        path.split(['/', '.']).find_map(|word| self.of_word(word))
    }

    fn of_word(&self, word: &str) -> Option<Environment> {
        let known = matches!(word, "prod" | "dev");
        known.then(|| Environment {
            name: Arc::from(word),
            from: Arc::from("test"),
        })
    }
}

fn files(fixture: &str) -> Vec<SourceFile> {
    let parts = fixture.split("--- ").skip(1).enumerate();
    let file = |(index, part): (usize, &str)| {
        let (path, text) = part.split_once('\n').unwrap();
        let kind = FileKind::of(path)
            .or_else(|| FileKind::of_json(text))
            .unwrap_or(FileKind::Text);
        SourceFile::new(FileId(index as u32), path, kind, text)
    };
    parts.map(file).collect()
}

/// `address = text` for every constant leaf.
fn leaves(fixture: &str) -> Vec<String> {
    let files = files(fixture);
    let workspace = Workspace::build(&files, &NoEnvironments);
    let mut found = Vec::new();
    for block in workspace.modules().iter().flat_map(|module| &module.blocks) {
        each_position(block, &mut |position| {
            if position.is_leaf()
                && let Some(text) = position.literal()
            {
                found.push(format!("{} = {text}", position.address()));
            }
        });
    }
    found
}

/// What is behind the `probe` attribute: literals (`~` before parts), sources after `<-`.
fn traced(fixture: &str) -> String {
    let files = files(fixture);
    let workspace = Workspace::build(&files, &NoEnvironments);
    let mut out = String::new();
    for module in workspace.modules() {
        for block in &module.blocks {
            let Some(probe) = block.value("probe") else {
                continue;
            };
            let trace = trace(&workspace, module, block, probe);
            for literal in &trace.literals {
                let part = if literal.whole { "" } else { "~" };
                let way: String = literal
                    .way
                    .iter()
                    .map(|hop| format!(" {:?}:{}", hop.kind, hop.name))
                    .collect();
                let file = workspace.file(literal.place.file).unwrap();
                let at = &file.text()[literal.place.start as usize..literal.place.end as usize];
                assert!(
                    at.contains(&*literal.text) || at.contains('\\'),
                    "{at} is not {}",
                    literal.text
                );
                writeln!(out, "{part}{}{way}", literal.text).unwrap();
            }
            for source in &trace.sources {
                writeln!(out, "<- {}", source.reference.address()).unwrap();
            }
            if !trace.complete {
                out.push_str("...\n");
            }
        }
    }
    out
}

#[test]
fn positions_carry_their_whole_path() {
    let fixture = r#"--- main.tf
resource "aws_lambda_function" "f" {
  environment {
    variables = { DB_PASSWORD = "a", (var.x) = "b" }
  }
  dynamic "setting" {
    for_each = []
    content { token = "c" }
  }
  list = ["d", { key = "e" }]
  text = jsonencode({ inner = upper("f") })
  pick = var.prod ? "g" : "h"
  "quoted" = "i"
}
locals { one = "j" }
variable "v" { default = "k" }
"#;
    assert_eq!(
        leaves(fixture),
        [
            "aws_lambda_function.f.environment.variables.DB_PASSWORD = a",
            "aws_lambda_function.f.environment.variables.* = b",
            "aws_lambda_function.f.setting.token = c",
            "aws_lambda_function.f.list = d",
            "aws_lambda_function.f.list.key = e",
            "aws_lambda_function.f.text.inner = f",
            "aws_lambda_function.f.pick = g",
            "aws_lambda_function.f.pick = h",
            "aws_lambda_function.f.quoted = i",
            "local.one = j",
            "var.v.default = k",
        ]
    );
}

#[test]
fn pairs_give_their_value_a_meaning() {
    let fixture = r#"--- main.tf
resource "helm_release" "r" {
  set {
    name  = "auth.password"
    value = "a"
  }
  env = [{ name = "TOKEN", value = "b" }, { value = "c" }]
}
resource "aws_ssm_parameter" "p" {
  name  = "/prod/key"
  value = "d"
}
"#;
    let files = files(fixture);
    let workspace = Workspace::build(&files, &NoEnvironments);
    let mut meanings = Vec::new();
    for block in &workspace.modules()[0].blocks {
        each_position(block, &mut |position| {
            if position.is_leaf() && position.key() == "value" {
                meanings.push(position.meaning().to_owned());
            }
        });
    }
    assert_eq!(meanings, ["auth.password", "TOKEN", "value", "/prod/key"]);
}

#[test]
fn json_syntax_gives_the_same_facts() {
    let native = r#"--- main.tf
variable "v" { default = "a" }
resource "t_x" "n" {
  block {
    key = "b"
  }
}
output "o" { value = "c" }
locals { l = "d" }
"#;
    let json = r#"--- main.tf.json
{"variable": {"v": {"default": "a"}},
 "resource": {"t_x": {"n": {"block": [{"key": "b"}]}}},
 "output": {"o": {"value": "c"}},
 "locals": {"l": "d"}}
"#;
    assert_eq!(leaves(native), leaves(json));
}

#[test]
fn states_and_plans_are_blocks() {
    let state = r#"--- terraform.tfstate
{"version": 4, "serial": 1, "lineage": "x",
 "outputs": {"o": {"value": "a", "type": "string"}},
 "resources": [{"mode": "managed", "type": "t_x", "name": "n",
   "instances": [{"attributes": {"password": "b"}}]},
  {"mode": "data", "type": "t_y", "name": "m", "instances": [{"attributes": {"secret": "c"}}]}]}
"#;
    let plan = r#"--- plan.json
{"format_version": "1.2", "terraform_version": "1.11.0", "planned_values": {"root_module": {
  "resources": [{"mode": "managed", "type": "t_x", "name": "n", "values": {"password": "b"}}],
  "child_modules": [{"resources": [{"mode": "managed", "type": "t_z", "name": "k", "values": {"k": "d"}}]}]}}}
"#;
    assert_eq!(
        leaves(state),
        [
            "output.o.value = a",
            "output.o.type = string",
            "t_x.n.password = b",
            "data.t_y.m.secret = c"
        ]
    );
    assert_eq!(leaves(plan), ["t_x.n.password = b", "t_z.k.k = d"]);
}

#[test]
fn values_are_followed_through_locals_variables_and_files() {
    let fixture = r#"--- main.tf
variable "a" { default = "one" }
locals { b = { x = var.a, y = "other" } }
resource "t_x" "n" { probe = local.b.x }
--- dev.tfvars
a = "two"
--- env/prod.tfvars
a = "three"
"#;
    let expected = "one Local:b Default:a\ntwo Local:b Assignment:a\nthree Local:b Assignment:a\n";
    assert_eq!(traced(fixture), expected);
}

#[test]
fn values_are_followed_between_modules() {
    let fixture = r#"--- live/main.tf
module "db" {
  source   = "../modules/db"
  password = "given"
}
resource "t_x" "n" { probe = module.db.secret }
--- modules/db/main.tf
variable "password" {}
output "secret" { value = var.password }
"#;
    assert_eq!(traced(fixture), "given Output:secret Input:password\n");
}

#[test]
fn terragrunt_inputs_reach_the_module() {
    let fixture = r#"--- live/prod/db/terragrunt.hcl
terraform { source = "../../../modules//db" }
inputs = { password = "given" }
--- modules/db/main.tf
variable "password" {}
resource "t_x" "n" { probe = var.password }
"#;
    assert_eq!(traced(fixture), "given Input:password\n");
}

#[test]
fn terragrunt_files_are_found_above() {
    let fixture = r#"--- env.hcl
locals { password = "given" }
inputs = { token = "input" }
--- live/db/terragrunt.hcl
include "root" {
  path   = find_in_parent_folders("env.hcl")
  expose = true
}
locals {
  env = read_terragrunt_config("${get_terragrunt_dir()}/../../env.hcl")
}
probe = [include.root.locals.password, local.env.locals.password, local.env.inputs.token]
"#;
    let expected =
        "given Local:password\ngiven Local:env Local:password\ninput Local:env Local:token\n";
    assert_eq!(traced(fixture), expected);
}

#[test]
fn inputs_of_included_files_reach_the_module() {
    let fixture = r#"--- root.hcl
inputs = { password = "from above", token = "both" }
--- live/db/terragrunt.hcl
include "root" {
  path = find_in_parent_folders("root.hcl")
}
terraform { source = "../../modules//db" }
inputs = { token = "own" }
--- live/app/terragrunt.hcl
include "root" {
  path = find_in_parent_folders("root.hcl")
  expose = true
}
terraform { source = "../../modules//app" }
inputs = merge(include.root.inputs, { other = "x" })
probe = merge(include.root.inputs, { other = "x" }).password
--- modules/app/main.tf
variable "password" {}
--- modules/db/main.tf
variable "password" {}
variable "token" {}
resource "t_x" "n" { probe = [var.password, var.token] }
"#;
    assert_eq!(
        traced(fixture),
        "from above Local:password\nfrom above Input:password\nown Input:token\n"
    );
}

#[test]
fn outputs_of_terragrunt_dependencies_are_followed() {
    let fixture = r#"--- live/app/terragrunt.hcl
dependency "db" { config_path = "../db" }
probe = [dependency.db.outputs.password, dependency.db.outputs.nothing, dependency.x.outputs.y]
--- live/db/terragrunt.hcl
terraform { source = "../../modules//db" }
--- modules/db/main.tf
output "password" { value = random_password.x.result }
"#;
    assert_eq!(
        traced(fixture),
        "<- dependency.db.outputs.nothing\n<- dependency.x.outputs.y\n<- random_password.x.result\n"
    );
}

#[test]
fn iterators_of_dynamic_blocks_stand_for_elements() {
    let fixture = r#"--- main.tf
resource "t_x" "n" {
  dynamic "setting" {
    for_each = [{ p = "a", q = "b" }]
    content {
      probe = setting.value.p
    }
  }
  dynamic "other" {
    for_each = { k = "c" }
    iterator = it
    content {
      probe = [it.value, other.value, it.key]
    }
  }
}
"#;
    let files = files(fixture);
    let workspace = Workspace::build(&files, &NoEnvironments);
    let module = &workspace.modules()[0];
    let mut found = Vec::new();
    each_position(&module.blocks[0], &mut |position| {
        if position.key() == "probe" && position.via.is_empty() {
            let trace = trace(&workspace, module, position.block, position.expr);
            let literals = trace
                .literals
                .iter()
                .map(|literal| literal.text.to_string());
            found.extend(literals);
            let sources = trace.sources.iter();
            found.extend(sources.map(|source| source.reference.address()));
        }
    });
    assert_eq!(found, ["a", "c", "other.value", "it.key"]);
}

#[test]
fn templates_take_the_variables_that_they_use() {
    let fixture = r#"--- main.tf
resource "t_x" "n" {
  probe = templatefile("${path.module}/init.tftpl", { used = "a", unused = "b" })
}
resource "t_y" "n" {
  probe = templatefile("elsewhere.tftpl", { c = "c" })
}
--- init.tftpl
export X=${used} # unused
"#;
    assert_eq!(traced(fixture), "~a\n~c\n");
}

#[test]
fn lock_files_hold_exact_versions() {
    let fixture = r#"--- main.tf
terraform {
  required_providers {
    cloud = { source = "acme/cloud" }
  }
}
--- .terraform.lock.hcl
provider "registry.terraform.io/hashicorp/aws" {
  version = "5.31.0"
}
provider "registry.terraform.io/acme/cloud" {
  version = "1.2.3"
}
"#;
    let files = files(fixture);
    let workspace = Workspace::build(&files, &NoEnvironments);
    let module = &workspace.modules()[0];
    let version = |name: &str| module.locked_version(name).map(|locked| &*locked.text);
    assert_eq!(version("aws"), Some("5.31.0"));
    assert_eq!(version("cloud"), Some("1.2.3"));
    assert_eq!(version("google"), None);
    assert!(module.blocks_of(Role::Provider).next().is_none());
}

#[test]
fn for_variables_stand_for_elements() {
    let cases = [
        (r#"[for v in ["a", "b"] : v]"#, "a\nb\n"),
        (
            r#"{ for k, v in { x = { p = "a", q = "b" } } : k => v.p }"#,
            "a\n",
        ),
        (r#"[for v in [for v in ["a"] : { w = v }] : v.w]"#, "a\n"),
        (r#"[for user_x in [{ p = "a" }] : user_x.p]"#, "a\n"),
        (r#"[for v in v : v]"#, "<- v\n"),
        (
            r#"[for i in flatten([for a in ["x"] : [for b in ["y"] : { p = b, q = a }]]) : i.p]"#,
            "y\n",
        ),
        (r#"flatten([[{ p = "a", q = "b" }]])[0].p"#, "a\n"),
    ];
    for (expr, expected) in cases {
        let fixture = format!("--- main.tf\nresource \"t_x\" \"n\" {{ probe = {expr} }}\n");
        assert_eq!(traced(&fixture), expected, "{expr}");
    }
}

#[test]
fn functions_pass_on_what_they_keep() {
    let cases = [
        (r#"coalesce(var.none, "a")"#, "a\n<- var.none\n"),
        (r#"format("%s-x", "a")"#, "~%s-x\n~a\n"),
        (r#""pre-${"a"}""#, "~pre-\n~a\n"),
        (r#""${"a"}""#, "a\n"),
        (r#"lookup({ k = "a", l = "b" }, "k", "c")"#, "a\nc\n"),
        (r#"{ k = "a", l = "b" }["k"]"#, "a\n"),
        (r#"["a", "b"][1]"#, "b\n"),
        (r#"merge({ k = "a" }, { l = "b" }).l"#, "b\n"),
        (r#"element(["a", "b"], 0)"#, "a\nb\n"),
        (r#"sha256("a")"#, "...\n"),
        (
            r#"var.c ? "a" : data.t_y.z.value"#,
            "a\n<- data.t_y.z.value\n",
        ),
        (r#"sensitive(base64encode("a"))"#, "~a\n"),
        (
            r#"random_password.p.result"#,
            "<- random_password.p.result\n",
        ),
        (r#"null"#, ""),
        (r#"42"#, "42\n"),
    ];
    for (expr, expected) in cases {
        let fixture = format!("--- main.tf\nresource \"t_x\" \"n\" {{ probe = {expr} }}\n");
        assert_eq!(traced(&fixture), expected, "{expr}");
    }
}

#[test]
fn each_value_is_the_collection() {
    let fixture = r#"--- main.tf
locals { users = { a = { password = "one" }, b = { password = "two" } } }
resource "t_x" "n" {
  for_each = local.users
  probe    = each.value.password
}
"#;
    assert_eq!(
        traced(fixture),
        "one Collection:for_each Local:users\ntwo Collection:for_each Local:users\n"
    );
}

#[test]
fn cycles_end() {
    let fixture = r#"--- main.tf
locals { a = local.b, b = [local.a, "x"] }
module "m" {
  source = "./"
  v      = module.m.o
}
variable "v" {}
output "o" { value = coalesce(var.v, local.a) }
resource "t_x" "n" { probe = module.m.o }
"#;
    let fixture = fixture.replace(
        "locals { a = local.b, b = [local.a, \"x\"] }",
        "locals {\n a = local.b\n b = [local.a, \"x\"]\n}",
    );
    assert_eq!(traced(&fixture).matches('x').count(), 1);
}

#[test]
fn searches_are_bounded() {
    let mut fixture =
        String::from("--- main.tf\nresource \"t_x\" \"n\" { probe = local.l0 }\nlocals {\n");
    for n in 0..2000 {
        writeln!(fixture, "  l{n} = [local.l{}, local.l{}]", n + 1, n + 2).unwrap();
    }
    fixture.push_str("}\n");
    assert!(
        traced(&fixture).ends_with("...\n"),
        "the answer says that it is not complete"
    );
}

#[test]
fn deep_nesting_does_not_overflow() {
    let deep = format!(
        "--- main.tf\nresource \"t_x\" \"n\" {{ probe = {}1{} }}\n",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    traced(&deep);
    leaves(&deep);
}

#[test]
fn environments_come_from_paths_then_from_statements() {
    let fixture = r#"--- prod/main.tf
--- a/main.tf
locals { environment = "dev" }
--- b/main.tf
terraform {
  backend "s3" { key = "x/prod/y.tfstate" }
}
--- c/main.tf
"#;
    let files = files(fixture);
    let workspace = Workspace::build(&files, &ByFirstFolder);
    let names: Vec<Option<&str>> = files
        .iter()
        .map(|file| {
            workspace
                .environment(file.id)
                .map(|environment| &*environment.name)
        })
        .collect();
    assert_eq!(names, [Some("prod"), Some("dev"), Some("prod"), None]);
}

#[test]
fn requirements_are_read_in_both_forms() {
    let fixture = r#"--- main.tf
terraform {
  required_version = ">= 1.11"
  required_providers {
    aws    = { source = "hashicorp/aws", version = "~> 5.0" }
    random = "3.1"
  }
  backend "s3" {}
}
provider "google" { version = "4.0" }
"#;
    let files = files(fixture);
    let workspace = Workspace::build(&files, &NoEnvironments);
    let module = &workspace.modules()[0];
    let version = |name: &str| {
        module
            .provider_constraint(name)
            .map(|constraint| constraint.text.clone().into_owned())
    };
    assert_eq!(module.requirements.core[0].text, ">= 1.11");
    assert_eq!(version("aws").as_deref(), Some("~> 5.0"));
    assert_eq!(version("random").as_deref(), Some("3.1"));
    assert_eq!(version("google").as_deref(), Some("4.0"));
    assert_eq!(module.requirements.backend.as_deref(), Some("s3"));
}

#[test]
fn embedded_text_keeps_its_place() {
    let files = files(
        "--- main.tf\nresource \"t_x\" \"n\" {\n  user_data = <<-EOT\n    export DB_PASSWORD=hunter2\n  EOT\n}\n",
    );
    let workspace = Workspace::build(&files, &NoEnvironments);
    let block = &workspace.modules()[0].blocks[0];
    let embedded = Embedded::of(&files[0], block.value("user_data").unwrap()).unwrap();
    let pair = embedded.pairs().next().unwrap();
    let place = embedded.place(pair.start, pair.start + pair.value.len());
    assert_eq!(pair.key, "DB_PASSWORD");
    assert_eq!(
        &files[0].text()[place.start as usize..place.end as usize],
        "hunter2"
    );
}

proptest::proptest! {
    /// Whatever stands in the files: facts are built, walked and traced without a panic, and every
    /// place is inside its file.
    #[test]
    fn any_text_has_facts(
        main in "(variable \"a\" \\{|locals \\{|output \"o\" \\{|module \"m\" \\{|source = \"[.]/\"|a = |default = |value = |local[.]a|var[.]a|module[.]m[.]o|each[.]value|<<-E\n|\nE\n|\\$\\{|\\}|\\[|\\]|\"|for v in |: v|merge\\(|\\)|password=ä|\n|,| ){0,60}",
        vars in "(a = |\"|\\{|\\}|ä|\\[|\n){0,20}",
        state in "(\\{|\\}|\\[|\\]|\"resources\":|\"instances\":|\"attributes\":|\"a\"|,|:|1){0,30}",
    ) {
        let texts = [("main.tf", &main), ("x.tfvars", &vars), ("y.tfstate", &state), ("z.tf.json", &state), ("terragrunt.hcl", &main)];
        let file = |(index, (path, text)): (usize, &(&str, &String))| {
            SourceFile::new(FileId(index as u32), *path, FileKind::of(path).unwrap(), text.as_str())
        };
        let files: Vec<SourceFile> = texts.iter().enumerate().map(file).collect();
        let workspace = Workspace::build(&files, &ByFirstFolder);
        let inside = |place: crate::finding::Place| {
            let text = files[place.file.0 as usize].text();
            text.get(place.start as usize..place.end as usize).is_some()
        };
        for module in workspace.modules() {
            for block in &module.blocks {
                each_position(block, &mut |position| {
                    assert!(inside(position.place()) && inside(position.attribute_place()));
                    for literal in trace(&workspace, module, position.block, position.expr).literals {
                        assert!(inside(literal.place) && literal.way.iter().all(|hop| inside(hop.place)));
                    }
                    if let Some(embedded) = Embedded::of(block.file, position.expr) {
                        for pair in embedded.pairs() {
                            assert!(inside(embedded.place(pair.start, pair.start + pair.value.len())));
                        }
                    }
                });
            }
        }
    }
}
