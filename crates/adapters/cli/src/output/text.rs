//! Words for people.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use keystead_domain::{Keyset, State, Timestamp};

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

/// A table without lines; never wrapped, so that programs like `awk` can read it too.
pub(crate) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    let text = table.trim_fmt();
    // The style pads on both sides; the first column begins at the edge.
    text.lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Names and values, one a line, the values under each other.
pub(crate) fn field_lines(fields: &[(&str, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    let line = |(name, value): &(&str, String)| format!("{name:width$}{value}");
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A moment for people, to the second. JSON has all of it.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}

/// The state with its reason.
pub(crate) fn state_words(keyset: &Keyset) -> String {
    let origin = match keyset.origin() {
        keystead_domain::keyset::Origin::Generated => "generated",
        keystead_domain::keyset::Origin::Imported { .. } => "imported",
    };
    match keyset.state() {
        State::Active { at } => format!("Active since {}", moment(*at)),
        State::NeverActivated => format!("Inactive ({origin}, never active)"),
        State::Superseded {
            at,
            by,
            activated_at: _,
        } => {
            format!("Inactive (superseded {} by {})", moment(*at), by.short())
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
