//! Commands at a distance, against a manager that is scripted: what is asked of it, and that its answers are told in the
//! words of the same command on the manager itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on has failed.

mod backup_servers;
mod changes;
mod looks;
mod scripted;
mod world;

use scripted::{Asked, Reply, Script, answer, problem};
use world::{Ran, World};

/// What was asked: methods and paths.
fn paths(asked: &[Asked]) -> Vec<&str> {
    asked.iter().map(|asked| asked.what.as_str()).collect()
}

/// The JSON of a command that has to succeed on this machine.
async fn value(world: &World, line: &str) -> serde_json::Value {
    serde_json::from_str(&ok(world, &format!("{line} --output json")).await).unwrap()
}

const TOKEN: &str = "keystead_test-token";

/// A command on this machine.
async fn here(world: &World, line: &str) -> Ran {
    world.run(line, Script::default()).await.0
}

/// A command that has to succeed on this machine, with its result.
async fn ok(world: &World, line: &str) -> String {
    let ran = here(world, line).await;
    assert!(ran.succeeded, "{line}\n{}{}", ran.out, ran.err);
    ran.out
}

/// The same at a manager elsewhere, and what was asked of it.
async fn there(world: &World, line: &str, script: Script) -> (Ran, Vec<Asked>) {
    let token = world.token_file();
    let line = format!("{line} --server https://keys.example --token-file {token}");
    world.run(&line, script).await
}
