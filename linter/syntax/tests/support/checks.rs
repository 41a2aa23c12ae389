//! What holds for every text: it is reproduced, spans nest, reading everything never fails.

use hcl_syntax::{Body, Expr, ExprKind, Item, MAX_ERRORS, Parsed, Part, Span, StepKind, Template};

/// Checks everything there is to say about a parsed text.
pub(crate) fn check(parsed: &Parsed, text: &str) {
    assert_eq!(parsed.text(), text);
    let mut end = 0;
    for token in parsed.tokens() {
        assert_eq!(token.span.start, end, "tokens follow each other");
        end = token.span.end;
    }
    assert_eq!(end as usize, text.len(), "tokens cover the text");
    assert!(parsed.errors().len() <= MAX_ERRORS);
    for error in parsed.errors() {
        assert!(!parsed.slice(error.span).contains('\u{0}') || text.contains('\u{0}'));
        assert!(!error.message().is_empty() && !error.help().is_empty());
    }
    let comments: Vec<_> = parsed.comments().map(|c| c.span).collect();
    check_order(&comments, Span::new(0, text.len() as u32));
    check_body(parsed.body());
    if let Some(root) = parsed.root_expr() {
        check_expr(root);
        walk(root);
    }
}

/// Spans are in order, apart, and inside of `around`.
fn check_order(spans: &[Span], around: Span) {
    let mut end = around.start;
    for span in spans {
        assert!(
            end <= span.start && span.end <= around.end,
            "{span:?} in {around:?} after {end}"
        );
        end = span.end;
    }
}

fn check_body(body: Body<'_>) {
    let spans: Vec<_> = body.items().map(Item::span).collect();
    check_order(&spans, body.span());
    for item in body.items() {
        match item {
            Item::Attribute(attribute) => {
                check_order(
                    &[attribute.name_span(), attribute.value().span()],
                    attribute.span(),
                );
                assert!(!attribute.name().contains('\n'));
                check_expr(attribute.value());
                walk(attribute.value());
            }
            Item::Block(block) => {
                check_order(&[block.header_span(), block.body().span()], block.span());
                assert!(block.header_span().contains(block.kind_span()));
                let labels: Vec<_> = block.labels().map(|label| label.span).collect();
                check_order(&labels, block.header_span());
                check_body(block.body());
            }
        }
    }
}

fn walk(expr: Expr<'_>) {
    let mut start = expr.span().start;
    for inner in expr.walk() {
        assert!(expr.span().contains(inner.span()));
        assert!(
            start <= inner.span().start,
            "parents come first, then source order"
        );
        start = inner.span().start;
    }
}

fn check_expr(expr: Expr<'_>) {
    let children: Vec<_> = expr.children().map(Expr::span).collect();
    check_order(&children, expr.span());
    expr.children().for_each(check_expr);
    match expr.kind() {
        ExprKind::Template(template) => check_template(template),
        ExprKind::Traversal(traversal) => {
            let mut spans = vec![traversal.root_span()];
            spans.extend(traversal.steps().map(hcl_syntax::Step::span));
            check_order(&spans, traversal.span());
            for step in traversal.steps() {
                assert!(!matches!(step.kind(), StepKind::Attribute(name) if name.contains('.')));
            }
        }
        ExprKind::Call(call) => assert!(call.span().contains(call.name_span())),
        ExprKind::Binary(binary) => {
            assert_eq!(binary.operands().count(), binary.operators().count() + 1);
        }
        ExprKind::For(each) => {
            let _ = (
                each.key_name(),
                each.value_name(),
                each.collection(),
                each.key(),
            );
        }
        _ => {}
    }
}

fn check_template(template: Template<'_>) {
    assert!(template.span().contains(template.content_span()));
    let _ = template.text();
    for part in template.parts() {
        match part {
            Part::Literal(literal) => {
                let value = literal.value();
                let mut before = literal.span().start;
                // Each look-up reads from the start: not for every place of long texts.
                for (at, c) in value.char_indices().take(200) {
                    let offset = literal.source_offset(at);
                    assert!(before <= offset && offset <= literal.span().end);
                    before = offset;
                    let span = literal.source_span(at, at + c.len_utf8());
                    assert!(literal.span().contains(span) && span.start == offset);
                }
            }
            Part::Interpolation(expr) => assert!(template.span().contains(expr.span())),
            Part::Directive(directive) => {
                let _ = (
                    directive.kind(),
                    directive.expr(),
                    directive.names().count(),
                );
                assert!(template.span().contains(directive.span()));
            }
        }
    }
}
