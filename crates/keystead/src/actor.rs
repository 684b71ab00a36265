use keystead_domain::{Actor, ActorKind};
use nix::unistd::{User, getuid};

/// The user of the operating system that runs this process, by name where the system knows one. The environment is not
/// asked: anybody can write anything there.
pub(crate) fn current() -> Actor {
    let uid = getuid();
    let id = match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => format!("uid {uid}"),
    };
    Actor {
        kind: ActorKind::OsUser,
        id,
    }
}
