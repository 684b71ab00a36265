//! Backup servers: how they are enrolled, and what each side knows of them.

mod code;
mod enroll;
mod over_network;
mod own;
mod trust;

use keystead_application::use_cases::{BrowseServers, RemoveServer};
use keystead_domain::ServerName;
use keystead_wire::routes::{SERVERS, below, with_query};
use keystead_wire::{IdentityStateJson, ServerJson, ServersJson};

use crate::Failure;
use crate::args::ServerCommand;
use crate::commands::keyset::confirm;
use crate::context::{Context, reason};
use crate::output::{field_lines, groups, moment, printable, short, table};
use crate::remote::Remote;

pub(crate) use own::{is_backup_server_only, own_state};

pub(crate) async fn run(context: &Context<'_>, command: ServerCommand) -> Result<(), Failure> {
    match command {
        ServerCommand::Enroll(args) => enroll::run(context, args).await,
        ServerCommand::List => match context.remote() {
            Some(remote) => {
                let servers: ServersJson = remote.get(SERVERS).await?;
                context.printer.result(&servers, || list_words(&servers))
            }
            None if is_backup_server_only(context).await? => own::show(context).await,
            None => list_here(context).await,
        },
        ServerCommand::Show { server: None } => own::show(context).await,
        ServerCommand::Show { server: Some(server) } => show(context, &server).await,
        ServerCommand::Remove {
            server,
            reason: why,
            yes,
        } => remove(context, &server, why.as_deref(), yes).await,
        ServerCommand::ReEnroll(args) => enroll::again(context, args).await,
        ServerCommand::Code { name, again } => code::run(context, name, again).await,
    }
}

async fn list_here(context: &Context<'_>) -> Result<(), Failure> {
    let store = context.reading().await?;
    let browse = BrowseServers {
        store: store.as_ref(),
    };
    let servers = ServersJson::new(&browse.list().await?);
    let own = own_state(context).await?;
    context.printer.result(&servers, || {
        let mut words = list_words(&servers);
        if own.identity.is_some() {
            words.push_str("\n\nthis machine is a backup server too:\n");
            words.push_str(&own::words(&own, None));
        }
        words
    })
}

fn list_words(servers: &ServersJson) -> String {
    let row = |server: &ServerJson| {
        let current = |identity: &&keystead_wire::IdentityJson| identity.state == IdentityStateJson::Current;
        let identity = server.identities.iter().find(current);
        vec![
            server.name.clone(),
            server.id.clone(),
            identity.map_or_else(|| "-".to_owned(), |identity| short(&identity.fingerprint)),
            moment(&server.enrolled_at),
            match &server.removed_at {
                Some(at) => format!("removed {}", moment(at)),
                None => "enrolled".to_owned(),
            },
        ]
    };
    match servers.servers.is_empty() {
        true => "no backup server is enrolled; on the server run: keystead server enroll".to_owned(),
        false => table(
            &["NAME", "ID", "IDENTITY", "ENROLLED", "STATE"],
            servers.servers.iter().map(row).collect(),
        ),
    }
}

async fn show(context: &Context<'_>, reference: &str) -> Result<(), Failure> {
    let server = match context.remote() {
        Some(remote) => remote.get(below(SERVERS, reference)).await?,
        None => {
            let store = context.reading().await?;
            let browse = BrowseServers {
                store: store.as_ref(),
            };
            ServerJson::new(&browse.show(reference).await?)
        }
    };
    context.printer.result(&server, || server_words(&server))
}

fn server_words(server: &ServerJson) -> String {
    let mut fields = vec![
        ("name", server.name.clone()),
        ("id", server.id.clone()),
        ("enrolled", moment(&server.enrolled_at)),
    ];
    if let Some(at) = &server.removed_at {
        let reason = server.removed_because.as_ref();
        let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
        fields.push(("removed", format!("{}{reason}", moment(at))));
    }
    for identity in server.identities.iter().rev() {
        let word = match &identity.retired_at {
            Some(at) => format!("retired {}", moment(at)),
            None => "current".to_owned(),
        };
        fields.push(("identity", format!("{} ({word})", groups(&identity.fingerprint))));
    }
    field_lines(&fields)
}

async fn remove(context: &Context<'_>, reference: &str, why: Option<&str>, yes: bool) -> Result<(), Failure> {
    let why = why.map(reason).transpose()?;
    let removed = match context.remote() {
        Some(remote) => {
            let why = why.map(|why| why.to_string());
            remove_there(context, remote, reference, why, yes).await?
        }
        None => {
            let opened = context.installation().await?;
            let browse = BrowseServers {
                store: opened.store.as_ref(),
            };
            let server = browse.show(reference).await?;
            if !yes {
                confirm_removal(context, server.name.as_str())?;
            }
            let remove = RemoveServer {
                store: opened.store.as_ref(),
                register: context.register(&opened),
                clock: context.tools().clock.as_ref(),
            };
            let id = server.id.to_string();
            ServerJson::new(&remove.run(&context.actor(), &id, why.as_ref()).await?)
        }
    };
    context.printer.result(&removed, || server_words(&removed))
}

async fn remove_there(
    context: &Context<'_>,
    remote: &Remote,
    reference: &str,
    why: Option<String>,
    yes: bool,
) -> Result<ServerJson, Failure> {
    let server: ServerJson = remote.get(below(SERVERS, reference)).await?;
    if !yes {
        confirm_removal(context, &server.name)?;
    }
    let path = below(SERVERS, &server.id);
    remote.delete(with_query(&path, &[("reason", why)])).await
}

fn confirm_removal(context: &Context<'_>, name: &str) -> Result<(), Failure> {
    let question = format!(
        "remove \"{}\"? Its requests are refused from then on",
        printable(name)
    );
    confirm(context, &question)
}

fn server_name(text: &str) -> Result<ServerName, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(error, "give one line of up to 200 characters with --name"))
}
