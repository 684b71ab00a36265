//! Backup servers: how they are enrolled, and what each side knows of them.

mod enroll;
mod own;

use keystead_application::use_cases::{BrowseServers, RemoveServer};
use keystead_domain::{BackupServer, ServerIdentity};
use keystead_wire::{ServerJson, ServersJson};

use crate::Failure;
use crate::args::ServerCommand;
use crate::commands::keyset::confirm;
use crate::context::{Context, reason};
use crate::output::{field_lines, moment, printable, table};

pub(crate) use own::{is_backup_server_only, own_state};

pub(crate) async fn run(context: &Context<'_>, command: ServerCommand) -> Result<(), Failure> {
    match command {
        ServerCommand::Enroll(args) => enroll::run(context, args).await,
        ServerCommand::List if is_backup_server_only(context).await? => own::show(context).await,
        ServerCommand::List => list(context).await,
        ServerCommand::Show { server: None } => own::show(context).await,
        ServerCommand::Show { server: Some(server) } => show(context, &server).await,
        ServerCommand::Remove {
            server,
            reason: why,
            yes,
        } => remove(context, &server, why.as_deref(), yes).await,
        ServerCommand::ReEnroll(args) => enroll::again(context, args).await,
    }
}

async fn list(context: &Context<'_>) -> Result<(), Failure> {
    let store = context.reading().await?;
    let browse = BrowseServers {
        store: store.as_ref(),
    };
    let servers = browse.list().await?;
    let row = |server: &BackupServer| {
        let identity = server.current_identity().map(ServerIdentity::fingerprint);
        vec![
            printable(server.name.as_str()),
            server.id.to_string(),
            identity.map_or_else(|| "-".to_owned(), |fingerprint| fingerprint.short()),
            moment(server.enrolled_at),
            match &server.removed {
                Some(removal) => format!("removed {}", moment(removal.at)),
                None => "enrolled".to_owned(),
            },
        ]
    };
    let own = own_state(context).await?;
    context.printer.result(&ServersJson::new(&servers), || {
        let mut words = match servers.is_empty() {
            true => "no backup server is enrolled; on the server run: keystead server enroll".to_owned(),
            false => table(
                &["NAME", "ID", "IDENTITY", "ENROLLED", "STATE"],
                servers.iter().map(row).collect(),
            ),
        };
        if own.identity.is_some() {
            words.push_str("\n\nthis machine is a backup server too:\n");
            words.push_str(&own::words(&own, None));
        }
        words
    })
}

async fn show(context: &Context<'_>, reference: &str) -> Result<(), Failure> {
    let store = context.reading().await?;
    let browse = BrowseServers {
        store: store.as_ref(),
    };
    let server = browse.show(reference).await?;
    context
        .printer
        .result(&ServerJson::new(&server), || server_words(&server))
}

fn server_words(server: &BackupServer) -> String {
    let mut fields = vec![
        ("name", printable(server.name.as_str())),
        ("id", server.id.to_string()),
        ("enrolled", moment(server.enrolled_at)),
    ];
    if let Some(removal) = &server.removed {
        let reason = removal
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(" ({})", printable(reason.as_str())));
        fields.push(("removed", format!("{}{reason}", moment(removal.at))));
    }
    for identity in server.identities.iter().rev() {
        let word = match identity.retired_at {
            Some(at) => format!("retired {}", moment(at)),
            None => "current".to_owned(),
        };
        fields.push((
            "identity",
            format!("{} ({word})", identity.fingerprint().in_groups()),
        ));
    }
    field_lines(&fields)
}

async fn remove(context: &Context<'_>, reference: &str, why: Option<&str>, yes: bool) -> Result<(), Failure> {
    let why = why.map(reason).transpose()?;
    let opened = context.installation().await?;
    let browse = BrowseServers {
        store: opened.store.as_ref(),
    };
    let server = browse.show(reference).await?;
    if !yes {
        let question = format!(
            "remove \"{}\"? Its requests are refused from then on",
            printable(server.name.as_str())
        );
        confirm(context, &question)?;
    }
    let remove = RemoveServer {
        store: opened.store.as_ref(),
        register: context.register(&opened),
        clock: context.tools().clock.as_ref(),
    };
    let removed = remove
        .run(&context.actor(), &server.id.to_string(), why.as_ref())
        .await?;
    context
        .printer
        .result(&ServerJson::new(&removed), || server_words(&removed))
}
