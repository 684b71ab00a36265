use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use keystead_application::Status;
use keystead_application::use_cases::{ApproveRecovery, RecoveryError};
use keystead_domain::{APPROVAL_NAMESPACE, Permission};
use keystead_wire::routes::{RECOVERIES, below};
use keystead_wire::{ApproveRequest, ApprovedJson, RecoveryJson, ShownRecoveryJson};

use super::look::{find, statement};
use super::permission;
use super::words::is_open;
use crate::Failure;
use crate::args::ApproveArgs;
use crate::context::Context;
use crate::output::printable;
use crate::remote::Remote;
use crate::texts::read_text;

pub(crate) async fn run(context: &Context<'_>, args: ApproveArgs) -> Result<(), Failure> {
    let ApproveArgs {
        request,
        key,
        signature,
        allow,
    } = args;
    let permission = permission(allow);
    let approved = match context.remote() {
        Some(remote) => approve_there(context, remote, &request, key, signature, permission).await?,
        None => approve_here(context, &request, key, signature, permission).await?,
    };
    tell(context, &approved)
}

async fn approve_here(
    context: &Context<'_>,
    request: &str,
    key: Option<PathBuf>,
    signature: Option<String>,
    permission: Permission,
) -> Result<ApprovedJson, Failure> {
    let (store, installation) = context.looking().await?;
    let tools = context.tools();
    let id = find(store.as_ref(), request).await?;
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
            sign(key, statement(context, &id.to_string(), permission).await?).await?
        }
    };
    let signature = tools
        .ssh
        .dearmor(&armored)
        .map_err(RecoveryError::OfficerSignature)?;
    let approved = approve.run(&context.actor(), id, permission, &signature).await?;
    Ok(ApprovedJson::from(&approved))
}

async fn approve_there(
    context: &Context<'_>,
    remote: &Remote,
    request: &str,
    key: Option<PathBuf>,
    signature: Option<String>,
    permission: Permission,
) -> Result<ApprovedJson, Failure> {
    let (id, signature) = match signature {
        Some(file) => (request.to_owned(), read_text(context, Some(&file)).await?),
        None => {
            let shown: ShownRecoveryJson = remote.get(below(RECOVERIES, request)).await?;
            let now = context.tools().clock.now();
            // Nobody types a passphrase in vain.
            if !is_open(&shown.recovery, now) {
                return Err(not_signed(format!(
                    "request {} does not wait any more",
                    printable(&shown.recovery.id)
                )));
            }
            let key = match key {
                Some(key) => key,
                None => ask_key(context)?,
            };
            let statement = statement(context, &shown.recovery.id, permission).await?;
            check_statement(context, &shown, permission, &statement)?;
            (shown.recovery.id, sign(key, statement).await?)
        }
    };
    let request = ApproveRequest {
        signature,
        origins: permission.origins.into(),
        retired_identity: permission.retired_identity,
    };
    remote
        .post(format!("{}/approvals", below(RECOVERIES, &id)), &request)
        .await
}

/// An officer signs what the manager gives, so that has to be the statement about the request that the manager shows, line
/// for line, and nothing else. What is signed is shown.
fn check_statement(
    context: &Context<'_>,
    shown: &ShownRecoveryJson,
    permission: Permission,
    statement: &str,
) -> Result<(), Failure> {
    if !is_statement_of(&shown.recovery, permission, statement) {
        return Err(Failure::new(
            Status::Refused,
            "the request was not approved",
            "the manager gives a statement to sign that is not about the request that it shows",
            "do not sign what it gives; ask the people who run the manager",
        ));
    }
    let lines = printable_lines(statement);
    context.printer.remark(&format!("what is signed:\n{lines}"));
    Ok(())
}

fn printable_lines(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| format!("  {}", printable(line)))
        .collect();
    lines.join("\n")
}

/// The form of a statement is part of the formats of recoveries.
fn is_statement_of(recovery: &RecoveryJson, permission: Permission, statement: &str) -> bool {
    let retired = match permission.retired_identity {
        true => "allowed",
        false => "refused",
    };
    let reason = recovery.reason.as_deref().unwrap_or_default();
    let files = recovery.file_count.to_string();
    // Which manager it is, the officer knows by the address; the other lines are known here.
    let expected: [(&str, Option<&str>); 13] = [
        ("installation", None),
        ("manager", None),
        ("request", Some(&recovery.id)),
        ("digest", Some(&recovery.digest)),
        ("server", Some(&recovery.server_id)),
        ("server-name", Some(&recovery.server_name)),
        ("identity", Some(&recovery.identity)),
        ("asked-by", Some(&recovery.asked_by)),
        ("reason", Some(reason)),
        ("files", Some(&files)),
        ("expires", Some(&recovery.expires_at)),
        ("origins", Some(permission.origins.as_str())),
        ("retired-identity", Some(retired)),
    ];
    let mut lines = statement.split('\n');
    let is_first = lines.next() == Some("keystead recovery approval v1");
    let is_line = |(name, value): (&str, Option<&str>)| {
        let Some(line) = lines.next() else {
            return false;
        };
        let Some(found) = line.strip_prefix(name) else {
            return false;
        };
        match (value, found.strip_prefix(' ')) {
            (Some(value), found) => is_same(value, found.unwrap_or_default()),
            (None, Some(found)) => !found.contains(' '),
            (None, None) => false,
        }
    };
    is_first && expected.into_iter().all(is_line) && lines.next() == Some("") && lines.next().is_none()
}

/// A statement holds no characters that deceive; where there are some, its line is another, and shows them.
fn is_same(value: &str, found: &str) -> bool {
    found == value.trim_end() || (printable(value) != value && printable(found) == found)
}

fn tell(context: &Context<'_>, approved: &ApprovedJson) -> Result<(), Failure> {
    let ApprovedJson {
        request,
        officer,
        approvals_given,
        approvals_needed,
    } = approved;
    context.printer.result(approved, || {
        format!(
            "approved by {} ({approvals_given} of {approvals_needed} needed)",
            printable(officer)
        )
    })?;
    let id = printable(request);
    context.printer.remark(&match approvals_given >= approvals_needed {
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
