use keystead_application::ports::{ShareError, ShareErrorKind, SharePath};

use crate::access::SmbAccess;

/// What separates names in SMB, is a wildcard, or names a stream. The library would replace them silently by characters
/// for private use, and no other client would find the file under its name.
const FORBIDDEN: &[char] = &['"', '*', ':', '<', '>', '?', '\\', '|'];

/// The characters that the library takes for replaced ones.
const REPLACED: std::ops::RangeInclusive<char> = '\u{f001}'..='\u{f029}';

/// The length of a name on Windows, in UTF-16 units.
const LONGEST: usize = 255;

/// Why SMB has no such name, if so.
pub(crate) fn refusal(name: &str) -> Option<&'static str> {
    if name.contains(FORBIDDEN) || name.contains(|c| REPLACED.contains(&c)) {
        Some("SMB has no name with one of the characters \\ : * ? \" < > | in it")
    } else if name.ends_with(['.', ' ']) {
        Some("SMB has no name that ends in a full stop or a blank")
    } else if name.encode_utf16().count() > LONGEST {
        Some("a name in the path is longer than the 255 characters that SMB allows")
    } else {
        None
    }
}

/// A path on a share: its names from the top, and how the protocol is told.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) names: Vec<String>,
    top: Vec<String>,
}

impl Place {
    pub(crate) fn of(
        access: &SmbAccess,
        operation: &'static str,
        path: &SharePath,
    ) -> Result<Self, ShareError> {
        let names = path.names(operation)?;
        if let Some(why) = names.iter().find_map(|name| refusal(name)) {
            let place = access.place(&names);
            return Err(ShareError::new(ShareErrorKind::BadName, operation, place, why));
        }
        Ok(Self {
            names: names.into_iter().map(str::to_owned).collect(),
            top: access.top.clone(),
        })
    }

    /// The path from the root of the SMB share, with slashes.
    pub(crate) fn wire(&self) -> String {
        let all: Vec<&str> = self.top.iter().chain(&self.names).map(String::as_str).collect();
        all.join("/")
    }

    /// The folder that paths are counted from.
    pub(crate) fn top(&self) -> Self {
        Self {
            names: Vec::new(),
            top: self.top.clone(),
        }
    }

    /// The folder that it stands in.
    pub(crate) fn folder(&self) -> Self {
        let mut folder = self.clone();
        folder.names.pop();
        folder
    }

    /// What is called so in this folder.
    pub(crate) fn child(&self, name: &str) -> Self {
        let mut child = self.clone();
        child.names.push(name.to_owned());
        child
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_become_others_are_refused() {
        for name in [
            "a\\b",
            "a:b",
            "a?",
            "*",
            "a.",
            "a ",
            "...",
            "a\u{f022}b",
            &"n".repeat(256),
        ] {
            assert!(refusal(name).is_some(), "{name}");
        }
        for name in [
            "a.b",
            ".a",
            "a b",
            "100% #1 & more+.pem",
            "ключ 鍵 🔑.pem",
            &"n".repeat(255),
        ] {
            assert_eq!(refusal(name), None, "{name}");
        }
    }
}
