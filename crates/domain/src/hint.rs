use std::fmt;
use std::str::FromStr;

/// The greatest length of a hint or a reason, in Unicode scalar values.
pub const HINT_MAX_CHARS: usize = 200;

/// A free text that cannot be kept as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing but blanks.
    #[error("the {0} is empty")]
    Empty(&'static str),
    /// More than [`HINT_MAX_CHARS`].
    #[error("the {0} has {1} characters, {HINT_MAX_CHARS} are allowed")]
    TooLong(&'static str, usize),
    /// A line break, tab, escape or other control character.
    #[error("the {0} holds a control character, such as a line break")]
    Control(&'static str),
}

macro_rules! line_of_text {
    ($(#[$doc:meta])* $name:ident, $word:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidText;

            /// Takes one line of text; blanks around it are dropped.
            fn from_str(text: &str) -> Result<Self, InvalidText> {
                check_line(text, $word).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

line_of_text! {
    /// The text that tells people which keyset this is. It travels in the export and is shown before an import.
    Hint, "hint"
}
line_of_text! {
    /// Why somebody did what normally would be refused. It is kept in the audit trail.
    Reason, "reason"
}

line_of_text! {
    /// What people call a backup server.
    ServerName, "server name"
}
line_of_text! {
    /// What a person is called: an officer, or somebody who asks for a recovery.
    PersonName, "name"
}

impl PersonName {
    /// Whether both may be the same person: the names are compared without regard to case, and also without what follows an
    /// at sign, because a machine adds its own name there.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let bare = |name: &Self| {
            let name = name.as_str();
            let bare = name.split('@').next().unwrap_or(name).trim();
            match bare.is_empty() {
                true => name.to_lowercase(),
                false => bare.to_lowercase(),
            }
        };
        bare(self) == bare(other)
    }
}

fn check_line(text: &str, word: &'static str) -> Result<String, InvalidText> {
    let text = text.trim();
    let length = text.chars().count();
    if text.is_empty() {
        Err(InvalidText::Empty(word))
    } else if length > HINT_MAX_CHARS {
        Err(InvalidText::TooLong(word, length))
    } else if text.chars().any(char::is_control) {
        Err(InvalidText::Control(word))
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_the_same_on_every_machine() {
        let name = |text: &str| text.parse::<PersonName>().unwrap();
        assert!(name("Ada@db1").may_be(&name("ada")));
        assert!(name("ada@db1").may_be(&name("ADA@db2.example.org")));
        assert!(!name("ada").may_be(&name("adam")));
        assert!(!name("@a").may_be(&name("@b")));
    }

    #[test]
    fn a_hint_is_one_printable_line() {
        assert_eq!(
            "  Büro <b>2026</b> 🔑 ".parse::<Hint>().unwrap().as_str(),
            "Büro <b>2026</b> 🔑"
        );
        assert_eq!("  ".parse::<Hint>(), Err(InvalidText::Empty("hint")));
        assert_eq!("a\nb".parse::<Hint>(), Err(InvalidText::Control("hint")));
        assert_eq!("\u{1b}[2J".parse::<Hint>(), Err(InvalidText::Control("hint")));
        assert_eq!(
            "é".repeat(201).parse::<Hint>(),
            Err(InvalidText::TooLong("hint", 201))
        );
        assert!("é".repeat(200).parse::<Hint>().is_ok());
    }
}
