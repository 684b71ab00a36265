mod apply;
mod approve;
mod look;
mod request;
mod respond;
mod restore;
mod wizard;

pub(crate) use apply::applier;
pub(crate) use request::lasting;

use crate::Failure;
use crate::args::{AllowArgs, RecoveryCommand};
use crate::commands::server::{is_backup_server_only, own_state};
use crate::context::Context;
use keystead_domain::{Origins, Permission};

pub(crate) async fn run(context: &Context<'_>, command: Option<RecoveryCommand>) -> Result<(), Failure> {
    let Some(command) = command else {
        return wizard::run(context).await;
    };
    match command {
        RecoveryCommand::Request(args) => request::run(context, args).await.map(|_| ()),
        RecoveryCommand::Receive { file } => look::receive(context, file.as_deref()).await.map(|_| ()),
        RecoveryCommand::List { limit } => match is_backup_server_only(context).await? {
            true => request::list(context).await,
            false => {
                look::list(context, limit).await?;
                // A manager may be a backup server too; programs ask for one list.
                match own_state(context).await?.identity {
                    Some(_) if !context.printer.is_json() => request::list(context).await,
                    _ => Ok(()),
                }
            }
        },
        RecoveryCommand::Show {
            request,
            statement,
            allow,
        } => match statement {
            true => look::statement(context, &request, permission(allow)).await,
            false => look::show(context, &request).await,
        },
        RecoveryCommand::Approve(args) => approve::run(context, args).await,
        RecoveryCommand::Deny { request, reason, by } => {
            respond::deny(context, &request, &reason, by.as_deref()).await
        }
        RecoveryCommand::Respond {
            request,
            partial,
            text,
        } => respond::run(context, &request, partial, &text).await,
        RecoveryCommand::Apply(args) => apply::run(context, args).await,
    }
}

fn permission(allow: AllowArgs) -> Permission {
    let AllowArgs {
        allow_unnamed,
        allow_other_servers,
        allow_retired_identity,
    } = allow;
    Permission {
        origins: match (allow_other_servers, allow_unnamed) {
            (true, _) => Origins::Any,
            (false, true) => Origins::OwnOrUnnamed,
            (false, false) => Origins::Own,
        },
        retired_identity: allow_retired_identity,
    }
}
