//! What this machine and the person at it are called.

use keystead_domain::PersonName;

use crate::Failure;
use crate::context::{Context, person};

/// The name of this machine.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The person at the command line, with the name of the machine. Whoever became somebody else with sudo is who they were
/// before: the name is for people who decide, and the backup server answers for it.
pub(crate) fn person_here(context: &Context<'_>) -> Result<PersonName, Failure> {
    let user = context.actor().id;
    let before = std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty());
    person(&format!("{}@{}", before.unwrap_or(user), host_name()))
}
