use std::fmt;

use crate::Violation;

/// What came of a suite's run: every case by its name.
pub struct Report {
    suite: &'static str,
    outcomes: Vec<(&'static str, Outcome)>,
}

/// What came of one case.
#[derive(Debug)]
pub enum Outcome {
    /// The promise is kept.
    Passed,
    /// The backend does not make this promise.
    Skipped(&'static str),
    /// The promise is broken.
    Violated(Violation),
}

/// The report of a run that did not succeed. Its `Debug` is the readable text, because that is what a test shows.
pub struct Failed(Report);

impl Report {
    pub(crate) fn new(suite: &'static str, outcomes: Vec<(&'static str, Outcome)>) -> Self {
        Self { suite, outcomes }
    }

    /// The cases that passed.
    pub fn passed(&self) -> impl Iterator<Item = &'static str> {
        self.outcomes
            .iter()
            .filter_map(|(name, outcome)| matches!(outcome, Outcome::Passed).then_some(*name))
    }

    /// The cases that were skipped, each with the reason.
    pub fn skipped(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.outcomes.iter().filter_map(|(name, outcome)| match outcome {
            Outcome::Skipped(reason) => Some((*name, *reason)),
            Outcome::Passed | Outcome::Violated(_) => None,
        })
    }

    /// The cases that found a promise broken, each with what was found.
    pub fn violated(&self) -> impl Iterator<Item = (&'static str, &Violation)> {
        self.outcomes.iter().filter_map(|(name, outcome)| match outcome {
            Outcome::Violated(violation) => Some((*name, violation)),
            Outcome::Passed | Outcome::Skipped(_) => None,
        })
    }

    /// What came of the case with this name.
    #[must_use]
    pub fn outcome(&self, case: &str) -> Option<&Outcome> {
        self.outcomes
            .iter()
            .find(|(name, _)| *name == case)
            .map(|(_, outcome)| outcome)
    }

    /// Turns the report into a test result. A run in which no case ran proves nothing and is a failure.
    ///
    /// # Errors
    /// When a promise is broken, or no case ran.
    pub fn into_result(self) -> Result<(), Failed> {
        if self.violated().next().is_some() || self.passed().next().is_none() {
            Err(Failed(self))
        } else {
            Ok(())
        }
    }
}

impl Failed {
    /// The report.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, skipped, violated) = (
            self.passed().count(),
            self.skipped().count(),
            self.violated().count(),
        );
        write!(
            f,
            "{}: {passed} passed, {skipped} skipped, {violated} violated",
            self.suite
        )?;
        for (name, reason) in self.skipped() {
            write!(f, "\n  skipped   {name}: {reason}")?;
        }
        for (name, violation) in self.violated() {
            write!(f, "\n  violated  {name}: {violation}")?;
        }
        if passed + violated == 0 {
            write!(f, "\n  no case ran: this proves nothing")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}
