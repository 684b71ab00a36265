use std::fs;
use std::os::unix::fs::MetadataExt;

use keystead_application::ports::Processes;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// The processes that Linux tells of in `/proc` (proc(5)).
///
/// A mark is `<beginning of the boot id>-<PID namespace>-<PID>-<start, in clock ticks since boot>`: a PID is used again, but
/// not with the same start; and a process of another boot, container or machine is not looked for here.
#[derive(Debug, Clone)]
pub struct OsProcesses {
    here: Option<String>,
}

impl OsProcesses {
    /// The processes that this one can see.
    #[must_use]
    pub fn new() -> Self {
        Self { here: here() }
    }
}

impl Default for OsProcesses {
    fn default() -> Self {
        Self::new()
    }
}

impl Processes for OsProcesses {
    fn mark(&self) -> String {
        let id = std::process::id();
        match (&self.here, start_of(&id.to_string())) {
            (Some(here), Started::At(start)) => format!("{here}-{id}-{start}"),
            // Nobody can tell whether it has ended; its files go when they are old.
            _ => format!("unknown-{id}"),
        }
    }

    fn has_ended(&self, mark: &str) -> Option<bool> {
        let (id, start) = mark
            .strip_prefix(self.here.as_ref()?)?
            .strip_prefix('-')?
            .split_once('-')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(id) || !is_number(start) {
            return None;
        }
        match start_of(id) {
            Started::At(found) => Some(found != start),
            Started::Never => Some(true),
            Started::Unknown => None,
        }
    }
}

/// This boot and this PID namespace.
fn here() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::metadata("/proc/self/ns/pid").ok()?.ino();
    Some(format!("{}-{namespace}", boot.get(..8)?))
}

enum Started {
    At(String),
    /// There is no such process.
    Never,
    Unknown,
}

/// When a process started: field 22 of its `stat`. The name in field 2 may hold blanks and parentheses.
fn start_of(id: &str) -> Started {
    match fs::read_to_string(format!("/proc/{id}/stat")) {
        Ok(stat) => {
            let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest);
            let start = after_name.and_then(|rest| rest.split(' ').nth(22 - 3));
            start.map_or(Started::Unknown, |start| Started::At(start.to_owned()))
        }
        // Where others' processes are hidden (hidepid), theirs look as if they were not there.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && does_not_exist(id) => Started::Never,
        Err(_) => Started::Unknown,
    }
}

/// Whether there is no process of this number at all, asked by sending it nothing (kill(2)).
fn does_not_exist(id: &str) -> bool {
    let id = id.parse().ok().and_then(Pid::from_raw);
    id.is_some_and(|id| test_kill_process(id) == Err(Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_that_runs_is_told_from_one_that_ended() {
        let processes = OsProcesses::new();
        let own = processes.mark();
        assert!(
            own.len() <= 60 && own.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
            "{own}"
        );
        assert_eq!(processes.has_ended(&own), Some(false));

        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let id = child.id().to_string();
        let Started::At(start) = start_of(&id) else {
            panic!("no start of {id}")
        };
        let mark = format!("{}-{id}-{start}", processes.here.clone().unwrap());
        assert_eq!(processes.has_ended(&mark), Some(false));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(processes.has_ended(&mark), Some(true));
    }

    #[test]
    fn a_number_that_another_process_got_is_not_mistaken() {
        let processes = OsProcesses::new();
        let other = format!("{}-{}-1", processes.here.clone().unwrap(), std::process::id());
        assert_eq!(processes.has_ended(&other), Some(true));
    }

    #[test]
    fn a_process_that_is_hidden_is_not_taken_for_one_that_ended() {
        // There is always a first process, also where this one may not look at it.
        assert!(!does_not_exist("1"));
        assert!(does_not_exist("4194305"), "beyond the largest number");
        assert!(!does_not_exist("nonsense"));
    }

    #[test]
    fn processes_of_other_machines_are_not_judged() {
        let processes = OsProcesses::new();
        for mark in ["", "unknown-1", "0000000-1-2-3", "deadbeef-4026531836-1-2"] {
            assert_eq!(processes.has_ended(mark), None, "{mark}");
        }
        let odd = format!("{}-..-1", processes.here.clone().unwrap());
        assert_eq!(processes.has_ended(&odd), None);
    }
}
