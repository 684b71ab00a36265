//! Random changes of signed documents and of the texts that carry them. The same seed and number give the same change.

use std::ops::Range;

/// A small generator (SplitMix64): changes need to differ, not to be unpredictable.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed);
        dice.0 = dice.next() ^ number.wrapping_mul(0xd6e8_feb8_6659_fd93);
        dice
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one, which is not zero.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % limit.max(1)
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn word(&mut self, all: &[&'static str]) -> &'static str {
        all[self.below(all.len())]
    }

    /// A part of something of this length, mostly a short one.
    fn part(&mut self, len: usize) -> Range<usize> {
        let most = *self.pick(&[1, 2, 8, 64, len]);
        let start = self.below(len + 1);
        start..(start + 1 + self.below(most)).min(len)
    }
}

/// Changes the bytes of a document: a JSON object, a zero byte and a signature. `others` are valid documents.
pub fn change_bytes(dice: &mut Dice, bytes: &mut Vec<u8>, others: &[Vec<u8>]) {
    let len = bytes.len();
    let (part, other) = (dice.part(len), dice.pick(others));
    match dice.below(14) {
        0 | 1 => {
            let at = dice.below(len);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << dice.below(8);
            }
        }
        2 => {
            let at = dice.below(len);
            if let Some(byte) = bytes.get_mut(at) {
                *byte = *dice.pick(&[0, b'"', b'\\', b'{', b'}', b',', b'0', 0x7f, 0x80, 0xff]);
            }
        }
        3 => drop(bytes.drain(part)),
        4 => {
            let more: Vec<u8> = (0..1 + dice.below(9)).map(|_| dice.next() as u8).collect();
            bytes.splice(part.start..part.start, more);
        }
        5 => bytes.truncate(part.start),
        6 => drop(bytes.drain(..part.start)),
        7 => bytes.extend_from_within(part),
        8 => {
            let copy = bytes[part.clone()].to_vec();
            bytes.splice(part.start..part.start, copy);
        }
        9 => {
            let to = dice.below(len);
            let moved: Vec<u8> = bytes.drain(part).collect();
            let to = to.min(bytes.len());
            bytes.splice(to..to, moved);
        }
        // A part of another document in the place of this one's.
        10 => {
            let from = part.start.min(other.len())..part.end.min(other.len());
            bytes.splice(part, other[from].iter().copied());
        }
        // The JSON of one and the signature of another.
        11 => {
            let (ours, theirs) = (json_end(bytes), json_end(other));
            bytes.truncate(ours);
            bytes.extend_from_slice(&other[theirs..]);
        }
        _ => {
            let end = json_end(bytes);
            let mut json = String::from_utf8_lossy(&bytes[..end]).into_owned();
            change_json(dice, &mut json);
            bytes.splice(..end, json.into_bytes());
        }
    }
}

fn json_end(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len())
}

/// Changes a JSON text where its grammar has something to change.
pub fn change_json(dice: &mut Dice, json: &mut String) {
    const VALUES: [&str; 17] = [
        "null",
        "0",
        "1",
        "2",
        "-1",
        "1.0",
        "1e0",
        "18446744073709551616",
        "true",
        "\"\"",
        "\"\\u0000\"",
        "[]",
        "{}",
        "[[]]",
        "\"\\ud800\"",
        "\"x\"",
        "\"9999-12-31T23:59:60Z\"",
    ];
    let members = members(json);
    if members.is_empty() {
        json.push('{');
        return;
    }
    let Member { key, value } = dice.pick(&members).clone();
    let whole = key.start..value.end;
    let copy = json[whole.clone()].to_owned();
    match dice.below(13) {
        // Another name, one that differs in case, an escape in it.
        0 => json.insert(key.start + 1, 'x'),
        1 => json.replace_range(key.clone(), &json[key].to_uppercase()),
        2 => {
            let first = json.as_bytes()[key.start + 1];
            json.replace_range(key.start + 1..key.start + 2, &format!("\\u{first:04x}"));
        }
        // Twice, with the same value or with another one.
        3 => json.insert_str(whole.start, &format!("{copy},")),
        4 => {
            let name = &copy[..key.len()];
            json.insert_str(whole.start, &format!("{name}:{},", dice.word(&VALUES)));
        }
        // Gone, with its comma.
        5 => {
            let comma = json[whole.end..].starts_with(',');
            json.replace_range(whole.start..whole.end + usize::from(comma), "");
        }
        6 | 7 => json.replace_range(value, dice.word(&VALUES)),
        // A member that nobody knows.
        8 => json.insert_str(whole.start, "\"more\":1,"),
        // The value of another member.
        9 => {
            let other = dice.pick(&members).value.clone();
            let other = json[other].to_owned();
            json.replace_range(value, &other);
        }
        // Blanks mean nothing in JSON.
        10 => json.insert_str(
            value.start,
            dice.word(&[" ", "\n", "\t", "\r\n", "/**/", "\u{a0}"]),
        ),
        // Within the value.
        11 => {
            let at = value.start + dice.below(value.len());
            if json.is_char_boundary(at) && json.is_char_boundary(at + 1) {
                let by = dice.word(&[
                    "0", "9", "f", "\\", "\"", "\\n", "\\\\", "-> ", "é", " ", "[", "]",
                ]);
                json.replace_range(at..at + 1, by);
            }
        }
        _ => {
            let depth = *dice.pick(&[10, 200, 5000]);
            json.replace_range(value, &("[".repeat(depth) + &"]".repeat(depth)));
        }
    }
}

/// Where a member of an object is: its name with the quotation marks, and its value.
#[derive(Debug, Clone)]
struct Member {
    key: Range<usize>,
    value: Range<usize>,
}

/// The members of all objects of a JSON text.
fn members(json: &str) -> Vec<Member> {
    let bytes = json.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] != b'"' {
            at += 1;
            continue;
        }
        let key = at..string_end(bytes, at);
        at = key.end;
        if bytes.get(at) == Some(&b':') {
            let value = at + 1..value_end(bytes, at + 1);
            if json.is_char_boundary(value.end) {
                found.push(Member { key, value });
            }
            at += 1;
        }
    }
    found
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += 1 + usize::from(bytes[at] == b'\\');
    }
    (at + 1).min(bytes.len())
}

fn value_end(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                continue;
            }
            b'[' | b'{' => depth += 1,
            b',' | b']' | b'}' if depth == 0 => break,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at.max(start)
}

/// Changes a text as people and mail programs do, and as nobody does. `others` are texts of all kinds.
pub fn change_text(dice: &mut Dice, text: &str, others: &[String]) -> String {
    const BLANKS: [&str; 12] = [
        " ", "\t", "\u{a0}", "\u{2003}", "\u{3000}", "\u{200b}", "\u{feff}", "\u{2060}", "\u{ad}", "\u{b}",
        "\u{85}", "\0",
    ];
    const QUOTES: [&str; 9] = [
        "> ",
        ">",
        "| ",
        ">> > ",
        "\t> ",
        "&gt; ",
        "- ",
        "// ",
        "\u{203a} ",
    ];
    const ENDS: [&str; 7] = ["\r\n", "\r", "\n\n", "\n\r", "\u{2028}", "\u{85}", " "];
    const LETTERS: [char; 16] = [
        'A', 'z', '5', '+', '/', '=', '-', '_', ' ', ':', '>', '|', '\0', 'é', '\n', '\r',
    ];
    let lines = || text.split('\n');
    let joined = |lines: Vec<&str>| lines.join("\n");
    let at = boundary(text, dice.below(text.len() + 1));
    let other = dice.pick(others);
    match dice.below(24) {
        0 | 1 => replaced(text, at, &dice.pick(&LETTERS).to_string()),
        2 => replaced(text, at, ""),
        3 => inserted(text, at, &dice.pick(&LETTERS).to_string()),
        4 => replaced(
            text,
            at,
            &look_alike(text[at..].chars().next().unwrap_or('A')).to_string(),
        ),
        5 => inserted(text, at, dice.word(&BLANKS)),
        6 => {
            let quote = dice.word(&QUOTES);
            lines().map(|line| format!("{quote}{line}\n")).collect()
        }
        7 => text.replace('\n', dice.word(&ENDS)),
        8 => wrapped(text, 1 + dice.below(200)),
        9 => text[..at].to_owned(),
        10 => text[at..].to_owned(),
        11 | 12 => {
            let mut lines: Vec<&str> = lines().collect();
            let (one, two) = (dice.below(lines.len()), dice.below(lines.len()));
            match dice.below(3) {
                0 => lines.swap(one, two),
                1 => lines.insert(one, lines[two]),
                _ => drop(lines.remove(one)),
            }
            joined(lines)
        }
        13 => match dice.below(4) {
            0 => format!("{text}{text}"),
            1 => format!("{text}\n{other}"),
            2 => format!("{other}\n{text}"),
            _ => inserted(text, at, other),
        },
        14 => format!("Dear Ada,\n-- \n{text}\n-----BEGIN NOTHING-----\nAA==\n-----END NOTHING-----\n"),
        15 => text.replacen("-----\n", "-----\nVersion: 1\n\n", 1),
        // Quoted-printable that nobody undid.
        16 => text.replace('=', "=3D").replace('\n', "=\n\n"),
        17 => text
            .replace("-----BEGIN", "- -----BEGIN")
            .replace("-----END", "- -----END"),
        18 => match dice.below(3) {
            0 => text.to_lowercase(),
            1 => text.replace("BEGIN", "Begin"),
            _ => replaced(text, at, &flipped(&text[at..]).to_string()),
        },
        19 => text.replace('+', "-").replace('/', "_"),
        // The last letter before the padding has bits that stand for nothing.
        20 => match text.rfind("\n-----END") {
            Some(end) => {
                let last = text[..end].trim_end_matches('=').len().saturating_sub(1);
                replaced(text, boundary(text, last), &dice.pick(&LETTERS[..6]).to_string())
            }
            None => text.to_owned(),
        },
        21 => match dice.below(3) {
            0 => text.replace('=', ""),
            1 => text.replace("\n-----END", "=\n-----END"),
            _ => text.replace("==", "="),
        },
        22 => text.replace(
            "-----",
            dice.word(&["----", "------", "\u{2014}--", "\u{2013}\u{2013}-"]),
        ),
        _ => {
            let blank = dice.word(&BLANKS);
            lines().map(|line| format!("{blank}{line}{blank}\n")).collect()
        }
    }
}

fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn inserted(text: &str, at: usize, more: &str) -> String {
    [&text[..at], more, &text[at..]].concat()
}

/// With another text in the place of one character.
fn replaced(text: &str, at: usize, by: &str) -> String {
    let mut rest = text[at..].chars();
    rest.next();
    [&text[..at], by, rest.as_str()].concat()
}

fn flipped(text: &str) -> char {
    match text.chars().next() {
        Some(c) if c.is_ascii_lowercase() => c.to_ascii_uppercase(),
        Some(c) => c.to_ascii_lowercase(),
        None => 'a',
    }
}

/// A letter that looks the same to people.
fn look_alike(c: char) -> char {
    match c {
        'A' => '\u{410}',
        'B' => '\u{392}',
        'E' => '\u{415}',
        'K' => '\u{212a}',
        'O' => '0',
        '0' => 'O',
        'l' => 'I',
        'I' => '1',
        'a' => '\u{430}',
        'e' => '\u{435}',
        '-' => '\u{2010}',
        '=' => '\u{ff1d}',
        '+' => '\u{ff0b}',
        '\n' => '\u{2028}',
        other => char::from_u32(u32::from(other) + 0xfee0).unwrap_or(other),
    }
}

/// The lines between the first and the last one broken anew.
fn wrapped(text: &str, width: usize) -> String {
    let lines: Vec<&str> = text.trim_end().split('\n').collect();
    let [first, inner @ .., last] = lines.as_slice() else {
        return text.to_owned();
    };
    let letters: Vec<char> = inner.concat().chars().collect();
    let mut all = format!("{first}\n");
    for line in letters.chunks(width) {
        all.extend(line);
        all.push('\n');
    }
    all + last + "\n"
}
