//! The way to the API of a manager.

use std::sync::Arc;

use keystead_application::Status;
use keystead_cli::{Failure, ServerAddress, Transport};

pub(crate) fn to(_: &ServerAddress) -> Result<Arc<dyn Transport>, Failure> {
    Err(Failure::new(
        Status::Refused,
        "nothing was sent",
        "this program cannot do that yet",
        "use a newer version",
    ))
}
