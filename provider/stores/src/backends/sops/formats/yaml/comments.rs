//! Comments of a YAML text and the entries that they stand at. Rules of a SOPS file may depend on them.
//!
//! A comment on lines of its own belongs to the next entry; one at the end of a line to the entry that starts
//! there. A comment that is indented deeper than the next entry ends the block before it and belongs to nothing.

/// Where an entry starts.
pub(super) struct Start {
    /// In characters from the start of the text.
    pub(super) index: usize,
    pub(super) line: usize,
    pub(super) column: usize,
    /// False for an empty value, which takes up no place.
    pub(super) visible: bool,
}

struct Comment {
    index: usize,
    line: usize,
    column: usize,
    /// Whether something stands before it on its line.
    inline: bool,
    text: String,
}

/// Comments in their order.
pub(super) struct Comments(Vec<Comment>);

impl Comments {
    /// Finds comments outside of `scalars`, which are ranges in characters, sorted. Where a quoted scalar ends
    /// is looked for here: the parser reports the end of what follows it.
    pub(super) fn find(text: &str, scalars: &[(usize, usize)]) -> Self {
        let mut found = Vec::new();
        let mut index = 0;
        let mut scalars = scalars.iter().copied().peekable();
        let mut quote = Quote::default();
        for (number, line) in text.split('\n').enumerate() {
            let (mut inline, mut before) = (false, ' ');
            for (column, (place, character)) in line.char_indices().enumerate() {
                let here = index + column;
                while scalars.next_if(|(_, end)| *end <= here).is_some() {}
                let inside = match scalars.peek() {
                    Some((start, _)) if *start == here && matches!(character, '"' | '\'') => {
                        scalars.next();
                        quote.open = Some(character);
                        true
                    }
                    Some((start, end)) => quote.takes(character) || (*start..*end).contains(&here),
                    None => quote.takes(character),
                };
                if character == '#' && before.is_whitespace() && !inside {
                    found.push(Comment {
                        index: here,
                        line: number + 1,
                        column,
                        inline,
                        text: line[place + 1..].trim_end_matches('\r').to_owned(),
                    });
                    break;
                }
                inline |= !character.is_whitespace();
                before = character;
            }
            index += line.chars().count() + 1;
        }
        Self(found)
    }

    /// The comments of each of `starts`, in their order.
    pub(super) fn assign(self, starts: &[Start]) -> Vec<Vec<String>> {
        let mut assigned: Vec<Vec<String>> = starts.iter().map(|_| Vec::new()).collect();
        let mut next = 0;
        for comment in self.0 {
            while next < starts.len() && starts[next].index < comment.index {
                next += 1;
            }
            let place = if comment.inline {
                // The last entry that starts on the line.
                let mut before = (0..next)
                    .rev()
                    .take_while(|at| starts[*at].line == comment.line);
                before.find(|at| starts[*at].visible)
            } else {
                (next < starts.len() && starts[next].column >= comment.column).then_some(next)
            };
            if let Some(place) = place {
                assigned[place].push(comment.text);
            }
        }
        assigned
    }
}

/// Whether the text is inside of quotes.
#[derive(Default)]
struct Quote {
    open: Option<char>,
    escaped: bool,
    /// The last character ended single quotes; a second one takes that back.
    ended: bool,
}

impl Quote {
    /// Whether `character` belongs to the quoted text or ends it.
    fn takes(&mut self, character: char) -> bool {
        let ended = std::mem::take(&mut self.ended);
        let Some(open) = self.open else {
            let doubled = ended && character == '\'';
            self.open = doubled.then_some(character);
            return doubled;
        };
        if self.escaped {
            self.escaped = false;
        } else if open == '"' && character == '\\' {
            self.escaped = true;
        } else if character == open {
            self.open = None;
            self.ended = open == '\'';
        }
        true
    }
}
