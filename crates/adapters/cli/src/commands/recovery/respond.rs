use std::collections::BTreeMap;
use std::sync::Arc;

use keystead_application::exchange::{UnopenedFile, WhyUnopened};
use keystead_application::use_cases::{BrowseRecoveries, DenyRecovery, RespondRecovery, Responded};
use keystead_domain::Timestamp;
use keystead_wire::{RecoveryJson, RespondedJson};

use super::look::recovery_state;
use crate::Failure;
use crate::args::TextOutArgs;
use crate::context::{Context, person, reason};
use crate::host::person_here;
use crate::output::{printable};
use crate::progress::WorkProgress;
use crate::texts::TextOut;

pub(crate) async fn run(
    context: &Context<'_>,
    reference: &str,
    partial: bool,
    to: &TextOutArgs,
) -> Result<(), Failure> {
    let opened = context.installation().await?;
    let tools = context.tools();
    let browse = BrowseRecoveries {
        store: opened.store.as_ref(),
    };
    let recovery = browse.find(reference).await?;
    let respond = RespondRecovery {
        store: opened.store.as_ref(),
        master_key: opened.master_key.as_ref(),
        rsa: tools.rsa.as_ref(),
        format: Arc::clone(&tools.format),
        cipher: tools.cipher.as_ref(),
        trust: context.trust(&opened.installation),
        clock: tools.clock.as_ref(),
    };
    // What is in the way is found out before a private key is used.
    let out = TextOut::prepare(context, to).await?;
    let progress = WorkProgress::counting(&context.printer, "opening key slots", u64::from(recovery.files));
    let responded = respond
        .run(&context.actor(), recovery.id, partial, &|done| progress.at(done))
        .await;
    drop(progress);
    let responded = responded.map_err(Failure::from);
    let (responded, handed) = out.write(context, responded, |responded| &responded.text).await?;
    let json = RespondedJson::new(&responded, handed.place.clone(), handed.field(&responded.text).map(str::to_owned));
    handed.tell(context, &json, words(&responded, context.tools().clock.now()))?;
    context.printer.remark(
        "next: bring the response to the backup server, and there run: keystead recovery apply FILE --into FOLDER",
    );
    Ok(())
}

fn words(responded: &Responded, now: Timestamp) -> String {
    let Responded {
        recovery,
        unopened,
        again,
        text: _,
    } = responded;
    let state = recovery_state(recovery, None, now);
    let mut lines = vec![match again {
        true => format!("{state}; this is the same response again"),
        false => state,
    }];
    lines.extend(unopened_words(unopened));
    lines.join("\n")
}

/// A line for each reason.
pub(super) fn unopened_words(unopened: &[UnopenedFile]) -> Vec<String> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for file in unopened {
        *reasons.entry(why(&file.why)).or_default() += 1;
    }
    let line = |(why, count): (String, usize)| format!("not opened, {}: {why}", files(count));
    reasons.into_iter().map(line).collect()
}

/// So many files.
pub(super) fn files(count: usize) -> String {
    match count {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    }
}

fn why(why: &WhyUnopened) -> String {
    match why {
        WhyUnopened::NoKeyset(named) if named.is_empty() => {
            "a keyset is needed that the header does not name".to_owned()
        }
        WhyUnopened::NoKeyset(named) => {
            let named: Vec<String> = named.iter().map(ToString::to_string).collect();
            format!(
                "keyset {} is needed, which is not at the manager",
                named.join(" or ")
            )
        }
        WhyUnopened::NotSealed => "there is no header of a sealed file".to_owned(),
        WhyUnopened::HeaderChanged => "the header was changed after it was sealed".to_owned(),
        WhyUnopened::OtherFile => "the file id is another one than the request says".to_owned(),
        WhyUnopened::OtherServer(server) => {
            format!("another server sealed it ({})", printable(server))
        }
        WhyUnopened::Unnamed => "the header does not name the server that sealed it".to_owned(),
    }
}

pub(crate) async fn deny(
    context: &Context<'_>,
    reference: &str,
    why: &str,
    by: Option<&str>,
) -> Result<(), Failure> {
    let why = reason(why)?;
    let by = match by {
        Some(by) => person(by)?,
        None => person_here(context)?,
    };
    let (store, _) = context.looking().await?;
    let browse = BrowseRecoveries {
        store: store.as_ref(),
    };
    let id = browse.find(reference).await?.id;
    let deny = DenyRecovery {
        store: store.as_ref(),
        clock: context.tools().clock.as_ref(),
    };
    let (denied, server) = deny.run(&context.actor(), id, &by, &why).await?;
    context
        .printer
        .result(&RecoveryJson::new(&denied, &server), || {
            recovery_state(&denied, None, context.tools().clock.now())
        })
}
