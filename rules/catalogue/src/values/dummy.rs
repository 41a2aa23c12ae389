//! Knows dummies: values made of dummy words, of the field's own name, of one character.

use crate::values::judge::Dummy;
use crate::values::list::{List, begins, list};
use crate::values::shapes::is_word;
use crate::values::tokens::Tokens;
use crate::values::words::{DOCUMENTED, DUMMY, GLUE, PHRASES, VENDOR_DEFAULTS};

/// Longest run of letters that is cut into words.
const MAX_RUN: usize = 64;
/// No phrase has more letters.
const LONGEST_PHRASE: usize = 24;

/// Why `text` is a dummy; `None` when it is a specific value. `name` is the name of the place.
pub(crate) fn dummy(text: &str, name: &str) -> Option<Dummy> {
    if DOCUMENTED.iter().any(|mark| text.contains(mark))
        || (text.len() > 12 && text.contains("EXAMPLE"))
    {
        return Some(Dummy::Documented);
    }
    if is_framed(text) || is_monotonous(text) || is_masked(text) {
        return Some(Dummy::Instruction);
    }
    if VENDOR_DEFAULTS.contains(&text) || text.eq_ignore_ascii_case("admin") {
        return Some(Dummy::VendorDefault);
    }
    if is_phrase(text) || is_description(text) {
        return Some(Dummy::Instruction);
    }
    let own = Tokens::of(name);
    let mut found = Found::default();
    for run in text
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|run| !run.is_empty())
    {
        if run.len() > MAX_RUN || !cut(run, own.words(), &mut found) {
            return None;
        }
    }
    if !found.dummy {
        return None;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if digits > 8 && !counts_up(text) {
        return None;
    }
    Some(if digits > 0 {
        Dummy::Usable
    } else {
        Dummy::Instruction
    })
}

/// Its digits are `123…`, as long as that may be.
fn counts_up(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit);
    digits
        .zip(b"1234567890123456".iter())
        .all(|(one, other)| one == *other)
}

fn is_phrase(text: &str) -> bool {
    let mut letters = [0; LONGEST_PHRASE];
    let mut length = 0;
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            return false;
        }
        if byte.is_ascii_alphabetic() {
            let Some(place) = letters.get_mut(length) else {
                return false;
            };
            *place = byte;
            length += 1;
        }
    }
    PHRASES.is(&letters[..length])
}

#[derive(Default)]
struct Found {
    dummy: bool,
}

/// `<…>`, `[…]` around words.
fn is_framed(text: &str) -> bool {
    let framed = |open: char, close: char| {
        text.strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
            .is_some_and(|inner| {
                inner.bytes().filter(u8::is_ascii_alphabetic).count() * 2 > inner.len()
                    && inner.len() > 1
            })
    };
    framed('<', '>') || framed('[', ']') || text.starts_with("<") && text.contains('>')
}

/// Words that nobody has in a secret by chance.
static MARKS: List = list![
    "placeholder",
    "dummy",
    "not-a-real",
    "not_a_real",
    "changeme",
    "change-me",
    "change_me",
    "replaceme",
    "replace-me",
    "replace_me",
];

/// Five or more plain words, one of them a dummy: `staging_password_from_secret_manager`, `don't put it in here`.
fn is_description(text: &str) -> bool {
    let words = || text.split(['_', ' ']);
    words().count() >= 5
        && words().all(|word| word.split('\'').all(is_word))
        && words().any(|word| word.len() >= 4 && DUMMY.contains(word))
}

/// Partly blanked out, or begun with "your": `SECedd9****`, `1234...`, `your-api-key`.
fn is_masked(text: &str) -> bool {
    let lower = text.as_bytes();
    let yours =
        lower.len() > 5 && lower[..4].eq_ignore_ascii_case(b"your") && b"-_ ".contains(&lower[4]);
    let prose = text.contains(" TO BE ") || text.contains(" to be ") || text.contains("must be ");
    yours
        || MARKS.is_inside(text)
        || prose
        || text.contains("****")
        || text.contains("xxxxx")
        || text.contains("XXXXX")
        || text.ends_with("...")
}

/// One character over and over: `xxxx`, `0000`, `**`, `xxxx-xxxx`, `...`.
fn is_monotonous(text: &str) -> bool {
    let mut bytes = text
        .bytes()
        .filter(|byte| !b"-_ ".contains(byte))
        .map(|byte| byte.to_ascii_lowercase());
    match bytes.next() {
        None => true,
        Some(first) => {
            let more = if first.is_ascii_alphanumeric() { 2 } else { 1 };
            bytes.clone().count() >= more && bytes.all(|byte| byte == first)
        }
    }
}

/// Cuts a run of letters into known words, longest first with a way back; linear in the length
/// times the longest word.
fn cut(run: &str, own: &[&str], found: &mut Found) -> bool {
    let bytes = run.as_bytes();
    // reachable[i]: the run can be cut up to i; with[i]: with a dummy word among them.
    let mut reachable = [false; MAX_RUN + 1];
    let mut with = [false; MAX_RUN + 1];
    reachable[0] = true;
    for start in 0..bytes.len() {
        if !reachable[start] {
            continue;
        }
        let rest = &bytes[start..];
        let mut step = |word: &str, is_dummy: bool| {
            let end = start + word.len();
            reachable[end] = true;
            with[end] |= with[start] || is_dummy;
        };
        DUMMY.leading(rest).for_each(|word| step(word, true));
        GLUE.leading(rest).for_each(|word| step(word, false));
        // `key` says too little to make a value a copy of its name.
        for word in own
            .iter()
            .filter(|word| begins(rest, word) && !word.eq_ignore_ascii_case("key"))
        {
            step(word, true);
        }
    }
    found.dummy |= with[bytes.len()];
    reachable[bytes.len()]
}
