//! What can be done at a distance.

use crate::Failure;
use crate::args::{AuditCommand, Command, RecoveryCommand, ServerCommand};

/// Refuses what is not done over the API, before anything else is asked for.
pub(crate) fn check_is_possible(command: &Command) -> Result<(), Failure> {
    match obstacle(command) {
        None => Ok(()),
        Some((why, fix)) => Err(Failure::usage(why, fix)),
    }
}

const HERE: &str = "leave --server away, and take KEYSTEAD_SERVER out of the environment; or run it on the machine of the manager";

fn obstacle(command: &Command) -> Option<(&'static str, &'static str)> {
    let why = match command {
        Command::Init(_) => "an installation is made on the machine that will keep it, not through --server",
        Command::Open(_) => {
            return Some((
                "a backup is opened where its private key or its password is, and neither travels through --server",
                "open it with its password, leaving --server away; or ask for its key with: keystead recovery request",
            ));
        }
        Command::Slots(_) => {
            "the header of a sealed file is read on this machine; nothing of that is done at --server"
        }
        Command::Db(_) => "the database is looked after on the machine of the manager, not through --server",
        Command::MasterKey(_) => {
            "the master key is looked after on the machine of the manager, not through --server"
        }
        Command::Config(_) => "settings are those of one machine, and are not shown through --server",
        Command::Serve(_) => "this machine would serve its API itself, and --server is another one",
        Command::Completions { .. } | Command::Man { .. } => return None,
        Command::Server(command) => return of_servers(command),
        Command::Recovery {
            command: Some(command),
        } => return of_recoveries(command),
        Command::Audit(AuditCommand::Verify { against }) if !against.is_empty() => {
            return Some((
                "what was kept elsewhere is compared with the trail on the machine of the manager, not through --server",
                "take the file there, and run there: keystead audit verify --against FILE",
            ));
        }
        Command::Keyset(_)
        | Command::Seal(_)
        | Command::Officer(_)
        | Command::Recovery { command: None }
        | Command::Policy(_)
        | Command::Audit(_)
        | Command::User(_)
        | Command::Token(_)
        | Command::Share(_) => return None,
    };
    Some((why, HERE))
}

fn of_servers(command: &ServerCommand) -> Option<(&'static str, &'static str)> {
    match command {
        ServerCommand::Enroll(args) if args.manager.is_some() => Some((
            "--manager says already where the manager is that this machine enrols with",
            "leave --server away, and take KEYSTEAD_SERVER out of the environment",
        )),
        ServerCommand::Enroll(args) if args.file.is_none() => Some((
            "the text that enrols this machine is made on this machine, not through --server",
            "leave --server away; to enrol over the network: keystead server enroll --manager URL",
        )),
        ServerCommand::Show { server: None } => Some((
            "this machine itself is not looked at through --server",
            "name a backup server; keystead server list lists them",
        )),
        _ => None,
    }
}

fn of_recoveries(command: &RecoveryCommand) -> Option<(&'static str, &'static str)> {
    match command {
        RecoveryCommand::Request(args) if !args.send => Some((
            "a request is made on the backup server, and goes to the manager by --server only with --send",
            "give --send, or leave --server away",
        )),
        RecoveryCommand::Apply(args) if args.fetch.is_none() => Some((
            "a response is applied on the backup server, and comes from --server only with --fetch",
            "give --fetch REQUEST, or leave --server away",
        )),
        RecoveryCommand::Deny { by: Some(_), .. } => Some((
            "through --server the one who denies is the one whose token it is",
            "leave --by away",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use keystead_application::Status;

    use super::*;
    use crate::Cli;

    fn check(line: &str) -> Result<(), Failure> {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        check_is_possible(&cli.command)
    }

    #[test]
    fn what_stays_on_its_machine_is_refused_with_its_reason() {
        for line in [
            "keystead init",
            "keystead open a.age",
            "keystead slots a.age",
            "keystead db status",
            "keystead master-key status",
            "keystead config show",
            "keystead serve",
            "keystead server enroll",
            "keystead server enroll --manager https://keys",
            "keystead server show",
            "keystead recovery request a.age",
            "keystead recovery apply response",
            "keystead recovery deny 00112233 --reason no --by Ada",
            "keystead audit verify --against checkpoint",
        ] {
            let failure = check(line).unwrap_err();
            assert_eq!(failure.status, Status::Usage, "{line}");
            assert!(!failure.why.is_empty() && !failure.fix.is_empty(), "{line}");
        }
    }

    #[test]
    fn what_is_done_at_the_manager_is_possible() {
        for line in [
            "keystead keyset list",
            "keystead seal a",
            "keystead server enroll FILE",
            "keystead server show db1",
            "keystead server code",
            "keystead recovery",
            "keystead recovery respond 00112233",
            "keystead recovery request a.age --send",
            "keystead recovery apply --fetch 00112233",
            "keystead audit verify",
            "keystead user list",
            "keystead token list",
            "keystead share list",
        ] {
            check(line).unwrap_or_else(|failure| panic!("{line}: {}", failure.why));
        }
    }
}
