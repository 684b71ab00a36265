use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};

/// Keeps secrets inside the process: no core file, no other process of the same user reads its memory, and no page goes
/// to swap where the operating system allows that much locked memory.
///
/// What the system refuses is gone without: a machine where this fails still has to open its backups.
pub(crate) fn apply() {
    let _ = setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    );
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // With a limit, locking what comes later would make allocations fail.
    if getrlimit(Resource::Memlock).current.is_none() {
        let _ = mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT);
    }
}
