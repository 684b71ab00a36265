//! How a broken adapter is shown to be caught.

use keystead_contract::{Outcome, Report};

/// Makes a test of each fault: the suite, run on the fixture with this fault, must find the promise of this case broken.
macro_rules! caught {
    ($suite:ident, $fixture:ident; $($test:ident: $fault:ident => $case:literal;)+) => {$(
        #[test]
        fn $test() {
            let report = keystead_contract::block_on(async {
                keystead_contract::$suite::suite()
                    .only($case)
                    .with_deadline(std::time::Duration::from_secs(20))
                    .run(std::sync::Arc::new($fixture::with(Fault::$fault)))
                    .await
            });
            crate::caught::assert_caught(report, $case);
        }
    )+};
}

/// That a case found its promise broken, and that the run as a whole is a failure.
pub(crate) fn assert_caught(report: Report, case: &str) {
    match report.outcome(case) {
        Some(Outcome::Violated(_)) => {}
        other => panic!("{case} does not catch it: {other:?}\n{report}"),
    }
    assert!(report.into_result().is_err());
}
