/// What kind of failure a share reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShareErrorKind {
    /// There is no such file.
    NotFound,
    /// There is a file already.
    Exists,
    /// The path names a folder or a device where a file is needed.
    NotAFile,
    /// The folder of the path does not exist.
    NoFolder,
    /// The share does not let this user.
    Denied,
    /// There is no room left.
    NoSpace,
    /// The location cannot be understood.
    BadLocation,
    /// The share cannot have a file of this name: it is too long, or holds what the share does not take.
    BadName,
    /// The path leads out of the share, by its names or by a symbolic link.
    OutsideShare,
    /// The share is configured as read-only, or is read-only by itself.
    ReadOnly,
    /// There is no share, bucket or folder of this name where it was looked for.
    NoShare,
    /// The share did not take the user name and password, or key.
    NotSignedIn,
    /// The server did not prove that it is the one that was meant: its host key or certificate is not known, or another
    /// one.
    Untrusted,
    /// The share has other bytes than were written.
    NotAsWritten,
    /// The share cannot do this.
    Unsupported,
    /// The share cannot be reached or does not work.
    Unavailable,
}

impl ShareErrorKind {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable)
    }
}

/// A failure of a share.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {message} (while trying to {operation})")]
pub struct ShareError {
    /// What kind.
    pub kind: ShareErrorKind,
    /// What was being done, such as `rename the file`.
    pub operation: &'static str,
    /// Where, without credentials.
    pub place: String,
    /// What happened, for people.
    pub message: String,
    /// What to do about it, where that is more than the kind tells.
    pub advice: Option<String>,
}

impl ShareError {
    /// A failure.
    #[must_use]
    pub fn new(
        kind: ShareErrorKind,
        operation: &'static str,
        place: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            operation,
            place: place.into(),
            message: message.into(),
            advice: None,
        }
    }

    /// The same failure with what to do about it.
    #[must_use]
    pub fn advising(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}
