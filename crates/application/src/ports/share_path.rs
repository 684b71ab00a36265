use std::fmt;

use super::{ShareError, ShareErrorKind};

/// A path within a share, as the share writes paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SharePath(String);

impl SharePath {
    /// Takes a path.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A file in this folder.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        Self(format!("{}/{name}", self.0.trim_end_matches('/')))
    }

    /// The names that lead to it from the top of the share, for shares whose paths are counted from there. Slashes at
    /// both ends and doubled ones say nothing.
    ///
    /// # Errors
    /// [`ShareErrorKind::OutsideShare`] for `.` and `..`: a path does not leave its share.
    /// [`ShareErrorKind::BadName`] for control characters.
    pub fn names(&self, operation: &'static str) -> Result<Vec<&str>, ShareError> {
        let refused = |kind, why| {
            Err(ShareError::new(
                kind,
                operation,
                self.0.escape_debug().to_string(),
                why,
            ))
        };
        let names: Vec<&str> = self.0.split('/').filter(|name| !name.is_empty()).collect();
        if names.iter().any(|name| matches!(*name, "." | "..")) {
            return refused(
                ShareErrorKind::OutsideShare,
                "a path on a share cannot have . or .. in it",
            );
        }
        if self.0.chars().any(char::is_control) {
            return refused(
                ShareErrorKind::BadName,
                "there is a control character in the name",
            );
        }
        Ok(names)
    }

    /// Whether it ends in a slash and so can only be a folder.
    #[must_use]
    pub fn names_folder(&self) -> bool {
        self.0.ends_with('/')
    }
}

impl fmt::Display for SharePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_from_the_top_and_stay_below_it() {
        let names = |text: &str| SharePath::new(text).names("test").map(|n| n.join("|"));
        assert_eq!(names("/a//b c/ü.pem").unwrap(), "a|b c|ü.pem");
        assert_eq!(names("").unwrap(), "");
        assert_eq!(names("a/...").unwrap(), "a|...");
        for outside in ["..", "../a", "a/../b", "a/./b", "/a/.."] {
            assert_eq!(
                names(outside).unwrap_err().kind,
                ShareErrorKind::OutsideShare,
                "{outside}"
            );
        }
        for bad in ["a\0b", "a\nb", "\u{9b}"] {
            assert_eq!(names(bad).unwrap_err().kind, ShareErrorKind::BadName, "{bad:?}");
        }
    }
}
