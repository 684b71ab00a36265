use keystead_application::use_cases::{BrowseOfficers, ManageOfficers};
use keystead_domain::PersonName;
use keystead_wire::routes::{OFFICERS, below, with_query};
use keystead_wire::{AddOfficerRequest, OfficerJson, OfficersJson};

use crate::Failure;
use crate::args::OfficerCommand;
use crate::commands::keyset::confirm;
use crate::commands::policy::policy;
use crate::context::{Context, OpenInstallation, person, reason};
use crate::output::{field_lines, moment, printable, table};

pub(crate) async fn run(context: &Context<'_>, command: OfficerCommand) -> Result<(), Failure> {
    match command {
        OfficerCommand::Add { name, key, also } => add(context, &name, &key, &also).await,
        OfficerCommand::List => list(context).await,
        OfficerCommand::Remove {
            officer,
            reason: why,
            yes,
        } => remove(context, &officer, why.as_deref(), yes).await,
    }
}

fn manage<'a>(context: &'a Context<'_>, opened: &'a OpenInstallation) -> ManageOfficers<'a> {
    let tools = context.tools();
    ManageOfficers {
        store: opened.store.as_ref(),
        register: context.register(opened),
        ssh: tools.ssh.as_ref(),
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
    }
}

/// Says so when fewer officers may approve than are needed, and whether it is so.
pub(crate) async fn tell_if_too_few(context: &Context<'_>) -> Result<bool, Failure> {
    let officers = officers(context).await?.officers;
    let needed = policy(context).await?.approvals as usize;
    let there = officers
        .iter()
        .filter(|officer| officer.removed_at.is_none())
        .count();
    if there >= needed {
        return Ok(false);
    }
    let there = match there {
        0 => "no officer may approve".to_owned(),
        1 => "1 officer may approve".to_owned(),
        many => format!("{many} officers may approve"),
    };
    let needed = match needed {
        1 => "1 is needed".to_owned(),
        many => format!("{many} are needed"),
    };
    context
        .printer
        .important(&format!("{there}, and {needed}: no request can be answered"))?;
    Ok(true)
}

async fn add(context: &Context<'_>, name: &str, key: &str, also: &[String]) -> Result<(), Failure> {
    let name = person(name)?;
    let also = also
        .iter()
        .map(|name| person(name))
        .collect::<Result<Vec<PersonName>, _>>()?;
    let line = key_line(key)?;
    let officer = match context.remote() {
        Some(remote) => {
            let request = AddOfficerRequest {
                name: name.to_string(),
                also: also.iter().map(ToString::to_string).collect(),
                key: line,
            };
            remote.post(OFFICERS, &request).await?
        }
        None => {
            let opened = context.installation().await?;
            let manage = manage(context, &opened);
            OfficerJson::new(&manage.add(&context.actor(), &name, &also, &line).await?)
        }
    };
    context.printer.result(&officer, || words(&officer))?;
    context.printer.remark(
        "compare the key's fingerprint with what the person's own machine says: ssh-keygen -lf KEY.pub",
    );
    Ok(())
}

/// A line as it is, or the first line of a file.
fn key_line(text: &str) -> Result<String, Failure> {
    use std::io::Read;
    const MAX_FILE: u64 = 64 * 1024;
    if text.contains(' ') && !std::path::Path::new(text).exists() {
        return Ok(text.to_owned());
    }
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("{text}: {error}"), "give a .pub file, or its line");
    let mut content = String::new();
    std::fs::File::open(text)
        .and_then(|file| file.take(MAX_FILE).read_to_string(&mut content))
        .map_err(unreadable)?;
    if content.contains("PRIVATE KEY-----") {
        return Err(Failure::usage(
            format!("{text} holds a private key, which stays with its owner"),
            format!("give its public half: {text}.pub"),
        ));
    }
    let line = content
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(line.unwrap_or_default().to_owned())
}

async fn remove(context: &Context<'_>, officer: &str, why: Option<&str>, yes: bool) -> Result<(), Failure> {
    let why = why.map(reason).transpose()?;
    let question = format!(
        "take \"{}\" off? Approvals of this person do not count any more",
        printable(officer)
    );
    let removed = match context.remote() {
        Some(remote) => {
            if !yes {
                confirm(context, &question)?;
            }
            let why = why.map(|why| why.to_string());
            remote
                .delete(with_query(&below(OFFICERS, officer), &[("reason", why)]))
                .await?
        }
        None => {
            let opened = context.installation().await?;
            if !yes {
                confirm(context, &question)?;
            }
            let manage = manage(context, &opened);
            OfficerJson::new(&manage.remove(&context.actor(), officer, why.as_ref()).await?)
        }
    };
    context.printer.result(&removed, || words(&removed))?;
    tell_if_too_few(context).await.map(|_| ())
}

async fn officers(context: &Context<'_>) -> Result<OfficersJson, Failure> {
    if let Some(remote) = context.remote() {
        return remote.get(OFFICERS).await;
    }
    let store = context.reading().await?;
    let browse = BrowseOfficers {
        store: store.as_ref(),
    };
    Ok(OfficersJson::new(&browse.list().await?))
}

async fn list(context: &Context<'_>) -> Result<(), Failure> {
    let officers = officers(context).await?;
    let row = |officer: &OfficerJson| {
        vec![
            officer.name.clone(),
            kind(officer).to_owned(),
            officer.key_fingerprint.clone(),
            moment(&officer.added_at),
            match &officer.removed_at {
                Some(at) => format!("taken off {}", moment(at)),
                None => "may approve".to_owned(),
            },
        ]
    };
    context
        .printer
        .result(&officers, || match officers.officers.is_empty() {
            true => {
                "there is no officer yet; add one with: keystead officer add NAME --key FILE.pub".to_owned()
            }
            false => table(
                &["NAME", "KEY", "FINGERPRINT", "ADDED", "STATE"],
                officers.officers.iter().map(row).collect(),
            ),
        })?;
    tell_if_too_few(context).await.map(|_| ())
}

/// The kind of a key is the first word of its line.
fn kind(officer: &OfficerJson) -> &str {
    officer.key.split(' ').next().unwrap_or_default()
}

fn words(officer: &OfficerJson) -> String {
    let mut fields = vec![
        ("officer", officer.name.clone()),
        ("id", officer.id.clone()),
        ("key", format!("{} {}", kind(officer), officer.key_fingerprint)),
        ("added", moment(&officer.added_at)),
    ];
    if !officer.also.is_empty() {
        fields.push(("also", officer.also.join(", ")));
    }
    if let Some(at) = &officer.removed_at {
        fields.push(("taken off", moment(at)));
    }
    field_lines(&fields)
}
