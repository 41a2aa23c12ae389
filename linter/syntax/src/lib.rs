//! HCL text to a lossless tree with byte spans: native syntax and JSON syntax.
//!
//! Parsing never fails: [`parse`] gives a [`Parsed`] with a tree, all comments, and the
//! [`SyntaxError`]s it recovered from. Time and memory are linear in the text, and the tree's depth
//! is bounded, so that readers may recurse. Not here: evaluation, schemas, printing.
//!
//! ```
//! let parsed = hcl_syntax::parse("resource \"x\" \"main\" {\n  name = \"db-${var.env}\"\n");
//! let block = parsed.body().blocks().next().ok_or("no block")?;
//! let name = block.body().attribute("name").ok_or("no name")?;
//! assert_eq!(parsed.slice(name.value().span()), "\"db-${var.env}\"");
//! assert_eq!(parsed.errors()[0].message(), "this block is never closed");
//! # Ok::<(), &str>(())
//! ```

mod chars;
mod error;
mod escape;
mod json;
mod layout;
mod lexer;
mod line_index;
mod parser;
mod span;
mod token;
mod tree;
mod view;
mod work;

pub use error::{MAX_ERRORS, SyntaxError, SyntaxErrorKind};
pub use line_index::{ColumnUnit, LineIndex, Position};
pub use span::Span;
pub use token::{Comment, CommentKind, Punctuation, Token, TokenKind};
pub use view::{
    Attribute, Binary, BinaryOperator, Block, Body, Call, Conditional, Directive, DirectiveKind,
    Expr, ExprKind, For, Index, Item, Label, Literal, Object, Parsed, Part, Step, StepKind,
    Template, Traversal, Tuple, Unary, UnaryOperator,
};

/// Parses the native syntax of Terraform, OpenTofu, Terragrunt, Packer, Nomad and others.
///
/// Never fails; what does not follow the grammar is in [`Parsed::errors`]. A text of 4 GiB or more
/// is not read and has one error.
#[must_use]
pub fn parse(text: impl Into<String>) -> Parsed {
    let text = text.into();
    let (output, damaged) = if fits(&text) {
        parser::parse(&text)
    } else {
        (too_large(), false)
    };
    let reading = if damaged {
        Reading::Damaged
    } else {
        Reading::Native
    };
    Parsed::new(text, output, reading)
}

/// Parses the JSON syntax into the same kinds of nodes: see [`Parsed::root_expr`].
///
/// Strings are templates. Keys that occur twice are all kept. Never fails, like [`parse`].
#[must_use]
pub fn parse_json(text: impl Into<String>) -> Parsed {
    let text = text.into();
    let output = if fits(&text) {
        json::parse(&text)
    } else {
        too_large()
    };
    Parsed::new(text, output, Reading::Json)
}

/// A text that is in no syntax: kept as it is, with an empty body, no comments and no errors.
#[must_use]
pub fn unparsed(text: impl Into<String>) -> Parsed {
    Parsed::new(text.into(), parser::Output::default(), Reading::Native)
}

fn fits(text: &str) -> bool {
    text.len() < u32::MAX as usize
}

fn too_large() -> parser::Output {
    let mut output = parser::Output::default();
    output
        .errors
        .report(SyntaxErrorKind::TooLarge, Span::default());
    output
}

/// How a text was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Native,
    /// Native, with errors.
    Damaged,
    Json,
}

fn tokens(text: &str, reading: Reading) -> Box<dyn Iterator<Item = Token> + '_> {
    fn until_end(mut next: impl FnMut() -> Token) -> impl Iterator<Item = Token> {
        std::iter::from_fn(move || Some(next()).filter(|t| t.kind != TokenKind::End))
    }
    if !fits(text) {
        return Box::new(std::iter::empty());
    }
    let mut lexer = match reading {
        Reading::Native => lexer::Lexer::new(text),
        Reading::Damaged => lexer::Lexer::of_damaged(text),
        Reading::Json => {
            let mut lexer = json::JsonLexer::new(text);
            return Box::new(until_end(move || lexer.next_token()));
        }
    };
    Box::new(until_end(move || lexer.next_token()))
}
