//! Words for people.

use std::fmt::Display;

use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use keystead_domain::Fingerprint;
use keystead_wire::{KeysetJson, KeysetOriginJson, KeysetStateJson, NeededKeysetJson};

/// A text of unknown origin, with everything made visible that could deceive the reader at a terminal: escape sequences,
/// marks that turn the direction of writing, and characters without width.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_direction_mark(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A table without lines; never wrapped, so that programs like `awk` can read it too. What its cells hold is made printable:
/// it may come from another machine.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    let text = table.trim_fmt();
    // The style pads on both sides; the first column begins at the edge.
    text.lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Names and values, one a line, the values under each other. They are made printable: they may come from another machine.
pub(crate) fn field_lines(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    let line = |(name, value): &(&str, String)| format!("{name:width$}{}", printable(value));
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A moment for people, to the second. JSON has all of it.
pub(crate) fn moment(at: impl Display) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

/// The beginning of a fingerprint, as people name it.
pub(crate) fn short(fingerprint: &str) -> String {
    fingerprint.chars().take(Fingerprint::SHORT_DIGITS).collect()
}

/// A fingerprint in groups: people read it aloud and compare it.
pub(crate) fn groups(fingerprint: &str) -> String {
    match fingerprint.parse::<Fingerprint>() {
        Ok(fingerprint) => fingerprint.in_groups(),
        Err(_) => fingerprint.to_owned(),
    }
}

/// What is told of the state of a keyset.
pub(crate) struct StateFacts<'a> {
    state: KeysetStateJson,
    origin: KeysetOriginJson,
    activated_at: Option<&'a str>,
    superseded: Option<(&'a str, &'a str)>,
}

impl<'a> From<&'a KeysetJson> for StateFacts<'a> {
    fn from(keyset: &'a KeysetJson) -> Self {
        Self {
            state: keyset.state,
            origin: keyset.origin,
            activated_at: keyset.activated_at.as_deref(),
            superseded: keyset
                .deactivated_at
                .as_deref()
                .zip(keyset.superseded_by.as_deref()),
        }
    }
}

impl<'a> StateFacts<'a> {
    /// Those of a keyset that a request needs; `None` when it is not here.
    pub(crate) fn of_needed(keyset: &'a NeededKeysetJson) -> Option<Self> {
        Some(Self {
            state: keyset.state?,
            origin: keyset.origin?,
            activated_at: keyset.activated_at.as_deref(),
            superseded: keyset
                .deactivated_at
                .as_deref()
                .zip(keyset.superseded_by.as_deref()),
        })
    }
}

/// The state with its reason.
pub(crate) fn state_words<'a>(keyset: impl Into<StateFacts<'a>>) -> String {
    let facts = keyset.into();
    let origin = match facts.origin {
        KeysetOriginJson::Generated => "generated",
        KeysetOriginJson::Imported => "imported",
    };
    match (facts.state, facts.superseded) {
        (KeysetStateJson::Active, _) => {
            format!(
                "Active since {}",
                moment(facts.activated_at.unwrap_or("(not known)"))
            )
        }
        (KeysetStateJson::Inactive, None) => format!("Inactive ({origin}, never active)"),
        (KeysetStateJson::Inactive, Some((at, by))) => {
            format!("Inactive (superseded {} by {})", moment(at), short(by))
        }
    }
}

fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{e0000}'..='\u{e007f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deceiving_characters_are_made_visible() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(printable("tax\u{202e}fdp"), "tax\\u{202e}fdp");
        assert_eq!(printable("Büro 🔑 <b>"), "Büro 🔑 <b>");
    }

    #[test]
    fn a_table_has_no_lines_and_no_trailing_blanks() {
        let text = table(
            &["A", "B"],
            vec![vec!["x".into(), "yy".into()], vec!["zzz".into(), String::new()]],
        );
        assert_eq!(text, "A    B\nx    yy\nzzz");
    }
}
