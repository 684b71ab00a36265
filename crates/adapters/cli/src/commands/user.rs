//! The people who may sign in.

use keystead_application::use_cases::{ManageUsers, UserRequest};
use keystead_domain::{Role, Roles, UserName};
use keystead_wire::routes::{USERS, below, with_query};
use keystead_wire::{AddUserRequest, EditUserRequest, UserJson, UsersJson};

use super::keyset::confirm;
use crate::Failure;
use crate::args::UserCommand;
use crate::context::{Context, OpenInstallation, reason};
use crate::output::{field_lines, moment, printable, table};
use crate::remote::Call;
use crate::secrets::{new_user_password, to_send};

pub(crate) async fn run(context: &Context<'_>, command: UserCommand) -> Result<(), Failure> {
    match command {
        UserCommand::List => list(context).await,
        UserCommand::Add {
            name,
            role,
            password_file,
        } => {
            let (user, roles) = (user_name(&name)?, roles(&role)?);
            let password = new_user_password(context, &name, password_file.as_deref())?;
            password.check_for_user(&user).map_err(weak)?;
            let added = match context.remote() {
                Some(remote) => {
                    let request = AddUserRequest {
                        name,
                        roles: role,
                        password: to_send(&password)?,
                    };
                    remote.post(USERS, &request).await?
                }
                None => {
                    let opened = context.installation().await?;
                    let request = UserRequest {
                        name: user,
                        roles,
                        password,
                    };
                    (&manage(context, &opened).add(&context.actor(), request).await?).into()
                }
            };
            tell(context, &added)
        }
        UserCommand::Edit { name, role } => {
            let (user, roles) = (user_name(&name)?, roles(&role)?);
            let edited = match context.remote() {
                Some(remote) => {
                    let request = EditUserRequest {
                        roles: Some(role),
                        password: None,
                    };
                    remote.patch(below(USERS, &name), &request).await?
                }
                None => {
                    let opened = context.installation().await?;
                    let manage = manage(context, &opened);
                    (&manage.set_roles(&context.actor(), &user, roles, None).await?).into()
                }
            };
            tell(context, &edited)
        }
        UserCommand::Remove {
            name,
            reason: why,
            yes,
        } => remove(context, &name, why.as_deref(), yes).await,
        UserCommand::Password { name, password_file } => {
            let user = user_name(&name)?;
            let password = new_user_password(context, &name, password_file.as_deref())?;
            password.check_for_user(&user).map_err(weak)?;
            let changed = match context.remote() {
                Some(remote) => {
                    let request = EditUserRequest {
                        roles: None,
                        password: Some(to_send(&password)?),
                    };
                    remote.patch(below(USERS, &name), &request).await?
                }
                None => {
                    let opened = context.installation().await?;
                    let manage = manage(context, &opened);
                    (&manage.set_password(&context.actor(), &user, &password).await?).into()
                }
            };
            tell(context, &changed)
        }
        UserCommand::Unlock { name } => unlock(context, &name).await,
    }
}

async fn list(context: &Context<'_>) -> Result<(), Failure> {
    let users = match context.remote() {
        Some(remote) => remote.get(USERS).await?,
        None => {
            let opened = context.installation().await?;
            UsersJson::new(&manage(context, &opened).list().await?)
        }
    };
    let row = |user: &UserJson| {
        vec![
            user.name.clone(),
            user.roles.join(", "),
            moment(&user.created_at),
            moment(&user.password_set_at),
            match &user.removed_at {
                Some(at) => format!("removed {}", moment(at)),
                None => "may sign in".to_owned(),
            },
        ]
    };
    context.printer.result(&users, || match users.users.is_empty() {
        true => "there is no user; add one with: keystead user add NAME --role admin".to_owned(),
        false => table(
            &["NAME", "ROLES", "ADDED", "PASSWORD SET", "STATE"],
            users.users.iter().map(row).collect(),
        ),
    })
}

async fn remove(context: &Context<'_>, name: &str, why: Option<&str>, yes: bool) -> Result<(), Failure> {
    let (user, why) = (user_name(name)?, why.map(reason).transpose()?);
    if !yes {
        let question = format!(
            "remove \"{}\"? The person cannot sign in any more, and the name is not used again",
            printable(name)
        );
        confirm(context, &question)?;
    }
    let removed: UserJson = match context.remote() {
        Some(remote) => {
            let why = why.map(|why| why.to_string());
            remote
                .delete(with_query(&below(USERS, name), &[("reason", why)]))
                .await?
        }
        None => {
            let opened = context.installation().await?;
            let manage = manage(context, &opened);
            (&manage.remove(&context.actor(), &user, why.as_ref()).await?).into()
        }
    };
    tell(context, &removed)
}

async fn unlock(context: &Context<'_>, name: &str) -> Result<(), Failure> {
    let user = user_name(name)?;
    let shown: UserJson = match context.remote() {
        Some(remote) => {
            let path = below(USERS, name);
            remote.call(Call::post(format!("{path}/unlock"))).await?;
            remote.get(path).await?
        }
        None => {
            let opened = context.installation().await?;
            let manage = manage(context, &opened);
            manage.unlock(&context.actor(), &user).await?;
            (&manage.show(&user).await?).into()
        }
    };
    tell(context, &shown)?;
    context
        .printer
        .remark("wrong passwords are forgotten; the next try need not wait");
    Ok(())
}

fn tell(context: &Context<'_>, user: &UserJson) -> Result<(), Failure> {
    context.printer.result(user, || {
        let mut fields = vec![
            ("user", user.name.clone()),
            ("id", user.id.clone()),
            ("roles", user.roles.join(", ")),
            ("added", moment(&user.created_at)),
            ("password set", moment(&user.password_set_at)),
        ];
        if let Some(at) = &user.removed_at {
            let why = user.removed_because.as_ref();
            let why = why.map_or_else(String::new, |why| format!(" ({why})"));
            fields.push(("removed", format!("{}{why}", moment(at))));
        }
        field_lines(&fields)
    })
}

fn manage<'a>(context: &'a Context<'_>, opened: &'a OpenInstallation) -> ManageUsers<'a> {
    ManageUsers {
        records: context.records(opened),
        passwords: context.tools().passwords.as_ref(),
        randomness: context.tools().randomness.as_ref(),
    }
}

fn user_name(text: &str) -> Result<UserName, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(error, "choose a name of that kind"))
}

/// Nothing is asked of the manager with a role that there is not.
fn roles(texts: &[String]) -> Result<Roles, Failure> {
    texts.iter().map(|text| role(text)).collect()
}

/// Reads a role.
pub(super) fn role(text: &str) -> Result<Role, Failure> {
    text.parse()
        .map_err(|error| Failure::usage(error, "give --role admin, recovery-officer or auditor"))
}

fn weak(error: keystead_domain::WeakPassword) -> Failure {
    keystead_application::use_cases::AccessError::from(error).into()
}
