//! Enrolling a backup server: its text, and the manager's confirmation.

use keystead_application::Status;
use keystead_application::exchange::{Confirmation, Enrolment, TextKind, text_kind};
use keystead_application::use_cases::{
    BrowseServers, EnrolServer, EnrolServerRequest, MadeEnrolment, MakeEnrolment, OwnState, RecoveryError,
};
use keystead_domain::{Fingerprint, ServerId, ServerName};
use keystead_wire::routes::SERVERS;
use keystead_wire::{EnrolledJson, ServersJson};

use super::own::{is_backup_server_only, own_state};
use super::trust::{self, truster};
use super::{over_network, server_name};
use crate::Failure;
use crate::args::{EnrollArgs, ReEnrollArgs, TextOutArgs};
use crate::context::{Context, OpenInstallation};
use crate::host::host_name;
use crate::output::{EnrolmentJson, field_lines, groups, printable, short};
use crate::remote::{Refusal, Remote};
use crate::texts::{SAME_DIGITS, compare_aloud, expected, hand_over, read_text};

pub(super) async fn run(context: &Context<'_>, args: EnrollArgs) -> Result<(), Failure> {
    if args.manager.is_some() {
        return over_network::run(context, args).await;
    }
    let name = args.name.as_deref().map(server_name).transpose()?;
    let Some(file) = &args.file else {
        return make_enrolment(context, name, args.new_identity, &args.text).await;
    };
    let text = read_text(context, Some(file)).await?;
    let fingerprint = args.expect_fingerprint.as_deref();
    match text_kind(&text) {
        Some(TextKind::Confirmation) if context.remote().is_none() => {
            trust::run(context, &text, fingerprint).await
        }
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
    let (name, made) = identity(context, name, new_identity).await?;
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

/// The name of this machine, and the text that enrols it. Its identity is made when there is none.
pub(super) async fn identity(
    context: &Context<'_>,
    name: Option<ServerName>,
    new_identity: bool,
) -> Result<(ServerName, MadeEnrolment), Failure> {
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
    Ok((name, made))
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

/// The manager that takes an enrolment in.
enum Manager<'a> {
    Here(Box<OpenInstallation>),
    There(&'a Remote),
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
    let manager = match context.remote() {
        Some(remote) => Manager::There(remote),
        None => Manager::Here(Box::new(context.installation().await?)),
    };
    let enrolment =
        Enrolment::from_text(text, context.tools().ssh.as_ref()).map_err(RecoveryError::Enrolment)?;
    let whose = format!("backup server \"{}\"", printable(enrolment.name.as_str()));
    let of = enrolment.keys.fingerprint();
    let mut question = SAME_DIGITS.to_owned();
    if let Some(id) = manager.keeps_id(&enrolment, &request).await? {
        context.printer.important(&format!(
            "this server was enrolled before, with another manager, as {id}; it keeps that id, and files that name it are opened for it"
        ))?;
        question = format!("is it the server that was {id}, and {SAME_DIGITS}");
    }
    compare_aloud(context, &whose, &of, request.expected.as_ref(), &question)?;
    let mut enrolled = manager
        .enrol(context, text, &enrolment, &request, fingerprint)
        .await?;
    let confirmation = enrolled.text.take().unwrap_or_default();
    let handed = hand_over(context, to, &confirmation).await?;
    enrolled.text = handed.field(&confirmation).map(str::to_owned);
    enrolled.place = handed.place.clone();
    handed.tell(context, &enrolled, enrolled_words(&enrolled))?;
    context.printer.remark(
        "next: bring the confirmation to the backup server, and there run: keystead server enroll FILE\n      read the manager's fingerprint aloud when they ask for it",
    );
    Ok(())
}

impl Manager<'_> {
    /// The server, with its confirmation as the text.
    async fn enrol(
        &self,
        context: &Context<'_>,
        text: &str,
        enrolment: &Enrolment,
        request: &EnrolServerRequest,
        fingerprint: Option<&str>,
    ) -> Result<EnrolledJson, Failure> {
        match self {
            Self::There(remote) => {
                let request = keystead_wire::EnrolServerRequest {
                    enrolment: text.to_owned(),
                    name: request.name.as_ref().map(ToString::to_string),
                    // Whoever compared all digits compared these.
                    expect_fingerprint: Some(match fingerprint {
                        Some(given) => given.to_owned(),
                        None => enrolment.keys.fingerprint().to_string(),
                    }),
                    again: request.again.clone(),
                };
                let enrolled: EnrolledJson = remote.post(SERVERS, &request).await?;
                match enrolled.text {
                    Some(_) => Ok(enrolled),
                    None => Err(Refusal::NotUnderstood("it gives no confirmation".to_owned()).into()),
                }
            }
            Self::Here(opened) => {
                let tools = context.tools();
                let enrol = EnrolServer {
                    store: opened.store.as_ref(),
                    register: context.register(opened),
                    ssh: tools.ssh.as_ref(),
                    rsa: tools.rsa.as_ref(),
                    clock: tools.clock.as_ref(),
                    randomness: tools.randomness.as_ref(),
                };
                let enrolled = enrol.run(&context.actor(), enrolment, request).await?;
                let manager = Fingerprint::of_ed25519(&opened.installation.identity.public_key);
                let text = Some(enrolled.confirmation.clone());
                Ok(EnrolledJson::new(&enrolled, &manager, None, text))
            }
        }
    }

    /// The id that a new server brings with it from another manager, and will have here.
    async fn keeps_id(
        &self,
        enrolment: &Enrolment,
        request: &EnrolServerRequest,
    ) -> Result<Option<ServerId>, Failure> {
        let (Some(id), None) = (enrolment.server, &request.again) else {
            return Ok(None);
        };
        let is_known = match self {
            Self::There(remote) => {
                let known: ServersJson = remote.get(SERVERS).await?;
                known.servers.iter().any(|server| server.id == id.to_string())
            }
            Self::Here(opened) => {
                let browse = BrowseServers {
                    store: opened.store.as_ref(),
                };
                browse.list().await?.iter().any(|server| server.id == id)
            }
        };
        Ok(Some(id).filter(|_| !is_known))
    }
}

/// Whoever took a text to the wrong side is told where it belongs.
async fn check_side(context: &Context<'_>, text: &str) -> Result<(), Failure> {
    match text_kind(text) {
        Some(TextKind::Confirmation) => Err(belongs_to_server(&truster(context).examine(text)?)),
        Some(TextKind::Enrolment) if context.remote().is_none() && is_backup_server_only(context).await? => {
            Err(Failure::new(
                Status::Refused,
                "no backup server was enrolled",
                "this is an enrolment; it is taken in at the manager, and this machine is a backup server",
                "take it there, and run there: keystead server enroll FILE",
            ))
        }
        _ => Ok(()),
    }
}

pub(super) fn belongs_to_server(confirmation: &Confirmation) -> Failure {
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

fn enrolled_words(enrolled: &EnrolledJson) -> String {
    let what = match enrolled.was_enrolled {
        true => "enrolled already; here is its confirmation again",
        false => "enrolled",
    };
    let seals_to = match &enrolled.recipient {
        Some(fingerprint) => format!("keyset {}", short(fingerprint)),
        None => "nothing yet: no keyset is Active".to_owned(),
    };
    field_lines(&[
        ("server", format!("{} ({what})", printable(&enrolled.server.name))),
        ("id", enrolled.server.id.clone()),
        ("seals to", seals_to),
        ("manager's fingerprint", groups(&enrolled.manager)),
    ])
}
