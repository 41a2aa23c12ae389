//! Tokens: the smallest pieces of a text. Concatenated they are the text, byte for byte.

use crate::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// A name or keyword.
    Ident,
    /// A number.
    Number,
    /// `"` that opens a string.
    OpenQuote,
    /// `"` that closes a string.
    CloseQuote,
    /// `<<EOT` or `<<-EOT` with its newline.
    OpenHeredoc,
    /// The end marker with the blanks before it.
    CloseHeredoc,
    /// Literal text of a string, heredoc or template.
    TemplateLiteral,
    /// A string of the JSON syntax with its quotes.
    JsonString,
    /// `${` or `${~`.
    OpenInterpolation,
    /// `%{` or `%{~`.
    OpenDirective,
    /// `}` or `~}` that ends a template sequence.
    CloseTemplate,
    /// An operator, bracket or separator.
    Punctuation(Punctuation),
    /// Empty: a string was cut at the end of its line because its quote is missing.
    Cut,
    /// The end of the text; empty.
    End,
    // What a parser passes over stands last: then one comparison tells it from the rest.
    /// Spaces, tabs, a byte order mark, a lone carriage return.
    Blank,
    /// `\n` or `\r\n`.
    Newline,
    /// `# …`, `// …` without its newline, or `/* … */`.
    Comment,
    /// A character the language does not have.
    Invalid,
}

/// Operators, brackets and separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Punctuation {
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    OpenParen,
    CloseParen,
    Comma,
    Dot,
    Ellipsis,
    Colon,
    DoubleColon,
    Question,
    Assign,
    Arrow,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    Star,
    Slash,
    Percent,
    And,
    Or,
    Not,
}

/// A kind with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

/// How a comment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommentKind {
    /// `# …`
    Hash,
    /// `// …`
    Slashes,
    /// `/* … */`
    Block,
}

/// A comment of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comment<'a> {
    /// Where it is, with its markers, without a line comment's newline.
    pub span: Span,
    /// Its text, with its markers.
    pub text: &'a str,
    /// How it is written.
    pub kind: CommentKind,
}

impl<'a> Comment<'a> {
    pub(crate) fn at(text: &'a str, span: Span) -> Self {
        let text = &text[span.range()];
        let kind = match text.as_bytes() {
            [b'#', ..] => CommentKind::Hash,
            [b'/', b'/', ..] => CommentKind::Slashes,
            _ => CommentKind::Block,
        };
        Self { span, text, kind }
    }

    /// The text without its markers and surrounding blanks.
    #[must_use]
    pub fn content(&self) -> &'a str {
        match self.kind {
            CommentKind::Hash => self.text.trim_start_matches('#'),
            CommentKind::Slashes => self.text.trim_start_matches('/'),
            CommentKind::Block => self.text.trim_start_matches("/*").trim_end_matches("*/"),
        }
        .trim()
    }
}
