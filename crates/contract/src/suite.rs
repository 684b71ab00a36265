use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinError;

use crate::{Case, Outcome, Report, Violation};

/// A case that takes longer hangs: the slowest ones take seconds, also on a loaded machine and over a network.
const CASE_DEADLINE: Duration = Duration::from_secs(180);

/// The promises of one port.
pub struct Suite<F: ?Sized> {
    name: &'static str,
    cases: Vec<Case<F>>,
    deadline: Duration,
}

impl<F: ?Sized + Send + Sync + 'static> Suite<F> {
    /// A suite of these cases.
    #[must_use]
    pub fn new(name: &'static str, cases: Vec<Case<F>>) -> Self {
        Self {
            name,
            cases,
            deadline: CASE_DEADLINE,
        }
    }

    /// The same suite with another deadline for each case.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The one case with this name, to look into what it found. A name that is not there leaves a suite without cases,
    /// whose run is a failure.
    #[must_use]
    pub fn only(mut self, case: &str) -> Self {
        self.cases.retain(|known| known.name == case);
        self
    }

    /// The names of the cases, in the order in which they run.
    pub fn case_names(&self) -> impl Iterator<Item = &'static str> {
        self.cases.iter().map(|case| case.name)
    }

    /// Runs the cases one after the other, each in a task of its own: a panic in a backend is that case's violation and
    /// does not keep the others from running.
    pub async fn run(&self, fixture: Arc<F>) -> Report {
        let mut outcomes = Vec::with_capacity(self.cases.len());
        for case in &self.cases {
            let outcome = match (case.gate)(&fixture) {
                Err(reason) => Outcome::Skipped(reason),
                Ok(()) => self.run_case(case, Arc::clone(&fixture)).await,
            };
            outcomes.push((case.name, outcome));
        }
        Report::new(self.name, outcomes)
    }

    async fn run_case(&self, case: &Case<F>, fixture: Arc<F>) -> Outcome {
        let mut task = tokio::spawn((case.run)(fixture));
        match tokio::time::timeout(self.deadline, &mut task).await {
            Ok(Ok(Ok(()))) => Outcome::Passed,
            Ok(Ok(Err(violation))) => Outcome::Violated(violation),
            Ok(Err(stopped)) => Outcome::Violated(panicked(stopped)),
            Err(_) => {
                task.abort();
                Outcome::Violated(Violation::new(format!(
                    "it did not come to an end within {:?}",
                    self.deadline
                )))
            }
        }
    }
}

/// Runs a future on a runtime with several threads, as the macros of this crate do. It spares backend authors a
/// dependency of their own on the runtime.
///
/// # Panics
/// When the operating system gives no threads.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        #[expect(clippy::panic, reason = "a test without a runtime cannot go on")]
        Err(error) => panic!("no runtime for the test: {error}"),
    };
    let output = runtime.block_on(future);
    // A case that hangs in blocking code must not keep the report from being shown.
    runtime.shutdown_background();
    output
}

fn panicked(stopped: JoinError) -> Violation {
    match stopped.try_into_panic() {
        Err(cancelled) => Violation::new(format!("it was cancelled: {cancelled}")),
        Ok(payload) => {
            let words = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied());
            Violation::new(format!("it panicked: {}", words.unwrap_or("without words")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;
    use crate::case::{cases, ensure};

    struct Fixture;

    fn never(_: &Fixture) -> Result<(), &'static str> {
        Err("it is never there")
    }

    async fn holds(_: Arc<Fixture>) -> Verdict {
        Ok(())
    }

    async fn breaks(_: Arc<Fixture>) -> Verdict {
        ensure!(1 > 2, "{} is not greater than {}", 1, 2);
        Ok(())
    }

    async fn panics(_: Arc<Fixture>) -> Verdict {
        panic!("adapter fell over")
    }

    async fn hangs(_: Arc<Fixture>) -> Verdict {
        std::future::pending().await
    }

    async fn fails(_: Arc<Fixture>) -> Verdict {
        Err(std::fmt::Error)?
    }

    fn run(suite: Suite<Fixture>) -> Report {
        block_on(suite.run(Arc::new(Fixture)))
    }

    fn suite(cases: Vec<Case<Fixture>>) -> Suite<Fixture> {
        Suite::new("example", cases)
    }

    #[test]
    fn a_report_tells_every_case() {
        let report = run(suite(cases![holds, breaks, panics if never, panics, fails]));
        assert_eq!(report.passed().collect::<Vec<_>>(), ["holds"]);
        assert_eq!(
            report.skipped().collect::<Vec<_>>(),
            [("panics", "it is never there")]
        );
        let text = report.to_string();
        assert!(
            text.starts_with("example: 1 passed, 1 skipped, 3 violated"),
            "{text}"
        );
        assert!(
            text.contains("violated  breaks: 1 is not greater than 2"),
            "{text}"
        );
        assert!(
            text.contains("violated  panics: it panicked: adapter fell over"),
            "{text}"
        );
        assert!(text.contains("violated  fails: an unexpected error"), "{text}");
        assert!(report.into_result().is_err());
    }

    #[test]
    fn a_case_that_hangs_does_not_hang_the_run() {
        // Only this case: one that ends may need longer on a busy machine, such as to print where it panicked.
        let hanging = suite(cases![hangs]).with_deadline(Duration::from_millis(200));
        let text = run(hanging).to_string();
        assert!(
            text.contains("violated  hangs: it did not come to an end"),
            "{text}"
        );
    }

    #[test]
    fn a_run_without_cases_is_a_failure() {
        assert!(run(suite(Vec::new())).into_result().is_err());
        let failed = run(suite(cases![holds if never])).into_result().unwrap_err();
        assert!(failed.to_string().contains("no case ran"), "{failed}");
        assert!(run(suite(cases![holds, holds if never])).into_result().is_ok());
    }
}
