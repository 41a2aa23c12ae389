//! Syntax errors: what is wrong, where, and what to do. One table holds every message.
//!
//! No message quotes source text: a broken string may be a secret.

use std::fmt;

use crate::Span;

/// At most this many errors are kept for one text; the last one says that there are more.
pub const MAX_ERRORS: usize = 100;

/// One place that does not follow the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct SyntaxError {
    /// What is wrong.
    pub kind: SyntaxErrorKind,
    /// Where: the offending token, or the opening bracket that is never closed.
    pub span: Span,
}

impl SyntaxError {
    /// What is wrong, one sentence without source text.
    #[must_use]
    pub fn message(&self) -> &'static str {
        self.kind.message()
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        self.kind.help()
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $message:literal, $help:literal;)*) => {
        /// The kinds of syntax errors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum SyntaxErrorKind { $($(#[$doc])* $name,)* }

        impl SyntaxErrorKind {
            /// What is wrong, one sentence without source text.
            #[must_use]
            pub fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }

            /// What to do about it.
            #[must_use]
            pub fn help(self) -> &'static str {
                match self { $(Self::$name => $help,)* }
            }
        }
    };
}

kinds! {
    /// A body holds something that is neither an attribute nor a block.
    ExpectedItem: "an argument or block definition is required here",
        "write `name = value`, or a block: a type, optional labels and `{`";
    /// A name is followed by neither `=` nor a block header.
    ExpectedEqualsOrBlock: "this name starts neither an argument nor a block",
        "write `name = value` to set an argument, or `name {` to open a block";
    /// An attribute is not followed by the end of the line.
    MissingNewlineAfterAttribute: "an argument must end with a newline",
        "put the next argument on a line of its own, without a comma or semicolon";
    /// A block is not followed by the end of the line.
    MissingNewlineAfterBlock: "a block must end with a newline",
        "put what follows the closing brace on a line of its own";
    /// A block header is not followed by `{`.
    ExpectedBlockBody: "this block header is not followed by `{` on the same line",
        "end the header with ` {`; labels are quoted strings or names";
    /// A label holds `${` or `%{`.
    TemplateInLabel: "a block label must not contain a template",
        "use a fixed name here; write `$${` for a literal `${`";
    /// A block on one line holds more than one argument.
    SingleLineBlock: "a block on one line can hold only a single argument",
        "put each argument and the closing brace on lines of their own";
    /// A block's `{` has no `}`.
    UnclosedBlock: "this block is never closed",
        "add the missing `}`; a quote or brace missing earlier can cause this too";
    /// A `}` without an open block.
    UnexpectedClosingBrace: "this closing brace has no matching opening brace",
        "remove it, or add the block header that it should close";
    /// A name is set twice in one body.
    DuplicateAttribute: "this argument is set twice in the same block",
        "keep one of the two definitions";
    /// No expression where one must be.
    ExpectedExpression: "a value is required here",
        "write a literal, a reference, a call, `[...]` or `{...}`";
    /// A `(` has no `)`.
    UnclosedParen: "this parenthesis is never closed",
        "add the missing `)`";
    /// A `[` has no `]`.
    UnclosedBracket: "this bracket is never closed",
        "add the missing `]`";
    /// An object's `{` has no `}`.
    UnclosedObject: "this brace is never closed",
        "add the missing `}`";
    /// Two elements or arguments without a comma.
    ExpectedComma: "a comma is required between two elements",
        "separate elements by commas";
    /// Two object items on one line without a comma.
    ExpectedItemSeparator: "a comma or newline is required between two items of an object",
        "put the next item on its own line, or write a comma";
    /// An object key without `=` or `:`.
    ExpectedKeySeparator: "`=` is required between key and value",
        "write `key = value`; keys with dots, blanks or templates must be quoted or in parentheses";
    /// A conditional without its `:` part.
    ExpectedColon: "a `:` and the value for the false case are required",
        "write `condition ? value_if_true : value_if_false`";
    /// A dot without a name after it.
    ExpectedAttributeName: "a name is required after the dot",
        "write the attribute's name, or an index in brackets";
    /// `a.0.1`.
    LegacyIndexChain: "two legacy indexes in a row are not allowed",
        "write the indexes in brackets: `[0][1]`";
    /// `...` is not the end of a call.
    ExpansionNotLast: "`...` is allowed only after the last argument of a call",
        "move the expanded argument to the end";
    /// `a::` without a function call.
    ExpectedFunctionName: "a function name and `(` are required after `::`",
        "call a provider's function as `provider::name::function(...)`";
    /// A `for` whose parts do not fit.
    InvalidFor: "this `for` is incomplete or has parts that do not belong here",
        "write `[for v in list : value]` or `{for k, v in map : key => value}`, with an optional `if` at the end";
    /// A quoted string without its closing quote.
    UnclosedString: "this string is not closed on its line",
        "add the closing `\"`; use a heredoc (`<<-EOT`) for text of several lines";
    /// A heredoc without its end marker.
    UnclosedHeredoc: "this heredoc is never closed",
        "put the end marker alone on a line";
    /// `<<EOT` followed by something else on its line.
    InvalidHeredocStart: "a heredoc must begin with `<<` or `<<-`, its marker and a newline",
        "remove what follows the marker on this line";
    /// A `${` or `%{` without `}`.
    UnclosedTemplate: "this template sequence is never closed",
        "add the missing `}`; write `$${` or `%%{` for the literal characters";
    /// More text before the `}` of a template sequence.
    ExtraInTemplate: "the template sequence should end here",
        "close it with `}`; write `$${` if it belongs to another language, such as a shell script";
    /// `%{` without a known keyword.
    InvalidDirective: "this is not a template directive",
        "use `if`, `else`, `endif`, `for` or `endfor`; write `%%{` for a literal `%{`";
    /// `if`, `for` and their ends do not match.
    UnbalancedDirective: "the directives of this template do not match",
        "give every `%{ if }` its `%{ endif }` and every `%{ for }` its `%{ endfor }`";
    /// An unknown backslash sequence.
    InvalidEscape: "this escape sequence does not exist",
        "use `\\n`, `\\r`, `\\t`, `\\\"`, `\\\\`, `\\uNNNN` or `\\UNNNNNNNN`; write `\\\\` for a backslash";
    /// A number that is none.
    InvalidNumber: "this is not a valid number",
        "write digits with at most one decimal point and an optional exponent";
    /// A character or operator that the language does not have.
    InvalidCharacter: "this character is not part of the language",
        "remove it; strings use straight double quotes, arguments are separated by newlines";
    /// A `/*` without `*/`.
    UnclosedComment: "this comment is never closed",
        "add the missing `*/`";
    /// Too many levels of nesting.
    TooDeep: "this is nested too deeply to be read",
        "move inner parts into locals or blocks of their own";
    /// More than four gigabytes.
    TooLarge: "this text is larger than 4 GiB and was not read",
        "split the file";
    /// Errors beyond the limit were dropped.
    TooMany: "there are more syntax errors than are shown",
        "repair the first ones; later ones often follow from them";
    /// A JSON text with nothing but a value expected here.
    JsonExpectedValue: "a JSON value is required here",
        "write an object, an array, a string, a number, true, false or null";
    /// A JSON object key must be a string.
    JsonExpectedKey: "a quoted property name is required here",
        "write `\"name\": value`";
    /// A JSON object key without `:`.
    JsonExpectedColon: "a `:` is required after the property name",
        "write `\"name\": value`";
    /// No comma between two JSON elements.
    JsonExpectedComma: "a comma is required here",
        "separate elements and properties by commas";
    /// A comma before `]` or `}`.
    JsonTrailingComma: "a comma must not follow the last element",
        "remove the comma";
    /// JSON has no comments.
    JsonComment: "JSON has no comments",
        "remove it, or use a `\"//\"` property, which is ignored";
    /// Text after the JSON value.
    JsonTrailing: "only one JSON value is allowed",
        "remove what follows the first value";
}

impl fmt::Display for SyntaxErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// Collects errors up to [`MAX_ERRORS`], at most one for each start offset.
#[derive(Debug, Default)]
pub(crate) struct Errors(Vec<SyntaxError>);

impl Errors {
    pub(crate) fn report(&mut self, kind: SyntaxErrorKind, span: Span) {
        if self.0.len() >= MAX_ERRORS || self.0.last().is_some_and(|e| e.span.start == span.start) {
            return;
        }
        let full = self.0.len() + 1 == MAX_ERRORS;
        let kind = if full { SyntaxErrorKind::TooMany } else { kind };
        self.0.push(SyntaxError { kind, span });
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether errors were reported after the first `since`, and the last is of this kind.
    pub(crate) fn ends_with(&self, kind: SyntaxErrorKind, since: usize) -> bool {
        self.0.len() > since && self.0.last().is_some_and(|error| error.kind == kind)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_sorted(mut self) -> Vec<SyntaxError> {
        self.0
            .sort_by_key(|e| (e.span, e.kind == SyntaxErrorKind::TooMany));
        self.0
    }
}
