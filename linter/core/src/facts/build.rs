//! Files of one folder -> [`Module`]. One pass over the top-level blocks; expressions are only
//! pointed at, not walked.

use std::borrow::Cow;
use std::sync::OnceLock;

use hcl_syntax::{Expr, Span};

use crate::facts::block::{Attribute, Block, Content, Label, Role, is_true, members, objects};
use crate::facts::constant::constant_string;
use crate::facts::file::{FileKind, SourceFile};
use crate::facts::module::{
    Assignment, BlockId, Call, Constraint, Local, Locked, Module, ModuleId, Output,
    ProviderRequirement, Requirements, Variable,
};
use crate::facts::records::record_blocks;
use crate::facts::uses::Uses;

/// Arguments of a `module` block that are no inputs of the module.
const META_ARGUMENTS: &[&str] = &[
    "source",
    "version",
    "providers",
    "for_each",
    "count",
    "depends_on",
    "path",
];

impl<'a> Module<'a> {
    /// The facts of a folder. `files` are all of one folder, sorted by path.
    #[must_use]
    pub fn build(id: ModuleId, path: &'a str, files: Vec<&'a SourceFile>) -> Self {
        let mut module = Self {
            id,
            path,
            files,
            blocks: Vec::new(),
            variables: Vec::new(),
            locals: Vec::new(),
            outputs: Vec::new(),
            calls: Vec::new(),
            assignments: Vec::new(),
            requirements: Requirements::default(),
            names: OnceLock::new(),
            uses: Uses::default(),
        };
        for index in 0..module.files.len() {
            let file = module.files[index];
            match file.kind {
                FileKind::Lock => module.requirements.locked.extend(locked(file)),
                FileKind::Text => {}
                FileKind::PlanJson | FileKind::StateJson => record_blocks(file, &mut module.blocks),
                FileKind::TerraformJson => json_blocks(file, &mut module.blocks),
                _ => native_blocks(file, &mut module.blocks),
            }
        }
        for index in 0..module.blocks.len() {
            // What is recorded declares nothing: its names must not shadow the configuration's.
            if !module.blocks[index].file.kind.is_record() {
                module.register(BlockId(index as u32));
            }
        }
        module
    }

    fn register(&mut self, id: BlockId) {
        // Contents are small views; copying them ends the borrow of the block list.
        let block = &self.blocks[id.0 as usize];
        let (content, role) = (block.content, block.role);
        let name = || {
            block
                .first
                .as_ref()
                .map_or(Cow::Borrowed(""), |label| label.text.clone())
        };
        match role {
            Role::Variable => {
                self.variables.push(variable(id, name(), content));
            }
            Role::Output => {
                self.outputs.push(output(id, name(), content));
            }
            Role::Locals => self.register_locals(id),
            Role::Module => {
                self.calls.push(call(id, name(), content));
            }
            Role::Provider => self.register_provider(id),
            Role::Terraform => self.register_terraform(id),
            Role::File => self.register_file(id),
            Role::Resource | Role::Data | Role::Ephemeral | Role::Source | Role::Other => {}
        }
    }

    fn register_locals(&mut self, id: BlockId) {
        let block = &self.blocks[id.0 as usize];
        let found: Vec<Local<'a>> = match &block.first {
            // Packer's `local "name" { expression = … }`.
            Some(label) => block
                .value("expression")
                .map(|value| Local {
                    block: id,
                    name: label.text.clone(),
                    name_span: label.span,
                    value,
                })
                .into_iter()
                .collect(),
            None => block
                .content
                .attributes()
                .map(|attribute| Local {
                    block: id,
                    name: attribute.name,
                    name_span: attribute.name_span,
                    value: attribute.value,
                })
                .collect(),
        };
        self.locals.extend(found);
    }

    fn register_provider(&mut self, id: BlockId) {
        let block = &self.blocks[id.0 as usize];
        let Some(version) = block
            .value("version")
            .and_then(|expr| constraint(block.file, expr))
        else {
            return;
        };
        let name = block
            .first
            .as_ref()
            .map_or(Cow::Borrowed(""), |label| label.text.clone());
        self.requirements.providers.push(ProviderRequirement {
            name,
            source: None,
            version: Some(version),
        });
    }

    fn register_terraform(&mut self, id: BlockId) {
        let block = &self.blocks[id.0 as usize];
        let (file, content) = (block.file, block.content);
        if let Some(core) = block
            .value("required_version")
            .and_then(|expr| constraint(file, expr))
        {
            self.requirements.core.push(core);
        }
        for required in content.blocks("required_providers") {
            self.requirements.providers.extend(
                required
                    .attributes()
                    .map(|attribute| requirement(file, attribute)),
            );
        }
        if self.requirements.backend.is_none() {
            self.requirements.backend = backend(content);
        }
        // Terragrunt: `terraform { source = "../modules//db" }` is given the file's `inputs`.
        if file.kind == FileKind::Terragrunt
            && let Some(source) = block.value("source").and_then(constant_string)
        {
            let inputs =
                file_value(&self.blocks, file, "inputs").map(|expr| members(expr).collect());
            self.calls.push(Call {
                block: id,
                name: Cow::Borrowed(""),
                source: Some(source),
                version: None,
                inputs: inputs.unwrap_or_default(),
                target: None,
            });
        }
    }

    fn register_file(&mut self, id: BlockId) {
        let block = &self.blocks[id.0 as usize];
        let file = block.file;
        if !file.kind.is_variable_file() {
            return;
        }
        for attribute in block.content.attributes() {
            self.assignments.push(Assignment {
                block: id,
                attribute,
            });
        }
    }
}

fn variable<'a>(block: BlockId, name: Cow<'a, str>, content: Content<'a>) -> Variable<'a> {
    let mut variable = Variable {
        block,
        name,
        default: None,
        kind: None,
        sensitive: false,
        ephemeral: false,
    };
    for attribute in content.attributes() {
        match &*attribute.name {
            "default" => variable.default = Some(attribute.value),
            "type" => variable.kind = Some(attribute.value),
            "sensitive" => variable.sensitive = is_true(attribute.value),
            "ephemeral" => variable.ephemeral = is_true(attribute.value),
            _ => {}
        }
    }
    variable
}

fn output<'a>(block: BlockId, name: Cow<'a, str>, content: Content<'a>) -> Output<'a> {
    let mut output = Output {
        block,
        name,
        value: None,
        sensitive: false,
        ephemeral: false,
    };
    for attribute in content.attributes() {
        match &*attribute.name {
            "value" => output.value = Some(attribute.value),
            "sensitive" => output.sensitive = is_true(attribute.value),
            "ephemeral" => output.ephemeral = is_true(attribute.value),
            _ => {}
        }
    }
    output
}

fn call<'a>(block: BlockId, name: Cow<'a, str>, content: Content<'a>) -> Call<'a> {
    let mut call = Call {
        block,
        name,
        source: None,
        version: None,
        inputs: Vec::new(),
        target: None,
    };
    for attribute in content.attributes() {
        match &*attribute.name {
            "source" => call.source = constant_string(attribute.value),
            "version" => call.version = constant_string(attribute.value),
            // Terragrunt's `unit` and `stack` hand over `values`.
            "values" => call.inputs.extend(members(attribute.value)),
            name if META_ARGUMENTS.contains(&name) => {}
            _ => call.inputs.push(attribute),
        }
    }
    call
}

fn constraint<'a>(file: &SourceFile, expr: Expr<'a>) -> Option<Constraint<'a>> {
    Some(Constraint {
        text: constant_string(expr)?,
        place: file.place(expr.span()),
    })
}

fn requirement<'a>(file: &SourceFile, attribute: Attribute<'a>) -> ProviderRequirement<'a> {
    let mut requirement = ProviderRequirement {
        name: attribute.name,
        source: None,
        version: None,
    };
    // Old form: `aws = "~> 2.0"`.
    requirement.version = constraint(file, attribute.value);
    for member in members(attribute.value) {
        match &*member.name {
            "source" => requirement.source = constant_string(member.value),
            "version" => requirement.version = constraint(file, member.value),
            _ => {}
        }
    }
    requirement
}

/// `provider "registry.terraform.io/hashicorp/aws" { version = "5.100.0" }` of a lock file.
fn locked(file: &SourceFile) -> impl Iterator<Item = Locked<'_>> {
    let providers = file.parsed.body().blocks_of("provider");
    providers.filter_map(|provider| {
        let version = provider.body().attribute("version")?;
        Some(Locked {
            source: provider.label(0)?.text,
            version: constraint(file, version.value())?,
        })
    })
}

fn backend(content: Content<'_>) -> Option<Cow<'_, str>> {
    match content {
        Content::Native(body) => body.blocks().find_map(|block| match block.kind() {
            "backend" => block.labels().next().map(|label| label.text),
            "cloud" => Some(Cow::Borrowed("cloud")),
            _ => None,
        }),
        Content::Json(_) => match content.attribute("backend") {
            Some(backend) => members(backend.value).next().map(|member| member.name),
            None => content.attribute("cloud").map(|cloud| cloud.name),
        },
    }
}

/// The value of a file's own attribute. File blocks come first among the blocks of their file.
fn file_value<'a>(blocks: &[Block<'a>], file: &SourceFile, name: &str) -> Option<Expr<'a>> {
    let own = blocks
        .iter()
        .rev()
        .find(|block| block.role == Role::File && block.file.id == file.id)?;
    own.value(name)
}

fn native_blocks<'a>(file: &'a SourceFile, out: &mut Vec<Block<'a>>) {
    let json = file.kind.is_json();
    let content = if json {
        match file.parsed.root_expr() {
            Some(expr) => Content::Json(expr),
            None => return,
        }
    } else {
        Content::Native(file.parsed.body())
    };
    if content.attributes().next().is_some() {
        out.push(file_block(file, content));
    }
    if json {
        return;
    }
    out.extend(file.parsed.body().blocks().map(|block| {
        let mut labels = block.labels().map(|label| Label {
            text: label.text,
            span: label.span,
        });
        let (first, second) = (labels.next(), labels.next());
        let (keyword, span) = (block.kind(), block.span());
        let header = match second.as_ref().or(first.as_ref()) {
            Some(last) if labels.next().is_none() => Span {
                start: span.start,
                end: last.span.end,
            },
            _ => block.header_span(),
        };
        Block {
            file,
            role: Role::of(keyword),
            keyword: Cow::Borrowed(keyword),
            first,
            second,
            content: Content::Native(block.body()),
            header,
            span,
        }
    }));
}

fn file_block<'a>(file: &'a SourceFile, content: Content<'a>) -> Block<'a> {
    let end = file.text().len() as u32;
    Block {
        file,
        role: Role::File,
        keyword: Cow::Borrowed(""),
        first: None,
        second: None,
        content,
        header: Span { start: 0, end: 0 },
        span: Span { start: 0, end },
    }
}

/// `{"resource": {"type": {"name": {…}}}}`: the depth of labels depends on the keyword.
fn json_blocks<'a>(file: &'a SourceFile, out: &mut Vec<Block<'a>>) {
    let Some(root) = file.parsed.root_expr() else {
        return;
    };
    for keyword in objects(root).flat_map(members) {
        let role = Role::of(&keyword.name);
        let depth = match role {
            Role::Resource | Role::Data | Role::Ephemeral => 2,
            Role::Variable | Role::Output | Role::Provider | Role::Module => 1,
            _ => 0,
        };
        json_labelled(file, &keyword, depth, out);
    }
}

fn json_labelled<'a>(
    file: &'a SourceFile,
    keyword: &Attribute<'a>,
    depth: u8,
    out: &mut Vec<Block<'a>>,
) {
    let role = Role::of(&keyword.name);
    let mut push =
        |first: Option<Label<'a>>, second: Option<Label<'a>>, header: Span, value: Expr<'a>| {
            out.extend(objects(value).map(|object| Block {
                file,
                role,
                keyword: keyword.name.clone(),
                first: first.clone(),
                second: second.clone(),
                content: Content::Json(object),
                header,
                span: Span {
                    start: header.start,
                    end: object.span().end,
                },
            }));
        };
    if depth == 0 {
        return push(None, None, keyword.name_span, keyword.value);
    }
    for first in objects(keyword.value).flat_map(members) {
        let label = Label {
            text: first.name.clone(),
            span: first.name_span,
        };
        if depth == 1 {
            push(Some(label), None, first.name_span, first.value);
            continue;
        }
        for second in objects(first.value).flat_map(members) {
            let name = Label {
                text: second.name.clone(),
                span: second.name_span,
            };
            push(
                Some(label.clone()),
                Some(name),
                second.name_span,
                second.value,
            );
        }
    }
}
