use std::sync::Arc;

use keystead_application::ports::Store;
use keystead_application::use_cases::{
    BrowseRecoveries, ExaminedFile, ListedRecovery, NeededKeyset, Prospect, ReceiveRequest, ShowRecovery,
    ShownRecovery,
};
use keystead_domain::{
    Approval, Installation, Origin, Permission, Recovery, RecoveryState, RequestId, Standing, Timestamp,
};
use keystead_wire::{RecoveriesJson, ShownRecoveryJson};

use super::respond::files as how_many;
use crate::Failure;
use crate::context::Context;
use crate::output::{field_lines, moment, printable, state_words, table, write_out};
use crate::progress::WorkProgress;
use crate::texts::read_text;

/// How many files are named.
const SHOWN_FILES: usize = 20;
/// How many keysets are named. More is a made-up request.
const SHOWN_KEYSETS: usize = 20;

pub(crate) async fn receive(context: &Context<'_>, file: Option<&str>) -> Result<RequestId, Failure> {
    let text = read_text(context, file).await?;
    let (store, installation) = context.looking().await?;
    let receive = ReceiveRequest {
        store: store.as_ref(),
        trust: context.trust(&installation),
        clock: context.tools().clock.as_ref(),
    };
    let progress = WorkProgress::begin(&context.printer, "verifying the request");
    let received = receive.run(&context.actor(), &text).await;
    drop(progress);
    let (recovery, _) = received?;
    show_one(context, store.as_ref(), &installation, recovery.id).await?;
    Ok(recovery.id)
}

pub(crate) async fn list(context: &Context<'_>, limit: u32) -> Result<(), Failure> {
    let store = context.reading().await?;
    let browse = BrowseRecoveries {
        store: store.as_ref(),
    };
    let list = browse.list(None, limit).await?;
    let now = context.tools().clock.now();
    let row = |listed: &ListedRecovery| {
        let ListedRecovery {
            recovery,
            server,
            standing,
        } = listed;
        vec![
            recovery.id.to_string(),
            printable(server.name.as_str()),
            printable(recovery.asked_by.as_str()),
            recovery.files.to_string(),
            moment(recovery.received_at),
            recovery_state(recovery, Some(standing), now),
        ]
    };
    context
        .printer
        .result(&RecoveriesJson::new(&list, None), || match list.is_empty() {
            true => "there is no recovery request; one is taken in with: keystead recovery receive FILE"
                .to_owned(),
            false => table(
                &["REQUEST", "SERVER", "ASKED BY", "FILES", "RECEIVED", "STATE"],
                list.iter().map(row).collect(),
            ),
        })
}

pub(crate) async fn show(context: &Context<'_>, reference: &str) -> Result<(), Failure> {
    let (store, installation) = context.looking().await?;
    let browse = BrowseRecoveries {
        store: store.as_ref(),
    };
    let id = browse.find(reference).await?.id;
    show_one(context, store.as_ref(), &installation, id)
        .await
        .map(|_| ())
}

pub(crate) async fn statement(
    context: &Context<'_>,
    reference: &str,
    permission: Permission,
) -> Result<(), Failure> {
    let (store, installation) = context.looking().await?;
    let browse = BrowseRecoveries {
        store: store.as_ref(),
    };
    let id = browse.find(reference).await?.id;
    let show = shower(context, store.as_ref(), &installation);
    // Exactly these bytes are signed.
    write_out(&show.statement(id, permission).await?)
}

pub(crate) fn shower<'a>(
    context: &'a Context<'_>,
    store: &'a dyn Store,
    installation: &'a Installation,
) -> ShowRecovery<'a> {
    ShowRecovery {
        store,
        trust: context.trust(installation),
        format: Arc::clone(&context.tools().format),
    }
}

pub(crate) async fn show_one(
    context: &Context<'_>,
    store: &dyn Store,
    installation: &Installation,
    id: RequestId,
) -> Result<ShownRecovery, Failure> {
    let shown = shower(context, store, installation).run(id).await?;
    let now = context.tools().clock.now();
    context
        .printer
        .result(&ShownRecoveryJson::from(&shown), || words(&shown, now))?;
    if let Some(next) = next(&shown, now) {
        context.printer.remark(&format!("\nnext: {next}"));
    }
    Ok(shown)
}

fn words(shown: &ShownRecovery, now: Timestamp) -> String {
    let ShownRecovery {
        recovery,
        server,
        identity_retired_at,
        counted,
        standing,
        examination,
    } = shown;
    let reason = recovery
        .reason
        .as_ref()
        .map_or("none given", |reason| reason.as_str());
    let identity = match identity_retired_at {
        Some(at) => format!("{} (RETIRED {})", recovery.identity, moment(*at)),
        None => recovery.identity.to_string(),
    };
    let mut fields = vec![
        ("request", recovery.id.to_string()),
        ("state", recovery_state(recovery, Some(standing), now)),
        (
            "server",
            format!("{} ({})", printable(server.name.as_str()), server.id),
        ),
        ("identity", identity),
        ("asked by", printable(recovery.asked_by.as_str())),
        ("reason", printable(reason)),
        ("made", moment(recovery.validity.created_at)),
        ("received", moment(recovery.received_at)),
        ("holds until", moment(recovery.validity.expires_at)),
        ("digest", recovery.digest.to_string()),
        ("files", recovery.files.to_string()),
        (
            "approvals",
            format!(
                "{} of {} needed{}",
                standing.given,
                standing.needed,
                approvers(counted)
            ),
        ),
    ];
    fields.extend(
        strangers(&examination.files)
            .into_iter()
            .map(|line| ("CAREFUL", line)),
    );
    let mut text = field_lines(&fields);
    text.push_str("\n\nkeysets that it needs:\n");
    text.push_str(&keysets(&examination.keysets));
    text.push_str("\n\nfiles:\n");
    text.push_str(&files(&examination.files));
    text
}

/// What became of a request; while it waits, how many approvals count and whether it still holds.
pub(crate) fn recovery_state(recovery: &Recovery, standing: Option<&Standing>, now: Timestamp) -> String {
    match &recovery.state {
        RecoveryState::Waiting if recovery.validity.expires_at <= now => {
            format!("not answered, ended {}", moment(recovery.validity.expires_at))
        }
        RecoveryState::Waiting => match standing {
            Some(standing) => format!("waiting, {} of {} approved", standing.given, standing.needed),
            None => "waiting".to_owned(),
        },
        RecoveryState::Denied { at, by, reason } => {
            let (by, reason) = (printable(by.as_str()), printable(reason.as_str()));
            format!("denied {} by {by} ({reason})", moment(*at))
        }
        RecoveryState::Answered { at, until, opened } => {
            let (at, until) = (moment(*at), moment(*until));
            format!(
                "answered {at}, {opened} of {} files, for use until {until}",
                recovery.files
            )
        }
    }
}

fn approvers(counted: &[Approval]) -> String {
    let names: Vec<String> = counted
        .iter()
        .map(|approval| printable(approval.name.as_str()))
        .collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(" ({})", names.join(", ")),
    }
}

/// What is unusual about where the files come from.
fn strangers(files: &[ExaminedFile]) -> Vec<String> {
    // Those that no permission opens are not worth one.
    let openable = |file: &&ExaminedFile| matches!(file.prospect, Prospect::Opens { .. });
    let count = |is: fn(&Origin) -> bool| {
        files
            .iter()
            .filter(openable)
            .filter(|file| is(&file.origin))
            .count()
    };
    let mut lines = Vec::new();
    match count(|origin| matches!(origin, Origin::OtherServer(_))) {
        0 => {}
        others => lines.push(format!(
            "{} sealed by another server; opened only when officers give --allow-other-servers",
            how_many(others)
        )),
    }
    match count(|origin| matches!(origin, Origin::Unnamed)) {
        0 => {}
        unnamed => lines.push(format!("{} sealed by a server that the header does not name; opened only when officers give --allow-unnamed", how_many(unnamed))),
    }
    lines
}

fn keysets(needed: &[NeededKeyset]) -> String {
    let row = |keyset: &NeededKeyset| {
        let (state, hint) = match &keyset.here {
            Some(here) => (state_words(here), printable(here.hint().as_str())),
            None => (
                "NOT HERE: keystead keyset import SOURCE".to_owned(),
                String::new(),
            ),
        };
        vec![
            keyset
                .fingerprint
                .map_or_else(|| "(not named)".to_owned(), |fingerprint| fingerprint.to_string()),
            keyset.files.to_string(),
            state,
            hint,
        ]
    };
    table(
        &["FINGERPRINT", "FILES", "STATE", "HINT"],
        needed.iter().take(SHOWN_KEYSETS).map(row).collect(),
    ) + &match needed.len().saturating_sub(SHOWN_KEYSETS) {
        0 => String::new(),
        more => format!("\nand {more} more"),
    }
}

fn files(files: &[ExaminedFile]) -> String {
    let name = |file: &ExaminedFile| printable(file.name.as_deref().unwrap_or("(without a name)"));
    let mut lines: Vec<String> = files.iter().take(SHOWN_FILES).map(name).collect();
    if files.len() > SHOWN_FILES {
        lines.push(format!("and {} more", files.len() - SHOWN_FILES));
    }
    lines.join("\n")
}

fn next(shown: &ShownRecovery, now: Timestamp) -> Option<String> {
    let id = shown.recovery.id;
    let recovery = &shown.recovery;
    if recovery.state != RecoveryState::Waiting || recovery.validity.expires_at <= now {
        return None;
    }
    if !shown.standing.is_enough() {
        let retired = match shown.identity_retired_at {
            Some(_) => " --allow-retired-identity (only when a call to the machine's people confirmed it)",
            None => "",
        };
        let careful = match strangers(&shown.examination.files).is_empty() {
            true => "",
            false => "; for the files of others see CAREFUL above",
        };
        return Some(format!(
            "officers approve with: keystead recovery approve {id} --key SSH_KEY{retired}{careful}"
        ));
    }
    Some(match shown.examination.missing() {
        Some(_) => format!("import the missing keysets, then: keystead recovery respond {id} -o FILE"),
        None => format!("keystead recovery respond {id} -o FILE"),
    })
}
