/// How a command or request ends; the command line's exit statuses are these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Refused by a rule, or failed.
    Refused = 1,
    /// Used in a wrong way.
    Usage = 2,
    /// Not found.
    NotFound = 3,
    /// Not unlocked: wrong passphrase, password or key.
    NotUnlocked = 4,
}

/// An error for the person who reads it: what happened, why, and what to do.
pub trait Explain: std::error::Error {
    /// What happened, in one line.
    fn what(&self) -> String;
    /// Why, in one line.
    fn why(&self) -> String;
    /// What to do, in one line.
    fn fix(&self) -> String;
    /// How the command or request ends.
    fn status(&self) -> Status;
    /// A word for this kind of error that programs can rely on: it never changes its meaning.
    fn code(&self) -> &'static str {
        match self.status() {
            Status::Refused => "refused",
            Status::Usage => "invalid-input",
            Status::NotFound => "not-found",
            Status::NotUnlocked => "not-unlocked",
        }
    }
}
