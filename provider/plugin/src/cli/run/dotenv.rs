//! Files of variables: `NAME=VALUE` lines, as many tools read them. Nothing in them is expanded or executed.
//!
//! - Empty lines and lines that start with `#` are skipped; so is `export ` before a name.
//! - A value without quotes ends at ` #` or at the end of the line; white space around it does not count.
//! - `'…'` is taken as it stands, `"…"` knows `\n`, `\r`, `\t`, `\"`, `\\` and `\$`. Neither goes on over lines.

/// The variables of `text`, in its order.
///
/// # Errors
/// Line and reason, without any of the text.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut variables = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |reason: &str| format!("line {}: {reason}", index + 1);
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| wrong("not NAME=VALUE"))?;
        let name = name.trim();
        if !is_name(name) {
            return Err(wrong(
                "the name before `=` is not letters, digits and `_`, beginning with no digit",
            ));
        }
        let value = value_of(value.trim()).map_err(wrong)?;
        variables.push((name.to_owned(), value));
    }
    Ok(variables)
}

/// Whether every program understands `name` as the name of a variable.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn value_of(text: &str) -> Result<String, &'static str> {
    let (value, rest) = match text.chars().next() {
        Some('\'') => text[1..]
            .split_once('\'')
            .map(|(value, rest)| (value.to_owned(), rest))
            .ok_or("the quote `'` is not closed on this line")?,
        Some('"') => double_quoted(&text[1..])?,
        _ => {
            let end = text
                .match_indices('#')
                .find(|(at, _)| *at == 0 || text[..*at].ends_with([' ', '\t']))
                .map_or(text.len(), |(at, _)| at);
            (text[..end].trim_end().to_owned(), "")
        }
    };
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(value)
    } else {
        Err("there is text after the closing quote")
    }
}

fn double_quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 'r')) => value.push('\r'),
                Some((_, 't')) => value.push('\t'),
                Some((_, c @ ('"' | '\\' | '$'))) => value.push(c),
                _ => return Err("after `\\` only n, r, t, `\"`, `\\` and `$` are known"),
            },
            c => value.push(c),
        }
    }
    Err("the quote `\"` is not closed on this line")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_written() {
        let text = "\u{feff}# head\r\n\nA=1\nexport B = two words  # note\nC='a # \"b\"'\nD=\"x\\n\\\"y\\\" \\$z\"\n\
                    E=\nF=local://db#password\nG=\"q\" # note\n_H2=a=b\n";
        let read: Vec<_> = parse(text).unwrap();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "a # \"b\""),
            ("D", "x\n\"y\" $z"),
            ("E", ""),
            ("F", "local://db#password"),
            ("G", "q"),
            ("_H2", "a=b"),
        ];
        let read: Vec<_> = read
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn mistakes_name_their_line_and_nothing_else() {
        for (text, says) in [
            ("A=1\nhunter2", "line 2: not NAME=VALUE"),
            ("1A=hunter2", "line 1: the name"),
            ("A-B=hunter2", "line 1: the name"),
            ("=hunter2", "line 1: the name"),
            ("A='hunter2", "line 1: the quote `'`"),
            ("A=\"hunter2", "line 1: the quote"),
            ("A=\"hunter2\\", "line 1: after"),
            ("A=\"\\x\"", "line 1: after"),
            ("A='hunter2'x", "line 1: there is text"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                error.starts_with(says) && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
