//! Where passphrases and passwords come from: a file, the environment, or a prompt. Never an argument.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use keystead_application::Status;
use keystead_application::ports::RandomnessExt;
use keystead_application::use_cases::ExportProtection;
use keystead_domain::{Passphrase, generate_passphrase};
use keystead_wire::SecretText;
use zeroize::Zeroizing;

use crate::Failure;
use crate::args::ProtectionArgs;
use crate::context::Context;
use crate::output::printable;

const PASSPHRASE_VARIABLE: &str = "KEYSTEAD_PASSPHRASE";
const PASSWORD_VARIABLE: &str = "KEYSTEAD_PASSWORD";
const CODE_VARIABLE: &str = "KEYSTEAD_CODE";
/// Longer than any passphrase; a wrong file is noticed and not read to its end.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// How a new export is protected.
pub(crate) struct ChosenProtection {
    pub(crate) protection: ExportProtection,
    /// The passphrase that was made, to be printed once.
    pub(crate) generated: Option<Arc<Passphrase>>,
}

/// Finds out how a new export is to be protected: as the arguments say, else by the environment, else by asking.
pub(crate) fn export_protection(
    context: &Context<'_>,
    args: &ProtectionArgs,
) -> Result<ChosenProtection, Failure> {
    let ProtectionArgs {
        passphrase_file,
        generate_passphrase: generate,
        unprotected,
    } = args;
    let by = |passphrase: Passphrase| ChosenProtection {
        protection: ExportProtection::Passphrase(Arc::new(passphrase)),
        generated: None,
    };
    if *unprotected {
        return Ok(ChosenProtection {
            protection: ExportProtection::Unprotected,
            generated: None,
        });
    }
    if *generate {
        let random = context.tools().randomness.secret().map_err(|error| {
            Failure::new(
                Status::Refused,
                "no passphrase was made",
                error.to_string(),
                "give one in a file",
            )
        })?;
        let passphrase = Arc::new(generate_passphrase(&random));
        let protection = ExportProtection::Passphrase(Arc::clone(&passphrase));
        return Ok(ChosenProtection {
            protection,
            generated: Some(passphrase),
        });
    }
    if let Some(file) = passphrase_file {
        return from_file(file).map(by);
    }
    if let Some(passphrase) = from_environment(PASSPHRASE_VARIABLE) {
        return Ok(by(passphrase));
    }
    if context.terminal.is_interactive() {
        return context.terminal.new_secret("passphrase for the export").map(by);
    }
    Err(Failure::new(
        Status::Refused,
        "nothing was exported",
        "no passphrase was given, and there is no terminal to ask at",
        format!(
            "give --passphrase-file FILE, --generate-passphrase, --unprotected, or {PASSPHRASE_VARIABLE} in the environment"
        ),
    ))
}

/// The passphrase of an existing export, without asking.
pub(crate) fn given_passphrase(file: Option<&Path>) -> Result<Option<Passphrase>, Failure> {
    match file {
        Some(file) => from_file(file).map(Some),
        None => Ok(from_environment(PASSPHRASE_VARIABLE)),
    }
}

/// Asks for the passphrase of an existing export.
pub(crate) fn asked_passphrase(context: &Context<'_>) -> Result<Passphrase, Failure> {
    if context.terminal.is_interactive() {
        return context.terminal.secret("passphrase of the export");
    }
    Err(Failure::new(
        Status::NotUnlocked,
        "the private key was not unlocked",
        "it is protected by a passphrase, none was given, and there is no terminal to ask at",
        format!("give --passphrase-file FILE, or {PASSPHRASE_VARIABLE} in the environment"),
    ))
}

/// The password for a new sealed file.
pub(crate) fn new_password(context: &Context<'_>, file: Option<&Path>) -> Result<Passphrase, Failure> {
    let refused = |why: &str| {
        let fix =
            format!("give --password-file FILE, {PASSWORD_VARIABLE} in the environment, or --no-password");
        Failure::new(Status::Refused, "nothing was sealed", why, fix)
    };
    let password = match file {
        Some(file) => from_file(file)?,
        None => match from_environment(PASSWORD_VARIABLE) {
            Some(password) => password,
            None if context.terminal.is_interactive() => {
                context.terminal.new_secret("password for the backup")?
            }
            None => {
                return Err(refused(
                    "no password was given, and there is no terminal to ask at",
                ));
            }
        },
    };
    if password.expose().is_empty() {
        Err(refused("the password is empty"))
    } else {
        Ok(password)
    }
}

/// The new password of a person who signs in.
pub(crate) fn new_user_password(
    context: &Context<'_>,
    name: &str,
    file: Option<&Path>,
) -> Result<Passphrase, Failure> {
    if let Some(password) = given_password(file)? {
        return Ok(password);
    }
    if context.terminal.is_interactive() {
        return context
            .terminal
            .new_secret(&format!("password of {}", printable(name)));
    }
    Err(Failure::new(
        Status::Refused,
        "the user was not changed",
        "no password was given, and there is no terminal to ask at",
        format!("give --password-file FILE, or {PASSWORD_VARIABLE} in the environment"),
    ))
}

/// The password of the person who is signed in; `None` when nobody can be asked.
pub(crate) fn own_password(context: &Context<'_>) -> Result<Option<Passphrase>, Failure> {
    match from_environment(PASSWORD_VARIABLE) {
        Some(password) => Ok(Some(password)),
        None if context.terminal.is_interactive() => {
            context.terminal.secret("your password, once more").map(Some)
        }
        None => Ok(None),
    }
}

/// A one-time code.
pub(crate) fn code(context: &Context<'_>, file: Option<&Path>) -> Result<Passphrase, Failure> {
    let code = match file {
        Some(file) => Some(from_file(file)?),
        None => from_environment(CODE_VARIABLE),
    };
    match code {
        Some(code) => Ok(code),
        None if context.terminal.is_interactive() => context.terminal.secret("one-time code of the manager"),
        None => Err(Failure::new(
            Status::Refused,
            "this machine was not enrolled",
            "no one-time code was given, and there is no terminal to ask at",
            format!(
                "give --code-file FILE, or {CODE_VARIABLE} in the environment; at the manager it is made with: keystead server code"
            ),
        )),
    }
}

/// The password of an existing sealed file, without asking.
pub(crate) fn given_password(file: Option<&Path>) -> Result<Option<Passphrase>, Failure> {
    match file {
        Some(file) => from_file(file).map(Some),
        None => Ok(from_environment(PASSWORD_VARIABLE)),
    }
}

/// A secret as it travels to a manager elsewhere, in JSON.
pub(crate) fn to_send(secret: &Passphrase) -> Result<SecretText, Failure> {
    match std::str::from_utf8(secret.expose()) {
        Ok(_) => Ok(SecretText::from(secret)),
        Err(_) => Err(Failure::usage(
            "the passphrase, password or code is no text in UTF-8, and cannot travel to a manager elsewhere",
            "choose another, or do this on the machine of the manager",
        )),
    }
}

pub(crate) fn from_environment(variable: &str) -> Option<Passphrase> {
    use std::os::unix::ffi::OsStringExt;
    let value = std::env::var_os(variable).filter(|value| !value.is_empty())?;
    Some(Passphrase::new(Zeroizing::new(value.into_vec())))
}

pub(crate) fn from_file(path: &Path) -> Result<Passphrase, Failure> {
    let unreadable = |why: String| {
        let what = format!("{} could not be read", path.display());
        Failure::new(
            Status::NotFound,
            what,
            why,
            "check the path of the passphrase or password file",
        )
    };
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    // Room for all of it from the start: a vector that grows leaves copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(MAX_SECRET_FILE as usize + 1));
    file.take(MAX_SECRET_FILE + 1)
        .read_to_end(&mut content)
        .map_err(|error| unreadable(error.to_string()))?;
    if content.len() as u64 > MAX_SECRET_FILE {
        return Err(unreadable("it is longer than any passphrase".to_owned()));
    }
    Ok(Passphrase::from_file_content(content))
}
