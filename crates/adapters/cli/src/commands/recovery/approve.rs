use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keystead_application::Status;
use keystead_application::use_cases::{ApproveRecovery, Approved, BrowseRecoveries, RecoveryError};
use keystead_domain::APPROVAL_NAMESPACE;
use keystead_wire::{ApprovedJson};

use super::look::shower;
use super::permission;
use crate::Failure;
use crate::args::ApproveArgs;
use crate::context::Context;
use crate::output::{printable};
use crate::texts::read_text;

pub(crate) async fn run(context: &Context<'_>, args: ApproveArgs) -> Result<(), Failure> {
    let ApproveArgs {
        request,
        key,
        signature,
        allow,
    } = args;
    let (store, installation) = context.looking().await?;
    let tools = context.tools();
    let browse = BrowseRecoveries {
        store: store.as_ref(),
    };
    let id = browse.find(&request).await?.id;
    let permission = permission(allow);
    let approve = ApproveRecovery {
        store: store.as_ref(),
        trust: context.trust(&installation),
        clock: tools.clock.as_ref(),
    };
    let armored = match signature {
        Some(file) => read_text(context, Some(&file)).await?,
        None => {
            // Nobody types a passphrase in vain.
            approve.check(id, permission).await?;
            let key = match key {
                Some(key) => key,
                None => ask_key(context)?,
            };
            let statement = shower(context, store.as_ref(), &installation)
                .statement(id, permission)
                .await?;
            sign(key, statement).await?
        }
    };
    let signature = tools
        .ssh
        .dearmor(&armored)
        .map_err(RecoveryError::OfficerSignature)?;
    let approved = approve.run(&context.actor(), id, permission, &signature).await?;
    tell(context, &approved)
}

fn tell(context: &Context<'_>, approved: &Approved) -> Result<(), Failure> {
    let Approved {
        recovery,
        officer,
        standing,
    } = approved;
    context.printer.result(&ApprovedJson::from(approved), || {
        format!(
            "approved by {} ({} of {} needed)",
            printable(officer.as_str()),
            standing.given,
            standing.needed
        )
    })?;
    let id = recovery.id;
    context.printer.remark(&match standing.is_enough() {
        true => format!("next: keystead recovery respond {id} -o FILE"),
        false => format!(
            "next: another officer approves, with the same --allow options: keystead recovery approve {id} --key SSH_KEY"
        ),
    });
    Ok(())
}

fn ask_key(context: &Context<'_>) -> Result<PathBuf, Failure> {
    if !context.terminal.is_interactive() {
        return Err(Failure::usage(
            "neither a key nor a signature was given",
            "give --key SSH_KEY, or --signature FILE",
        ));
    }
    let usual = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".ssh/id_ed25519"));
    let shown = usual
        .as_ref()
        .map_or_else(String::new, |usual| format!(" [{}]", usual.display()));
    let answer = context.terminal.line(&format!("SSH key of the officer{shown}"))?;
    match (answer.is_empty(), usual) {
        (true, Some(usual)) => Ok(usual),
        _ => Ok(PathBuf::from(answer)),
    }
}

/// Lets ssh-keygen sign: it knows every kind of key, asks for passphrases itself, and speaks with agents and security keys.
async fn sign(key: PathBuf, statement: String) -> Result<String, Failure> {
    tokio::task::spawn_blocking(move || signed(&key, &statement))
        .await
        .map_err(|_| not_signed("the thread that waited for ssh-keygen stopped"))?
}

fn signed(key: &Path, statement: &str) -> Result<String, Failure> {
    let mut child = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", APPROVAL_NAMESPACE, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| not_signed(format!("ssh-keygen could not be started: {error}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ended early says why itself.
        let _ = stdin.write_all(statement.as_bytes());
    }
    let output = child
        .wait_with_output()
        .map_err(|error| not_signed(format!("ssh-keygen could not be waited for: {error}")))?;
    match (output.status.success(), String::from_utf8(output.stdout)) {
        (true, Ok(signature)) => Ok(signature),
        _ => Err(not_signed(format!(
            "ssh-keygen did not sign with {}",
            key.display()
        ))),
    }
}

fn not_signed(why: impl Into<String>) -> Failure {
    Failure::new(
        Status::Refused,
        "the request was not approved",
        why,
        "check the path of the key; or sign elsewhere what keystead recovery show REQUEST --statement prints, and give --signature FILE",
    )
}
