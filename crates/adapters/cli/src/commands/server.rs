use keystead_application::exchange::{TextKind, text_kind};
use keystead_application::use_cases::{
    BrowseServers, EnrolServer, EnrolServerRequest, EnrolledServer, MakeEnrolment, OwnState, RemoveServer,
    ServerState, TrustManager,
};
use keystead_domain::{BackupServer, ServerIdentity, ServerName};

use crate::Failure;
use crate::args::{EnrollArgs, ReEnrollArgs, ServerCommand, TextOutArgs};
use crate::commands::keyset::confirm;
use crate::context::{Context, reason};
use crate::host::host_name;
use crate::output::{
    ConfirmedJson, EnrolledJson, EnrolmentJson, OwnStateJson, ServerJson, ServersJson, field_lines, moment,
    printable, table,
};
use crate::texts::{compare_aloud, expected, hand_over, read_text};

pub(crate) async fn run(context: &Context<'_>, command: ServerCommand) -> Result<(), Failure> {
    match command {
        ServerCommand::Enroll(args) => enroll(context, args).await,
        ServerCommand::List if is_backup_server_only(context).await? => show_own(context).await,
        ServerCommand::List => list(context).await,
        ServerCommand::Show { server: None } => show_own(context).await,
        ServerCommand::Show { server: Some(server) } => show(context, &server).await,
        ServerCommand::Remove {
            server,
            reason: why,
            yes,
        } => remove(context, &server, why.as_deref(), yes).await,
        ServerCommand::ReEnroll(args) => re_enroll(context, args).await,
    }
}

/// Whether this machine has an identity as a backup server, and no installation.
pub(crate) async fn is_backup_server_only(context: &Context<'_>) -> Result<bool, Failure> {
    let state = own_state(context).await?;
    Ok(state.identity.is_some() && context.no_installation_yet().await)
}

pub(crate) async fn own_state(context: &Context<'_>) -> Result<OwnState, Failure> {
    let state = ServerState {
        folder: context.tools().server_folder.as_ref(),
    };
    Ok(state.show().await?)
}

async fn enroll(context: &Context<'_>, args: EnrollArgs) -> Result<(), Failure> {
    let name = args.name.as_deref().map(server_name).transpose()?;
    let Some(file) = &args.file else {
        return make_enrolment(context, name, args.new_identity, &args.text).await;
    };
    let text = read_text(context, Some(file)).await?;
    let fingerprint = args.expect_fingerprint.as_deref();
    match text_kind(&text) {
        Some(TextKind::Confirmation) => trust(context, &text, fingerprint).await,
        _ => {
            let request = EnrolServerRequest {
                name,
                ..EnrolServerRequest::default()
            };
            accept(context, &text, request, fingerprint, &args.text).await
        }
    }
}

async fn re_enroll(context: &Context<'_>, args: ReEnrollArgs) -> Result<(), Failure> {
    let text = read_text(context, Some(&args.file)).await?;
    let request = EnrolServerRequest {
        again: Some(args.server),
        ..EnrolServerRequest::default()
    };
    let fingerprint = args.expect_fingerprint.as_deref();
    accept(context, &text, request, fingerprint, &args.text).await
}

/// On the backup server: its identity, and the text for the manager.
pub(crate) async fn make_enrolment(
    context: &Context<'_>,
    name: Option<ServerName>,
    new_identity: bool,
    to: &TextOutArgs,
) -> Result<(), Failure> {
    let tools = context.tools();
    let make = MakeEnrolment {
        folder: tools.server_folder.as_ref(),
        signing: tools.signing.as_ref(),
        cipher: tools.cipher.as_ref(),
        ssh: tools.ssh.as_ref(),
        clock: tools.clock.as_ref(),
    };
    let name = match name {
        Some(name) => name,
        None => server_name(&host_name())?,
    };
    let made = make.run(&name, new_identity).await?;
    let handed = hand_over(context, to, &made.text).await?;
    let json = EnrolmentJson::new(&made, handed.place.as_deref(), handed.field(&made.text));
    let what = if made.is_new {
        "a new identity was made for this backup server"
    } else {
        "this backup server has its identity already; here is its text again"
    };
    let words = format!(
        "{what}\nname: {}\nfingerprint: {}",
        printable(name.as_str()),
        made.fingerprint.in_groups()
    );
    handed.tell(context, &json, words)?;
    context.printer.remark(
        "next: bring the text to the manager, and there run: keystead server enroll FILE\n      read the fingerprint aloud when they ask for it",
    );
    Ok(())
}

/// On the manager: a server is enrolled by its text.
async fn accept(
    context: &Context<'_>,
    text: &str,
    mut request: EnrolServerRequest,
    fingerprint: Option<&str>,
    to: &TextOutArgs,
) -> Result<(), Failure> {
    request.expected = fingerprint.map(expected).transpose()?;
    let opened = context.installation().await?;
    let tools = context.tools();
    let enrol = EnrolServer {
        store: opened.store.as_ref(),
        register: context.register(&opened),
        ssh: tools.ssh.as_ref(),
        rsa: tools.rsa.as_ref(),
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
    };
    let enrolment = enrol.examine(text)?;
    if let Some(id) = enrolment.server {
        context.printer.remark(&format!(
            "this server was enrolled before, with another manager or this one, as {id}; it keeps that id, and files that name it are opened for it"
        ));
    }
    let whose = format!("backup server \"{}\"", printable(enrolment.name.as_str()));
    let of = enrolment.keys.fingerprint();
    compare_aloud(context, &whose, &of, request.expected.as_ref())?;
    let enrolled = enrol.run(&context.actor(), &enrolment, &request).await?;
    let handed = hand_over(context, to, &enrolled.confirmation).await?;
    let manager = keystead_domain::Fingerprint::of_ed25519(&opened.installation.identity.public_key);
    let json = EnrolledJson::new(
        &enrolled,
        &manager,
        handed.place.as_deref(),
        handed.field(&enrolled.confirmation),
    );
    handed.tell(context, &json, enrolled_words(&enrolled, &manager))?;
    context.printer.remark(
        "next: bring the confirmation to the backup server, and there run: keystead server enroll FILE\n      read the manager's fingerprint aloud when they ask for it",
    );
    Ok(())
}

fn enrolled_words(enrolled: &EnrolledServer, manager: &keystead_domain::Fingerprint) -> String {
    let what = match enrolled.was_enrolled {
        true => "enrolled already; here is its confirmation again",
        false => "enrolled",
    };
    let seals_to = match &enrolled.recipient {
        Some(fingerprint) => format!("keyset {}", fingerprint.short()),
        None => "nothing yet: no keyset is Active".to_owned(),
    };
    field_lines(&[
        (
            "server",
            format!("{} ({what})", printable(enrolled.server.name.as_str())),
        ),
        ("id", enrolled.server.id.to_string()),
        ("seals to", seals_to),
        ("manager's fingerprint", manager.in_groups()),
    ])
}

/// On the backup server: the manager that wrote a confirmation is trusted.
pub(crate) async fn trust_file(context: &Context<'_>, file: &str) -> Result<(), Failure> {
    let text = read_text(context, Some(file)).await?;
    trust(context, &text, None).await
}

async fn trust(context: &Context<'_>, text: &str, fingerprint: Option<&str>) -> Result<(), Failure> {
    let tools = context.tools();
    let trust = TrustManager {
        folder: tools.server_folder.as_ref(),
        ssh: tools.ssh.as_ref(),
        clock: tools.clock.as_ref(),
    };
    let expected = fingerprint.map(expected).transpose()?;
    let confirmation = trust.examine(text)?;
    let manager = confirmation.manager_fingerprint();
    compare_aloud(context, "the manager", &manager, expected.as_ref())?;
    let trusted = trust.run(&confirmation, expected.as_ref()).await?;
    context.printer.result(&ConfirmedJson::new(&trusted), || {
        field_lines(&[
            ("server", printable(trusted.name.as_str())),
            ("id", trusted.server.to_string()),
            ("trusts manager", trusted.fingerprint().to_string()),
        ])
    })?;
    context.printer.remark(match confirmation.recipient {
        Some(_) => "next: keystead seal seals to the manager's keyset from now on; a lost password is asked for with: keystead recovery request FILE…",
        None => "next: give the recipient line of a keyset once: keystead seal --recipient LINE|FILE",
    });
    Ok(())
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
    context
        .printer
        .result(&ServersJson::new(&servers), || match servers.is_empty() {
            true => "no backup server is enrolled; on the server run: keystead server enroll".to_owned(),
            false => table(
                &["NAME", "ID", "IDENTITY", "ENROLLED", "STATE"],
                servers.iter().map(row).collect(),
            ),
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
        fields.push(("identity", format!("{} ({word})", identity.fingerprint())));
    }
    field_lines(&fields)
}

pub(crate) async fn show_own(context: &Context<'_>) -> Result<(), Failure> {
    let state = own_state(context).await?;
    context.printer.result(&OwnStateJson::new(&state), || {
        let OwnState {
            identity,
            manager,
            recipients,
        } = &state;
        let none = || "none".to_owned();
        let mut fields = vec![(
            "identity",
            identity.map_or_else(none, |fingerprint| fingerprint.in_groups()),
        )];
        match manager {
            Some(manager) => fields.extend([
                ("name", printable(manager.name.as_str())),
                ("id", manager.server.to_string()),
                ("trusts manager", manager.fingerprint().to_string()),
                ("since", moment(manager.trusted_at)),
            ]),
            None => fields.push(("trusts manager", none())),
        }
        fields.extend(recipients.iter().map(|line| ("seals to", line.to_string())));
        field_lines(&fields)
    })
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

pub(crate) fn server_name(text: &str) -> Result<ServerName, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(error, "give one line of up to 200 characters with --name"))
}
