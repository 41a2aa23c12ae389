//! Comments that silence: `# secretlint: allow RULE reason="…" until=2027-01-31`.
//!
//! A comment at the end of a line speaks for that line; a comment on a line of its own speaks for
//! the next line that is no comment. When that line opens a block, it speaks for the whole block.

use hcl_syntax::{Block, Span};
use jiff::civil::Date;
use secretlint_core::facts::SourceFile;

/// A suppression comment of one file.
#[derive(Debug)]
pub(crate) struct Comment {
    /// The comment as written.
    pub(crate) span: Span,
    /// Findings that start in here are silenced.
    pub(crate) covers: Span,
    /// What it says, or what is wrong with it.
    pub(crate) directive: Result<Directive, String>,
    /// Set when it silenced something.
    pub(crate) used: bool,
}

/// What a suppression comment says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Directive {
    /// Rule ids; at least one.
    pub(crate) rules: Vec<String>,
    /// Why.
    pub(crate) reason: Option<String>,
    /// The last day on which it holds.
    pub(crate) until: Option<Date>,
}

const MARK: &str = "secretlint:";
/// Suppressions of one file that hold: more are a matter for the configuration.
const MAX_COMMENTS: usize = 1000;
/// Blank lines and comments between a suppression and what it speaks for.
const MAX_LINES_BETWEEN: usize = 50;

/// The suppression comments of a file, in order.
pub(crate) fn comments(file: &SourceFile) -> Vec<Comment> {
    let text = file.text();
    let spans = file.parsed.comments().map(|comment| comment.span);
    let said = spans.filter_map(|span| Some((span, body(&text[span.range()]).strip_prefix(MARK)?)));
    let mut said = said.peekable();
    // Nearly all files have none.
    if file.kind.is_json() || said.peek().is_none() {
        return Vec::new();
    }
    let blocks: Vec<Block<'_>> = file.parsed.body().blocks().collect();
    let read = |(index, (span, said)): (usize, (Span, &str))| {
        let counts = index < MAX_COMMENTS;
        Comment {
            span,
            covers: if counts {
                covers(text, &blocks, span)
            } else {
                span
            },
            directive: if counts { parse(said) } else { Err(too_many()) },
            used: false,
        }
    };
    said.enumerate().map(read).collect()
}

fn too_many() -> String {
    format!(
        "only the first {MAX_COMMENTS} suppressions of a file hold: \
         use an `allow` entry in secretlint.toml"
    )
}

/// A comment without its markers.
fn body(comment: &str) -> &str {
    let text = comment.trim();
    let text = text
        .strip_prefix("/*")
        .map_or(text, |inner| inner.strip_suffix("*/").unwrap_or(inner));
    text.trim_start_matches(['#', '/']).trim()
}

fn covers(text: &str, blocks: &[Block<'_>], comment: Span) -> Span {
    let start = comment.start as usize;
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = if text[line_start..start].trim().is_empty() {
        next_code_line(text, comment.end as usize)
    } else {
        line_from(text, line_start)
    };
    let at = blocks.partition_point(|block| block.span().end <= line.start);
    let opened = blocks.get(at).and_then(|block| opened_in(*block, line));
    opened.map_or(line, |block| Span::new(line.start, block.end.max(line.end)))
}

/// The outermost block that begins in a line: this one, or one inside.
fn opened_in(mut block: Block<'_>, line: Span) -> Option<Span> {
    loop {
        let span = block.span();
        if span.start >= line.start {
            return (span.start < line.end).then_some(span);
        }
        block = block
            .body()
            .blocks()
            .find(|inner| inner.span().end > line.start)?;
    }
}

fn line_from(text: &str, start: usize) -> Span {
    let end = text[start..]
        .find('\n')
        .map_or(text.len(), |at| start + at + 1);
    Span {
        start: start as u32,
        end: end as u32,
    }
}

/// The first line after `from` that is neither blank nor a comment; gives up after some lines.
fn next_code_line(text: &str, from: usize) -> Span {
    let mut line = line_after(text, from);
    for _ in 0..MAX_LINES_BETWEEN {
        let content = text[line.range()].trim();
        let skip = content.is_empty() || content.starts_with('#') || content.starts_with("//");
        if !skip || line.end as usize >= text.len() {
            break;
        }
        line = line_from(text, line.end as usize);
    }
    line
}

fn line_after(text: &str, from: usize) -> Span {
    let next = text[from..]
        .find('\n')
        .map_or(text.len(), |at| from + at + 1);
    line_from(text, next)
}

/// `allow RULE[, RULE…] [reason="…"] [until=YYYY-MM-DD]`.
fn parse(said: &str) -> Result<Directive, String> {
    let mut rest = said.trim();
    rest = match rest.strip_prefix("allow") {
        Some(after) if after.is_empty() || after.starts_with(char::is_whitespace) => {
            after.trim_start()
        }
        _ => {
            let word = rest.split_whitespace().next().unwrap_or("");
            return Err(format!(
                "`{word}` is no suppression: write `secretlint: allow RULE reason=\"…\"`"
            ));
        }
    };
    let mut directive = Directive {
        rules: Vec::new(),
        reason: None,
        until: None,
    };
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("reason=") {
            let (reason, after) = quoted(after)?;
            directive.reason = Some(reason.to_owned()).filter(|reason| !reason.trim().is_empty());
            rest = after;
        } else if let Some(after) = rest.strip_prefix("until=") {
            let (word, after) = word(after);
            let date = word.trim_matches('"').parse();
            directive.until = Some(
                date.map_err(|_| format!("`until={word}` is no date: write `until=2027-01-31`"))?,
            );
            rest = after;
        } else {
            let (word, after) = word(rest);
            if let Some((key, _)) = word.split_once('=') {
                return Err(format!(
                    "`{key}` is unknown here: only `reason=\"…\"` and `until=YYYY-MM-DD` are"
                ));
            }
            directive.rules.extend(
                word.split(',')
                    .filter(|id| !id.is_empty())
                    .map(str::to_owned),
            );
            rest = after;
        }
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
    }
    if directive.rules.is_empty() {
        return Err("names no rule: write `secretlint: allow RULE reason=\"…\"`".to_owned());
    }
    Ok(directive)
}

fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn quoted(text: &str) -> Result<(&str, &str), String> {
    let unclosed = || "the reason has no closing quote: write `reason=\"…\"`".to_owned();
    match text.strip_prefix('"') {
        Some(inner) => inner.split_once('"').ok_or_else(unclosed),
        None => Ok(word(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read_in_full() {
        let read =
            parse(r#" allow hardcoded-secret, private-key reason="test fixture" until=2027-01-31"#);
        assert_eq!(
            read,
            Ok(Directive {
                rules: vec!["hardcoded-secret".to_owned(), "private-key".to_owned()],
                reason: Some("test fixture".to_owned()),
                until: Some(jiff::civil::date(2027, 1, 31)),
            })
        );
        assert_eq!(
            parse("allow x reason=\"\"").map(|directive| directive.reason),
            Ok(None),
            "empty is no reason"
        );
    }

    #[test]
    fn mistakes_say_what_to_write() {
        for (text, hint) in [
            ("ignore x", "is no suppression"),
            ("allow", "names no rule"),
            ("allow reason=\"x\"", "names no rule"),
            ("allow x until=tomorrow", "is no date"),
            ("allow x until=2027-02-30", "is no date"),
            ("allow x reason=\"open", "closing quote"),
            ("allow x because=y", "`because` is unknown"),
        ] {
            assert!(
                parse(text).is_err_and(|message| message.contains(hint)),
                "{text}"
            );
        }
    }

    #[test]
    fn comment_markers_are_removed() {
        assert_eq!(body("# secretlint: allow x"), "secretlint: allow x");
        assert_eq!(body("/* secretlint: allow x */"), "secretlint: allow x");
        assert_eq!(body("//secretlint: allow x"), "secretlint: allow x");
    }
}
