use keystead_application::ports::Store;
use keystead_application::use_cases::{BrowseOfficers, ManageOfficers, ShowPolicy};
use keystead_domain::{Officer, PersonName};
use keystead_wire::{OfficerJson, OfficersJson};

use crate::Failure;
use crate::args::OfficerCommand;
use crate::commands::keyset::confirm;
use crate::context::{Context, person, reason};
use crate::output::{field_lines, moment, printable, table};

pub(crate) async fn run(context: &Context<'_>, command: OfficerCommand) -> Result<(), Failure> {
    if let OfficerCommand::List = command {
        return list(context).await;
    }
    let opened = context.installation().await?;
    let tools = context.tools();
    let manage = ManageOfficers {
        store: opened.store.as_ref(),
        register: context.register(&opened),
        ssh: tools.ssh.as_ref(),
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
    };
    match command {
        OfficerCommand::Add { name, key, also } => add(context, &manage, &name, &key, &also).await,
        OfficerCommand::List => list(context).await,
        OfficerCommand::Remove {
            officer,
            reason: why,
            yes,
        } => {
            let why = why.as_deref().map(reason).transpose()?;
            if !yes {
                let question = format!(
                    "take \"{}\" off? Approvals of this person do not count any more",
                    printable(&officer)
                );
                confirm(context, &question)?;
            }
            let removed = manage.remove(&context.actor(), &officer, why.as_ref()).await?;
            context
                .printer
                .result(&OfficerJson::new(&removed), || words(&removed))?;
            tell_if_too_few(context, opened.store.as_ref()).await.map(|_| ())
        }
    }
}

/// Says so when fewer officers may approve than are needed, and whether it is so.
pub(crate) async fn tell_if_too_few(context: &Context<'_>, store: &dyn Store) -> Result<bool, Failure> {
    let officers = BrowseOfficers { store }.list().await?;
    let needed = ShowPolicy { store }.run().await?.approvals() as usize;
    let there = officers
        .iter()
        .filter(|officer| officer.removed.is_none())
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

async fn add(
    context: &Context<'_>,
    manage: &ManageOfficers<'_>,
    name: &str,
    key: &str,
    also: &[String],
) -> Result<(), Failure> {
    let name = person(name)?;
    let also = also
        .iter()
        .map(|name| person(name))
        .collect::<Result<Vec<PersonName>, _>>()?;
    let line = key_line(key)?;
    let officer = manage.add(&context.actor(), &name, &also, &line).await?;
    context
        .printer
        .result(&OfficerJson::new(&officer), || words(&officer))?;
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

async fn list(context: &Context<'_>) -> Result<(), Failure> {
    let store = context.reading().await?;
    let browse = BrowseOfficers {
        store: store.as_ref(),
    };
    let officers = browse.list().await?;
    let row = |officer: &Officer| {
        vec![
            printable(officer.name.as_str()),
            officer.key.kind().to_owned(),
            officer.key.fingerprint(),
            moment(officer.added_at),
            match &officer.removed {
                Some(removal) => format!("taken off {}", moment(removal.at)),
                None => "may approve".to_owned(),
            },
        ]
    };
    context
        .printer
        .result(&OfficersJson::new(&officers), || match officers.is_empty() {
            true => {
                "there is no officer yet; add one with: keystead officer add NAME --key FILE.pub".to_owned()
            }
            false => table(
                &["NAME", "KEY", "FINGERPRINT", "ADDED", "STATE"],
                officers.iter().map(row).collect(),
            ),
        })?;
    tell_if_too_few(context, store.as_ref()).await.map(|_| ())
}

fn words(officer: &Officer) -> String {
    let mut fields = vec![
        ("officer", printable(officer.name.as_str())),
        ("id", officer.id.to_string()),
        (
            "key",
            format!("{} {}", officer.key.kind(), officer.key.fingerprint()),
        ),
        ("added", moment(officer.added_at)),
    ];
    if !officer.also.is_empty() {
        let names: Vec<String> = officer.also.iter().map(|name| printable(name.as_str())).collect();
        fields.push(("also", names.join(", ")));
    }
    if let Some(removal) = &officer.removed {
        fields.push(("taken off", moment(removal.at)));
    }
    field_lines(&fields)
}
