//! What a text says, told by us and by hcl-edit, as comparable lists.

use hcl_edit::expr::{Expression, ObjectKey, TraversalOperator};
use hcl_edit::structure::{Body as TheirBody, Structure};
use hcl_edit::template::{Directive as TheirDirective, Element, Template as TheirTemplate};
use hcl_syntax::{Body, Expr, ExprKind, Item, Parsed, Part, Step, StepKind, Template, parse};

/// What one text says, in source order.
type Events = Vec<String>;

/// A difference between us and hcl-edit about a text that hcl-edit accepts; `None` when we agree or
/// hcl-edit rejects it.
pub(crate) fn disagreement(text: &str) -> Option<String> {
    let body = hcl_edit::parser::parse_body(text).ok()?;
    let parsed = parse(text);
    if let Some(error) = parsed.errors().first() {
        return Some(format!("we reject it: {error}"));
    }
    let (mut ours, mut theirs) = (our_events(&parsed), Events::new());
    their_body(&body, &mut theirs);
    ours.push("end".to_owned());
    theirs.push("end".to_owned());
    let (us, them) = ours.iter().zip(&theirs).find(|(us, them)| us != them)?;
    Some(format!("we say {us:?}, hcl-edit {them:?}"))
}

fn our_events(parsed: &Parsed) -> Events {
    let mut out = Events::new();
    our_body(parsed.body(), &mut out);
    out
}

fn our_body(body: Body<'_>, out: &mut Events) {
    for item in body.items() {
        match item {
            Item::Attribute(attribute) => {
                out.push(format!("attribute {}", attribute.name()));
                our_expr(attribute.value(), out);
            }
            Item::Block(block) => {
                out.push(format!("block {}", block.kind()));
                out.extend(block.labels().map(|label| format!("label {}", label.text)));
                our_body(block.body(), out);
                out.push("}".to_owned());
            }
        }
    }
}

fn number(text: &str) -> String {
    text.parse::<f64>()
        .map_or_else(|_| text.to_owned(), |n| format!("number {n:e}"))
}

fn our_expr(expr: Expr<'_>, out: &mut Events) {
    match expr.kind() {
        ExprKind::Null => out.push("null".to_owned()),
        ExprKind::Bool(value) => out.push(format!("{value}")),
        ExprKind::Number(text) => out.push(number(text)),
        ExprKind::Template(template) => our_template(template, out),
        ExprKind::Traversal(traversal) => {
            out.push(format!("name {}", traversal.root()));
            traversal.steps().for_each(|step| our_step(step, out));
        }
        ExprKind::Index(index) => {
            our_expr(index.base(), out);
            index.steps().for_each(|step| our_step(step, out));
        }
        ExprKind::Call(call) => {
            out.push(format!("call {} {}", call.name(), call.expand_final()));
            call.args().for_each(|argument| our_expr(argument, out));
            out.push(")".to_owned());
        }
        ExprKind::For(each) => {
            let names = [each.key_name(), each.value_name()];
            out.push(format!("for {names:?} {}", each.groups()));
            let parts = [
                each.collection(),
                each.key(),
                each.value(),
                each.condition(),
            ];
            parts
                .into_iter()
                .flatten()
                .for_each(|part| our_expr(part, out));
        }
        ExprKind::Object(object) => {
            out.push("{".to_owned());
            for (key, value) in object.items() {
                our_expr(key, out);
                our_expr(value, out);
            }
            out.push("}".to_owned());
        }
        ExprKind::Tuple(tuple) => {
            out.push("[".to_owned());
            tuple.elements().for_each(|element| our_expr(element, out));
            out.push("]".to_owned());
        }
        ExprKind::Unary(unary) => match unary.operand().kind() {
            // hcl-edit reads a sign as part of the number.
            ExprKind::Number(_) => out.push(number(expr.text())),
            _ => our_expr(unary.operand(), out),
        },
        ExprKind::Binary(binary) => binary.operands().for_each(|operand| our_expr(operand, out)),
        ExprKind::Missing => out.push("missing".to_owned()),
        _ => expr.children().for_each(|child| our_expr(child, out)),
    }
}

fn our_step(step: Step<'_>, out: &mut Events) {
    match step.kind() {
        StepKind::Attribute(name) => out.push(format!(".{name}")),
        StepKind::Index(key) => our_expr(key, out),
        StepKind::AttributeSplat => out.push(".*".to_owned()),
        StepKind::FullSplat => out.push("[*]".to_owned()),
    }
}

/// Blanks next to sequences are left out: hcl-edit leaves trim markers to the evaluation.
fn loose(text: &str) -> String {
    let text: String = text.split_whitespace().collect();
    format!("text {text}")
}

fn our_template(template: Template<'_>, out: &mut Events) {
    if let Some(value) = template.as_literal() {
        out.push(format!("string {value}"));
        return;
    }
    for part in template.parts() {
        match part {
            Part::Literal(literal) => out.push(loose(&literal.value())),
            Part::Interpolation(expr) => our_expr(expr, out),
            Part::Directive(directive) => {
                if let Some(expr) = directive.expr() {
                    our_expr(expr, out);
                }
            }
        }
    }
    out.retain(|event| event != "text ");
}

fn their_body(body: &TheirBody, out: &mut Events) {
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                out.push(format!("attribute {}", attribute.key.as_str()));
                their_expr(&attribute.value, out);
            }
            Structure::Block(block) => {
                out.push(format!("block {}", block.ident.as_str()));
                out.extend(block.labels.iter().map(|l| format!("label {}", l.as_str())));
                their_body(&block.body, out);
                out.push("}".to_owned());
            }
        }
    }
}

fn their_expr(expr: &Expression, out: &mut Events) {
    match expr {
        Expression::Null(_) => out.push("null".to_owned()),
        Expression::Bool(value) => out.push(format!("{}", value.value())),
        Expression::Number(value) => out.push(number(&value.value().to_string())),
        Expression::String(value) => out.push(format!("string {}", value.value())),
        Expression::StringTemplate(template) => {
            their_elements(template.iter(), out);
            out.retain(|event| event != "text ");
        }
        Expression::HeredocTemplate(heredoc) => their_heredoc(&heredoc.template, out),
        Expression::Variable(name) => out.push(format!("name {}", name.as_str())),
        Expression::Array(array) => {
            out.push("[".to_owned());
            array.iter().for_each(|element| their_expr(element, out));
            out.push("]".to_owned());
        }
        Expression::Object(object) => {
            out.push("{".to_owned());
            for (key, value) in object {
                match key {
                    ObjectKey::Ident(name) => out.push(format!("name {}", name.as_str())),
                    ObjectKey::Expression(key) => their_expr(key, out),
                }
                their_expr(value.expr(), out);
            }
            out.push("}".to_owned());
        }
        Expression::FuncCall(call) => {
            let mut name: String = call
                .name
                .namespace
                .iter()
                .map(|n| format!("{}::", n.as_str()))
                .collect();
            name.push_str(call.name.name.as_str());
            out.push(format!("call {name} {}", call.args.expand_final()));
            call.args
                .iter()
                .for_each(|argument| their_expr(argument, out));
            out.push(")".to_owned());
        }
        Expression::ForExpr(each) => {
            let key = each.intro.key_var.as_ref().map(|name| name.as_str());
            let names = [key, Some(each.intro.value_var.as_str())];
            out.push(format!("for {names:?} {}", each.grouping));
            their_expr(&each.intro.collection_expr, out);
            each.key_expr.iter().for_each(|key| their_expr(key, out));
            their_expr(&each.value_expr, out);
            each.cond
                .iter()
                .for_each(|cond| their_expr(&cond.expr, out));
        }
        Expression::Traversal(traversal) => {
            their_expr(&traversal.expr, out);
            for operator in &traversal.operators {
                match operator.value() {
                    TraversalOperator::AttrSplat(_) => out.push(".*".to_owned()),
                    TraversalOperator::FullSplat(_) => out.push("[*]".to_owned()),
                    TraversalOperator::GetAttr(name) => out.push(format!(".{}", name.as_str())),
                    TraversalOperator::Index(key) => their_expr(key, out),
                    TraversalOperator::LegacyIndex(key) => {
                        out.push(number(&key.value().to_string()));
                    }
                }
            }
        }
        Expression::Parenthesis(inner) => their_expr(inner.inner(), out),
        Expression::Conditional(cond) => {
            their_expr(&cond.cond_expr, out);
            their_expr(&cond.true_expr, out);
            their_expr(&cond.false_expr, out);
        }
        Expression::UnaryOp(unary) => their_expr(&unary.expr, out),
        Expression::BinaryOp(binary) => {
            their_expr(&binary.lhs_expr, out);
            their_expr(&binary.rhs_expr, out);
        }
    }
}

fn their_heredoc(template: &TheirTemplate, out: &mut Events) {
    if template.iter().all(Element::is_literal) {
        let value: String = template
            .iter()
            .filter_map(|e| e.as_literal())
            .map(|l| l.as_str())
            .collect();
        out.push(format!("string {value}"));
        return;
    }
    their_elements(template.iter(), out);
    out.retain(|event| event != "text ");
}

fn their_elements<'a>(elements: impl Iterator<Item = &'a Element>, out: &mut Events) {
    for element in elements {
        match element {
            Element::Literal(text) => out.push(loose(text)),
            Element::Interpolation(interpolation) => their_expr(&interpolation.expr, out),
            Element::Directive(directive) => their_directive(directive, out),
        }
    }
}

fn their_directive(directive: &TheirDirective, out: &mut Events) {
    match directive {
        TheirDirective::If(all) => {
            their_expr(&all.if_expr.cond_expr, out);
            their_elements(all.if_expr.template.iter(), out);
            if let Some(other) = &all.else_expr {
                their_elements(other.template.iter(), out);
            }
        }
        TheirDirective::For(all) => {
            their_expr(&all.for_expr.collection_expr, out);
            their_elements(all.for_expr.template.iter(), out);
        }
    }
}
