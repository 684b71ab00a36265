use keystead_application::ports::{ShareAddress, ShareError, ShareErrorKind};

use crate::error::Step;

/// What S3 takes.
const LONGEST: usize = 1024;

/// The name of an object in its bucket.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    /// The URL, for people.
    pub(crate) shown: String,
}

impl Key {
    /// The object that these names lead to from the top of the share.
    ///
    /// # Errors
    /// [`ShareErrorKind::BadName`] when no object can have such a name.
    pub(crate) fn below(
        top: &ShareAddress,
        names: &[&str],
        operation: &'static str,
    ) -> Result<Self, ShareError> {
        let address = top.below(names);
        let key = Self {
            text: address.names.join("/"),
            shown: address.to_string(),
        };
        let step = key.step(operation);
        if key.text.len() > LONGEST {
            let why = format!(
                "the name is too long: {} bytes with its path, and S3 takes {LONGEST}",
                key.text.len()
            );
            return Err(step.error(ShareErrorKind::BadName, why));
        }
        // The library takes them off without a word.
        if key.text.trim() != key.text {
            let why = "a name in a bucket cannot begin or end with a blank here";
            return Err(step.error(ShareErrorKind::BadName, why));
        }
        Ok(key)
    }

    /// What the names of everything in this folder begin with.
    pub(crate) fn as_prefix(&self) -> String {
        match self.text.is_empty() {
            true => "/".to_owned(),
            false => format!("{}/", self.text),
        }
    }

    /// The name of another object in the same folder.
    pub(crate) fn beside(&self, name: &str) -> String {
        match self.text.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{name}"),
            None => name.to_owned(),
        }
    }

    pub(crate) fn step(&self, operation: &'static str) -> Step {
        let place = self.shown.clone();
        Step { operation, place }
    }
}
