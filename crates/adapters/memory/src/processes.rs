use keystead_application::ports::Processes;

/// Three processes: this one, one that has ended, and whatever else there is, of which nothing is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemoryProcesses;

impl MemoryProcesses {
    /// The mark of this process.
    pub const THIS: &'static str = "memory-2";
    /// The mark of a process that has ended.
    pub const ENDED: &'static str = "memory-1";
}

impl Processes for MemoryProcesses {
    fn mark(&self) -> String {
        Self::THIS.to_owned()
    }

    fn has_ended(&self, mark: &str) -> Option<bool> {
        match mark {
            Self::THIS => Some(false),
            Self::ENDED => Some(true),
            _ => None,
        }
    }
}
