//! Enrolling a backup server: its text, the manager's confirmation, and the manager that is trusted by it.

use keystead_application::Status;
use keystead_application::exchange::{Confirmation, Enrolment, TextKind, text_kind};
use keystead_application::use_cases::{
    BrowseServers, EnrolServer, EnrolServerRequest, EnrolledServer, MakeEnrolment, OwnState, Progressed,
    ServerError, TrustManager, TrustedManager,
};
use keystead_domain::{Fingerprint, ServerName};
use keystead_wire::{EnrolledJson};

use super::own::{is_backup_server_only, own_state};
use crate::Failure;
use crate::args::{EnrollArgs, ReEnrollArgs, TextOutArgs};
use crate::commands::recovery::applier;
use crate::context::{Context, OpenInstallation};
use crate::host::host_name;
use crate::output::{ConfirmedJson, EnrolmentJson, field_lines, printable};
use crate::texts::{SAME_DIGITS, compare_aloud, expected, hand_over, read_text};

pub(super) async fn run(context: &Context<'_>, args: EnrollArgs) -> Result<(), Failure> {
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

/// A known server gets another identity.
pub(super) async fn again(context: &Context<'_>, args: ReEnrollArgs) -> Result<(), Failure> {
    let text = read_text(context, Some(&args.file)).await?;
    let request = EnrolServerRequest {
        again: Some(args.server),
        ..EnrolServerRequest::default()
    };
    let fingerprint = args.expect_fingerprint.as_deref();
    accept(context, &text, request, fingerprint, &args.text).await
}

/// On the backup server: its identity, and the text for the manager.
async fn make_enrolment(
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
        None => usual_name(context).await?,
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

/// What the manager that is trusted calls this machine; its host name when there is none.
async fn usual_name(context: &Context<'_>) -> Result<ServerName, Failure> {
    // What cannot be read does not keep anybody from enrolling anew.
    match own_state(context).await {
        Ok(OwnState {
            manager: Some(manager),
            ..
        }) => Ok(manager.name),
        _ => server_name(&host_name()),
    }
}

/// On the manager: a server is enrolled by its text.
async fn accept(
    context: &Context<'_>,
    text: &str,
    mut request: EnrolServerRequest,
    fingerprint: Option<&str>,
    to: &TextOutArgs,
) -> Result<(), Failure> {
    check_side(context, text).await?;
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
    let whose = format!("backup server \"{}\"", printable(enrolment.name.as_str()));
    let of = enrolment.keys.fingerprint();
    let mut question = SAME_DIGITS.to_owned();
    if let Some(id) = keeps_id(&opened, &enrolment, &request).await? {
        context.printer.important(&format!(
            "this server was enrolled before, with another manager, as {id}; it keeps that id, and files that name it are opened for it"
        ))?;
        question = format!("is it the server that was {id}, and {SAME_DIGITS}");
    }
    compare_aloud(context, &whose, &of, request.expected.as_ref(), &question)?;
    let enrolled = enrol.run(&context.actor(), &enrolment, &request).await?;
    let handed = hand_over(context, to, &enrolled.confirmation).await?;
    let manager = Fingerprint::of_ed25519(&opened.installation.identity.public_key);
    let json = EnrolledJson::new(
        &enrolled,
        &manager,
        handed.place.clone(),
        handed.field(&enrolled.confirmation).map(str::to_owned),
    );
    handed.tell(context, &json, enrolled_words(&enrolled, &manager))?;
    context.printer.remark(
        "next: bring the confirmation to the backup server, and there run: keystead server enroll FILE\n      read the manager's fingerprint aloud when they ask for it",
    );
    Ok(())
}

/// Whoever took a text to the wrong side is told where it belongs.
async fn check_side(context: &Context<'_>, text: &str) -> Result<(), Failure> {
    match text_kind(text) {
        Some(TextKind::Confirmation) => Err(belongs_to_server(&truster(context).examine(text)?)),
        Some(TextKind::Enrolment) if is_backup_server_only(context).await? => Err(Failure::new(
            Status::Refused,
            "no backup server was enrolled",
            "this is an enrolment; it is taken in at the manager, and this machine is a backup server",
            "take it there, and run there: keystead server enroll FILE",
        )),
        _ => Ok(()),
    }
}

fn belongs_to_server(confirmation: &Confirmation) -> Failure {
    Failure::new(
        Status::Refused,
        "no manager was trusted, and no backup server was enrolled",
        format!(
            "this is a confirmation, for backup server \"{}\"",
            printable(confirmation.name.as_str())
        ),
        "take it there, and run there: keystead server enroll FILE",
    )
}

/// The id that a new server brings with it from another manager, and will have here.
async fn keeps_id(
    opened: &OpenInstallation,
    enrolment: &Enrolment,
    request: &EnrolServerRequest,
) -> Result<Option<keystead_domain::ServerId>, Failure> {
    let (Some(id), None) = (enrolment.server, &request.again) else {
        return Ok(None);
    };
    let browse = BrowseServers {
        store: opened.store.as_ref(),
    };
    let is_known = browse.list().await?.iter().any(|server| server.id == id);
    Ok(Some(id).filter(|_| !is_known))
}

fn enrolled_words(enrolled: &EnrolledServer, manager: &Fingerprint) -> String {
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
async fn trust(context: &Context<'_>, text: &str, fingerprint: Option<&str>) -> Result<(), Failure> {
    let trust = truster(context);
    let expected = fingerprint.map(expected).transpose()?;
    let confirmation = trust.examine(text)?;
    let manager = confirmation.manager_fingerprint();
    // What cannot be read of this machine is no obstacle: it may be the reason to enrol anew.
    if let Ok(own) = own_state(context).await {
        check_is_for(context, &confirmation, own.identity).await?;
        if let Some(before) = own.manager.filter(|before| before.fingerprint() != manager) {
            replace_aloud(context, &before, &manager).await?;
        }
    }
    compare_aloud(context, "the manager", &manager, expected.as_ref(), SAME_DIGITS)?;
    let trusted = trust.run(&confirmation, expected.as_ref()).await?;
    context.printer.result(&ConfirmedJson::new(&trusted), || {
        field_lines(&[
            ("server", printable(trusted.name.as_str())),
            ("id", trusted.server.to_string()),
            ("trusts manager", trusted.fingerprint().in_groups()),
        ])
    })?;
    context.printer.remark(match confirmation.recipient {
        Some(_) => "next: keystead seal seals to the manager's keyset from now on; a lost password is asked for with: keystead recovery request FILE…",
        None => "next: give the recipient line of a keyset once: keystead seal --recipient LINE|FILE",
    });
    Ok(())
}

fn truster<'a>(context: &'a Context<'_>) -> TrustManager<'a> {
    let tools = context.tools();
    TrustManager {
        folder: tools.server_folder.as_ref(),
        ssh: tools.ssh.as_ref(),
        clock: tools.clock.as_ref(),
    }
}

/// Nobody compares fingerprints in vain.
async fn check_is_for(
    context: &Context<'_>,
    confirmation: &Confirmation,
    own: Option<Fingerprint>,
) -> Result<(), Failure> {
    let confirmed = confirmation.identity;
    match own {
        Some(own) if own == confirmed => Ok(()),
        _ if !context.no_installation_yet().await => Err(belongs_to_server(confirmation)),
        Some(own) => Err(ServerError::OtherIdentity { confirmed, own }.into()),
        None => Err(ServerError::NoIdentity.into()),
    }
}

/// Says that another manager is trusted until now. At a terminal a person says yes to the change; elsewhere the fingerprint
/// that was given does.
async fn replace_aloud(
    context: &Context<'_>,
    before: &TrustedManager,
    manager: &Fingerprint,
) -> Result<(), Failure> {
    let waiting = match applier(context).list().await {
        Ok(list) => match list
            .iter()
            .filter(|r| r.progressed == Progressed::Waiting)
            .count()
        {
            0 => "no request waits for its response".to_owned(),
            1 => "1 request waits for its response, which is refused then".to_owned(),
            many => format!("{many} requests wait for its response, which is refused then"),
        },
        Err(error) => format!(
            "which requests wait for it cannot be told: {}",
            Failure::from(error).why
        ),
    };
    let lines = field_lines(&[
        ("trusted until now", before.fingerprint().in_groups()),
        ("requests", printable(&waiting)),
        ("new manager", manager.in_groups()),
    ]);
    context.printer.important(&format!(
        "this machine trusts another manager until now:\n{lines}"
    ))?;
    if context.terminal.is_interactive()
        && !context.terminal.confirms("trust the new manager in its place?")?
    {
        return Err(Failure::new(
            Status::Refused,
            "the manager is not trusted",
            "another one is trusted until now, and nobody said yes to the change",
            "find out which manager is the right one; what was trusted before is trusted as it was",
        ));
    }
    Ok(())
}

fn server_name(text: &str) -> Result<ServerName, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(error, "give one line of up to 200 characters with --name"))
}
