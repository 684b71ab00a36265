//! The service against its own description, by Schemathesis: as each role, and as nobody.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::process::Command;

use support::cli::recovery::enrolled_token;
use support::cli::tools;
use support::{Served, initialised};

/// All checks but one: that everything is taken that the description allows. A description in JSON Schema cannot say what
/// a PEM file, a key of OpenSSH or a signed text is, and what is none is refused.
const NOT_CHECKED: &str = "positive_data_acceptance";

/// How many requests of each kind are made; `just schemathesis` makes more.
fn examples() -> String {
    std::env::var("KEYSTEAD_TEST_EXAMPLES").unwrap_or_else(|_| "5".to_owned())
}

#[test]
fn no_answer_is_one_that_the_description_does_not_know() {
    if !tools::have("schemathesis") {
        return;
    }
    let mut machine = initialised();
    machine.set("KEYSTEAD__SERVE__TLS", "off");
    let served = Served::start(&machine);
    let admin = served.admin(&machine);
    let (_server, server_token) = enrolled_token(&machine);
    let mut everybody: Vec<(&str, Option<String>)> =
        vec![("nobody", None), ("backup-server", Some(server_token))];
    for role in ["recovery-officer", "auditor", "admin"] {
        everybody.push((role, Some(admin.token(role))));
    }
    for (who, token) in everybody {
        let mut command = Command::new("schemathesis");
        command
            .args(["run", &format!("{}/openapi.json", served.url)])
            .args(["--checks", "all", "--exclude-checks", NOT_CHECKED])
            .args([
                "--phases",
                "examples,coverage,fuzzing",
                "--max-examples",
                &examples(),
            ])
            .args(["--continue-on-failure", "--no-color", "--warnings", "off"])
            .args(["--request-timeout", "60"])
            .current_dir(machine.home());
        if let Some(token) = token {
            command.args(["-H", &format!("Authorization: Bearer {token}")]);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "as {who}: {said}");
        assert!(said.contains("Tested: 56"), "as {who}: {said}");
    }
    let log = String::from_utf8(machine.read("service.log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(served.stop(), 0);
}
