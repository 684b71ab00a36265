//! The tokens of programs.

use std::time::Duration;

use keystead_application::use_cases::{ManageTokens, NewToken, TokenRequest};
use keystead_domain::{Passphrase, TOKEN_LIFETIME, Token};
use keystead_wire::routes::{TOKENS, below, with_query};
use keystead_wire::{CreateTokenRequest, NewTokenJson, SecretText, TokenJson, TokensJson};
use zeroize::Zeroizing;

use super::keyset::confirm;
use super::user::role;
use crate::Failure;
use crate::args::TokenCommand;
use crate::context::{Context, OpenInstallation, person, reason};
use crate::output::{field_lines, moment, printable, table, write_out};
use crate::remote::{Call, Remote};
use crate::secrets::{own_password, to_send};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn run(context: &Context<'_>, command: TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::List => list(context).await,
        TokenCommand::Create {
            name,
            role,
            may_export,
            days,
        } => create(context, name, role, may_export, days).await,
        TokenCommand::Revoke {
            token,
            reason: why,
            yes,
        } => revoke(context, &token, why.as_deref(), yes).await,
    }
}

async fn list(context: &Context<'_>) -> Result<(), Failure> {
    let tokens = match context.remote() {
        Some(remote) => remote.get(TOKENS).await?,
        None => {
            let opened = context.installation().await?;
            TokensJson::new(&manage(context, &opened).list().await?)
        }
    };
    let now = context.tools().clock.now();
    let row = |token: &TokenJson| {
        vec![
            token.id.clone(),
            rights(token),
            moment(&token.created_at),
            state(token, now),
            token.name.clone(),
        ]
    };
    context
        .printer
        .result(&tokens, || match tokens.tokens.is_empty() {
            true => "there is no token; make one with: keystead token create NAME --role ROLE".to_owned(),
            false => table(
                &["ID", "ROLE", "MADE", "STATE", "FOR"],
                tokens.tokens.iter().map(row).collect(),
            ),
        })
}

async fn create(
    context: &Context<'_>,
    name: String,
    role_text: String,
    may_export: bool,
    days: Option<u32>,
) -> Result<(), Failure> {
    let (name, role) = (person(&name)?, role(&role_text)?);
    let made = match context.remote() {
        Some(remote) => {
            let request = CreateTokenRequest {
                name: name.to_string(),
                role: role_text,
                may_export,
                days,
                password: None,
            };
            create_there(context, remote, request).await?
        }
        None => {
            let opened = context.installation().await?;
            let request = TokenRequest {
                name,
                role,
                may_export,
                lifetime: days.map_or(TOKEN_LIFETIME, |days| DAY * days),
            };
            let NewToken { secret, token } =
                manage(context, &opened).create(&context.actor(), request).await?;
            let secret = Passphrase::new(Zeroizing::new(secret.expose().to_vec()));
            new_token(&secret, &token)
        }
    };
    if context.printer.is_json() {
        return context.printer.result(&made, String::new);
    }
    // The secret alone goes to standard output, so that it can be redirected to a file.
    write_out(&Zeroizing::new(format!("{}\n", made.token.expose())))?;
    context
        .printer
        .remark(&words(&made.about, context.tools().clock.now()));
    context
        .printer
        .remark("\nthe token is not shown again; keep it where only the program that needs it can read it");
    Ok(())
}

/// The manager may want the password of who makes it.
async fn create_there(
    context: &Context<'_>,
    remote: &Remote,
    mut request: CreateTokenRequest,
) -> Result<NewTokenJson, Failure> {
    let asked = remote.call(Call::post(TOKENS).json(&request)?).await;
    match asked {
        Err(refusal) if refusal.problem_code() == Some("password-needed") => {
            let Some(password) = own_password(context)? else {
                return Err(refusal.into());
            };
            request.password = Some(to_send(&password)?);
            remote.post(TOKENS, &request).await
        }
        answered => Ok(answered?.json()?),
    }
}

fn new_token(secret: &Passphrase, token: &Token) -> NewTokenJson {
    NewTokenJson {
        token: SecretText::from(secret),
        about: TokenJson::from(token),
    }
}

async fn revoke(context: &Context<'_>, id: &str, why: Option<&str>, yes: bool) -> Result<(), Failure> {
    let why = why.map(reason).transpose()?;
    if !yes {
        let question = format!(
            "revoke token {}? The program that uses it is refused from then on",
            printable(id)
        );
        confirm(context, &question)?;
    }
    let revoked: TokenJson = match context.remote() {
        Some(remote) => {
            let why = why.map(|why| why.to_string());
            remote
                .delete(with_query(&below(TOKENS, id), &[("reason", why)]))
                .await?
        }
        None => {
            let opened = context.installation().await?;
            let manage = manage(context, &opened);
            (&manage.revoke(&context.actor(), id, why.as_ref()).await?).into()
        }
    };
    let now = context.tools().clock.now();
    context.printer.result(&revoked, || words(&revoked, now))
}

fn words(token: &TokenJson, now: keystead_domain::Timestamp) -> String {
    field_lines(&[
        ("for", token.name.clone()),
        ("id", token.id.clone()),
        ("role", rights(token)),
        ("made by", token.created_by.clone()),
        ("made", moment(&token.created_at)),
        ("state", state(token, now)),
    ])
}

fn rights(token: &TokenJson) -> String {
    match token.may_export {
        true => format!("{}, may export", token.role),
        false => token.role.clone(),
    }
}

fn state(token: &TokenJson, now: keystead_domain::Timestamp) -> String {
    let is_over = token
        .expires_at
        .parse()
        .is_ok_and(|until: keystead_domain::Timestamp| until <= now);
    match (&token.revoked_at, is_over) {
        (Some(at), _) => {
            let why = token.revoked_because.as_ref();
            let why = why.map_or_else(String::new, |why| format!(" ({why})"));
            format!("revoked {}{why}", moment(at))
        }
        (None, true) => format!("ended {}", moment(&token.expires_at)),
        (None, false) => format!("holds until {}", moment(&token.expires_at)),
    }
}

fn manage<'a>(context: &'a Context<'_>, opened: &'a OpenInstallation) -> ManageTokens<'a> {
    ManageTokens {
        records: context.records(opened),
        randomness: context.tools().randomness.as_ref(),
    }
}
