use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many open files are left to the rest of the process: databases, shares, files; or half of them, if there are few.
const LEFT: u64 = 256;

/// Lets this process open as many files as it may, and says how many of so many connections it can have.
pub(crate) fn connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let open_files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let possible = open_files.map_or(wanted, |files| for_connections(files, wanted));
    if possible < wanted {
        tracing::warn!(
            possible,
            wanted,
            ?open_files,
            "the limit for open files allows fewer connections; raise it (LimitNOFILE= of the systemd unit)"
        );
    }
    possible
}

fn for_connections(files: u64, wanted: usize) -> usize {
    let files = files - LEFT.min(files / 2);
    usize::try_from(files).unwrap_or(usize::MAX).clamp(1, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_files_are_left_to_others() {
        assert_eq!(for_connections(1_048_576, 10_000), 10_000);
        assert_eq!(for_connections(1_024, 10_000), 768);
        assert_eq!(for_connections(64, 10_000), 32);
        assert_eq!(for_connections(0, 10_000), 1);
    }
}
