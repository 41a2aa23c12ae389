//! `unmarked-secret-variable`: a variable holds a secret and is not marked.

use secretlint_core::facts::{
    Attribute, Block, BlockId, FileKind, Position, Role, Step, Subject, Variable, Via, Visitor,
    constant_text, members, peel, visit_positions,
};
use secretlint_core::{
    Applicability, Cx, Family, Finding, Hooks, Rank, Rule, RuleMeta, Severity, Sink,
};

use hcl_syntax::{Expr, ExprKind, Span};
use rustc_hash::FxHashSet;

use crate::semantic::describe::{Texts, rule};
use crate::semantic::pointer::{describes_pointer, filled_variable, is_approle, is_pointer};
use crate::semantic::repair::add_line;
use crate::values::{Judgement, Kind, Other, is_one_of, judge, last_word, line_before, meaning_of};

static META: RuleMeta = rule(
    "unmarked-secret-variable",
    Family::Flow,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A variable that holds a secret is neither `sensitive` nor `ephemeral`",
        why: "Terraform prints its value in plans, errors and logs.",
        help: "Add `ephemeral = true` where the value only reaches write-only arguments and providers, else `sensitive = true`.",
        docs: r#"
```hcl,expect
variable "database_password" {
  type = string
}
```

```hcl
variable "database_password" {
  type      = string
  sensitive = true
}

variable "database_password_length" {
  type = number
}
```

Variables that only pass on the name, path or ARN of a secret are recognised by their type, default, description and use.

## False alarms

A variable that takes the name of a secret and neither its type nor its description says so.

## References

- <https://developer.hashicorp.com/terraform/language/values/variables#suppressing-values-in-cli-output>
"#,
    },
);

/// The rule.
pub(crate) struct UnmarkedSecretVariable;

impl Rule for UnmarkedSecretVariable {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::MODULE
    }

    fn module(&self, cx: &Cx<'_, '_>, sink: &mut Sink) {
        let candidates: Vec<&Variable<'_>> = cx
            .module
            .variables
            .iter()
            .filter(|variable| is_candidate(cx, variable) || is_other_candidate(cx, variable))
            .collect();
        if candidates.is_empty() {
            return;
        }
        let names = used_as_names(cx, &candidates);
        for variable in candidates
            .into_iter()
            .filter(|variable| !names.contains(&*variable.name))
        {
            let block = cx.module.block(variable.block);
            let message = format!("`{}` holds a secret and is not marked", block.address());
            let mut finding = Finding::new(&META, block.header_place(), block.address(), message);
            // Unsafe: outputs that show the value must be marked as well, or the next plan fails.
            let mark = ("Mark the variable as sensitive", Applicability::Unsafe);
            finding
                .fixes
                .extend(add_line(block, "sensitive = true", mark));
            sink.report(finding);
        }
    }
}

fn is_candidate<'a>(cx: &Cx<'_, 'a>, variable: &Variable<'a>) -> bool {
    let block = cx.module.block(variable.block);
    // Variables of Nomad jobs and packs cannot be marked.
    if matches!(
        block.file.kind,
        FileKind::Nomad | FileKind::Terragrunt | FileKind::Backend
    ) {
        return false;
    }
    let Some(meaning) = meaning_of(&variable.name) else {
        return false;
    };
    if !(meaning.strong
        || meaning.kind == Kind::Webhook
        || has_secret_member(variable)
        || describes_a_secret(block))
        || variable.sensitive
        || variable.ephemeral
    {
        return false;
    }
    !is_marked(block)
        && holds_text(variable, meaning.kind)
        && !describes_a_name(block)
        && !is_object(cx, variable)
}

fn is_marked(block: &Block<'_>) -> bool {
    ["sensitive", "ephemeral"].iter().any(|name| {
        block
            .value(name)
            .is_some_and(|value| value.text() != "false")
    })
}

/// What is secret although the name alone does not say so: keys of programs, structures with a secret in them.
fn is_other_candidate<'a>(cx: &Cx<'_, 'a>, variable: &Variable<'a>) -> bool {
    let block = cx.module.block(variable.block);
    let terraform = block.file.kind.is_terraform();
    let key = || {
        (is_key_of_program(&variable.name) || is_document_of_credentials(variable, block))
            && holds_text(variable, Kind::Key)
    };
    terraform
        && !variable.sensitive
        && !variable.ephemeral
        && (key() || is_structure(cx, variable))
        && !is_marked(block)
        && !describes_a_name(block)
}

/// `github_pat`, `datadog_app_key`: other programs call something else so.
fn is_key_of_program(name: &str) -> bool {
    const ENDS: &[&str] = &[
        "analytics_workspace_key",
        "azdo_pat",
        "datadog_app_key",
        "dd_app_key",
        "devops_pat",
        "gh_pat",
        "github_pat",
        "gitlab_pat",
        "gossip_encryption_key",
        "netbird_setup_key",
        "pagerduty_key",
        "pagerduty_service_key",
        "service_account_key",
        "storage_account_key",
    ];
    ENDS.iter().any(|end| {
        name.strip_suffix(end)
            .is_some_and(|before| before.is_empty() || before.ends_with('_'))
    })
}

/// `onepassword_credentials_json`, `google_credentials` with `"The service account's key in JSON"`: the text, where
/// others are paths to it.
fn is_document_of_credentials(variable: &Variable<'_>, block: &Block<'_>) -> bool {
    const FORMS: &[&str] = &["json", "b64", "base64"];
    let credentials = meaning_of(&variable.name)
        .is_some_and(|meaning| meaning.kind == Kind::Credentials && !meaning.strong);
    if !credentials {
        return false;
    }
    let description = block.value("description").and_then(constant_text);
    let description = description.unwrap_or_default().to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| description.contains(word));
    let form = is_one_of(last_word(&variable.name), FORMS) || says(&["json", "base64"]);
    form && !says(&["path", "file", "name of", "location"])
}

/// `object({ host = string, password = string })`, and maps and lists of those that nothing runs over: what
/// is sensitive cannot be run over.
fn is_structure<'a>(cx: &Cx<'_, 'a>, variable: &Variable<'a>) -> bool {
    let mut kind = variable.kind.map(peel);
    let mut several = false;
    let fields = loop {
        let Some(ExprKind::Call(call)) = kind.map(Expr::kind) else {
            return false;
        };
        kind = call.args().next().map(peel);
        match call.name() {
            "object" => break kind,
            "map" | "list" | "set" => several = true,
            _ => return false,
        }
    };
    let fields: Vec<Attribute<'a>> = fields.into_iter().flat_map(members).collect();
    let secret = |field: &Attribute<'a>| {
        meaning_of(&field.name).is_some_and(|meaning| {
            meaning.strong && matches!(meaning.kind, Kind::Password | Kind::PrivateKey)
        }) && takes_text(field, fields.len())
            && !is_given_otherwise(variable, &field.name)
    };
    let subject = Subject::Variable(variable.name.clone());
    fields.iter().any(secret)
        && !(several
            && cx
                .module
                .uses_of(&subject)
                .iter()
                .any(|found| found.attribute.name == "for_each"))
}

/// `string`, `optional(string)`: among many settings an optional password is rarely given.
fn takes_text(field: &Attribute<'_>, fields: usize) -> bool {
    const MANY: usize = 8;
    match field.value.text() {
        "string" => true,
        "optional(string)" => fields <= MANY,
        _ => false,
    }
}

/// `default = { private_key = "key" }`: the name of a file, a setting.
fn is_given_otherwise(variable: &Variable<'_>, name: &str) -> bool {
    let given = variable
        .default
        .into_iter()
        .flat_map(members)
        .find(|member| member.name == name);
    given
        .and_then(|member| constant_text(member.value))
        .zip(meaning_of(name))
        .is_some_and(|(text, meaning)| {
            let judgement = judge(&text, meaning.kind, name, false);
            matches!(judgement, Judgement::NotSecret(other) if other != Other::Empty)
        })
}

/// A variable without a type that is called `secret` and takes blocks, or an object that is one.
fn is_object<'a>(cx: &Cx<'_, 'a>, variable: &Variable<'a>) -> bool {
    let typed = variable
        .kind
        .is_some_and(|kind| kind.text().contains("string"));
    if typed || !last_word(&variable.name).eq_ignore_ascii_case("secret") {
        return false;
    }
    let empty = variable
        .default
        .is_some_and(|default| match default.kind() {
            ExprKind::Object(object) => object.items().next().is_none(),
            ExprKind::Tuple(list) => list.elements().next().is_none(),
            _ => false,
        });
    let parts = ["metadata", "name", "arn", "id"];
    let subject = Subject::Variable(variable.name.clone());
    empty
        || cx.module.uses_of(&subject).iter().any(|found| {
            matches!(found.reference.path.first(), Some(Step::Key(key)) if parts.contains(&&**key))
        })
}

/// `default = { username = "…", password = "…" }`.
fn has_secret_member(variable: &Variable<'_>) -> bool {
    variable
        .default
        .into_iter()
        .flat_map(members)
        .any(|member| {
            let Some(meaning) = meaning_of(&member.name) else {
                return false;
            };
            let text = constant_text(member.value);
            meaning.strong
                && text.is_some_and(|text| {
                    !matches!(
                        judge(&text, meaning.kind, &member.name, false),
                        Judgement::NotSecret(_)
                    )
                })
        })
}

/// A text, or a map or list of texts; not a switch, a number or an object of settings.
fn holds_text(variable: &Variable<'_>, kind: Kind) -> bool {
    if let Some(declared) = variable.kind {
        let text = declared.text().trim_matches('"');
        if matches!(text, "bool" | "number") || text.contains("object(") && !text.contains("string")
        {
            return false;
        }
        if text.contains("object(") || text.contains("bool") {
            return false;
        }
    }
    let Some(default) = variable.default else {
        return true;
    };
    match default.kind() {
        ExprKind::Bool(_) => false,
        ExprKind::Number(_) => kind == Kind::Password,
        _ => match constant_text(default) {
            // `${{ secrets.TOKEN }}` of GitHub: what is written out is no secret.
            Some(text) if text.starts_with("${{") => false,
            Some(text) => !matches!(
                judge(&text, kind, &variable.name, false),
                Judgement::NotSecret(
                    Other::Path
                        | Other::Reference
                        | Other::Identifier
                        | Other::Encrypted
                        | Other::Setting
                        | Other::Number
                        | Other::Name
                        | Other::Characters
                        | Other::Public
                )
            ),
            None => true,
        },
    }
}

/// `"Personal access token for GitHub"`, `"Datadog application key"`, below a name that says little.
fn describes_a_secret(block: &Block<'_>) -> bool {
    const WHAT: &[&str] = &[
        "access token",
        "app key",
        "application key",
        "account key",
        "service account key",
        "access key",
    ];
    const NOT: &[&str] = &["path", "file", "kms", " id", "arn", "identifier", "map"];
    let Some(text) = block.value("description").and_then(constant_text) else {
        return false;
    };
    let text = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    has(WHAT) && !has(NOT)
}

/// `description = "Name of the secret …"`, `"Path to the key"`.
fn describes_a_name(block: &Block<'_>) -> bool {
    let Some(description) = block.value("description").and_then(constant_text) else {
        return false;
    };
    if describes_pointer(&description) {
        return true;
    }
    let description = description.to_ascii_lowercase();
    const MARKS: &[&str] = &[
        "name of",
        "path to",
        "path of",
        "arn of",
        "arns of",
        "id of",
        "file containing",
        "location of",
        "whether",
        "where to store",
        "reference to",
        "filename",
        "secret name",
        "parameter name",
        "ssm parameter",
        "the arn",
        "secret arn",
        "number of",
        "length of",
        "path for",
        "vault path",
        "key vault secret id",
        "url of the secret",
        "if true",
        "set to true",
        "path where",
        "file path",
        "the name",
        "relative path",
        "full path",
        "path in ",
        "names of",
    ];
    // At the beginning of a word: "the username of …" is not "the name of …".
    MARKS.iter().any(|mark| {
        description.match_indices(mark).any(|(at, _)| {
            !description[..at].ends_with(|before: char| before.is_ascii_alphanumeric())
        })
    })
}

/// Is shown what stands in items with one of these places.
struct Around<'v, 'a> {
    places: &'v [(BlockId, Span)],
    visit: &'v mut dyn FnMut(&Position<'_, 'a>),
}

impl<'a> Visitor<'a> for Around<'_, 'a> {
    fn enters(&mut self, item: Span, _: bool) -> bool {
        let mut places = self.places.iter();
        places.any(|(_, place)| item.start <= place.start && place.end <= item.end)
    }

    fn position(&mut self, position: &Position<'_, 'a>) {
        (self.visit)(position);
    }
}

/// Those of some variables, and maybe others, whose value is given, as a whole, to an argument that takes a
/// name.
fn used_as_names<'a>(cx: &Cx<'_, 'a>, variables: &[&Variable<'a>]) -> FxHashSet<&'a str> {
    const TAKES_NAME: &[&str] = &[
        "name",
        "secret_id",
        "secret_name",
        "parameter_name",
        "path",
        "arn",
        "secret_arn",
        "valueFrom",
        "value_from",
        "key_name",
        "filename",
        "secret",
        "name_prefix",
    ];
    let uses = variables
        .iter()
        .flat_map(|variable| cx.module.uses_of(&Subject::Variable(variable.name.clone())));
    let mut places: Vec<_> = uses.map(|found| (found.block, found.expr.span())).collect();
    places.sort_unstable_by_key(|(block, place)| (*block, place.start));
    let mut rest = &places[..];
    let mut names = FxHashSet::default();
    for (id, block) in (0..).map(BlockId).zip(&cx.module.blocks) {
        let own = rest.partition_point(|(used, _)| *used == id);
        let places;
        (places, rest) = rest.split_at(own);
        if places.is_empty() && !block.file.kind.is_json() {
            continue;
        }
        let takes = match block.role {
            Role::Data => true,
            Role::Resource | Role::Module | Role::Locals => false,
            _ => continue,
        };
        let mut visit = |position: &Position<'_, 'a>| {
            let ExprKind::Traversal(traversal) = position.expr.kind() else {
                return;
            };
            if traversal.root() != "var" {
                // `file(var.private_key)` below is a call; other roots say nothing.
                return;
            }
            let Some(name) = traversal
                .steps()
                .next()
                .and_then(hcl_syntax::Step::attribute)
            else {
                return;
            };
            let file = position.via.iter().any(|via| {
                matches!(
                    via,
                    Via::Argument {
                        function: "file"
                            | "filebase64"
                            | "fileexists"
                            | "pathexpand"
                            | "templatefile",
                        index: 0
                    }
                )
            });
            let key = position.key();
            let written = block.kind() == "local_file" && key == "filename";
            let takes_name = written
                || takes && TAKES_NAME.contains(&key)
                || position.via.is_empty() && (names_secret(key) || is_selected(position))
                || is_part_of_address(position)
                || position.via.is_empty()
                    && filled_variable(cx, position).is_some_and(describes_a_name);
            if file || takes_name {
                names.insert(name);
            }
        };
        let mut around = Around {
            places,
            visit: &mut visit,
        };
        visit_positions(block, &mut around);
    }
    names
}

/// Arguments, and variables of environments, that take the name of a secret: `secret_arn`,
/// `DB_SECRET_NAME`.
fn names_secret(key: &str) -> bool {
    matches!(
        key,
        "valueFrom" | "value_from" | "credentials_parameter" | "secret_id"
    ) || is_pointer(key) && !is_approle(key) && key.to_ascii_lowercase().contains("secret")
}

/// `secret_key_ref { name = var.…, key = var.… }`.
fn is_selected(position: &Position<'_, '_>) -> bool {
    let selects = |name: &str| {
        matches!(
            name,
            "secret_key_ref" | "secretKeyRef" | "secret_ref" | "secretRef"
        )
    };
    matches!(position.key(), "key" | "name") && position.names().any(selects)
}

/// `"arn:aws:secretsmanager:…:secret:${var.…}"`, `"projects/…/secrets/${var.…}"`.
fn is_part_of_address(position: &Position<'_, '_>) -> bool {
    if !matches!(position.via.last(), Some(Via::Template)) {
        return false;
    }
    let start = position.expr.span().start as usize;
    let line = line_before(position.block.file.text(), start);
    let text = &line[line.rfind('"').map_or(0, |at| at + 1)..];
    text.starts_with("arn:") || text.contains("/secrets/")
}
