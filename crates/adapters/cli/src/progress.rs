use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Printer;

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar or spinner at the terminal, for work that takes longer than half a second. It is gone when dropped.
pub(crate) struct WorkProgress {
    bar: ProgressBar,
    waiting: tokio::task::JoinHandle<()>,
}

impl WorkProgress {
    /// Begins a spinner.
    pub(crate) fn begin(printer: &Printer, what: &str) -> Self {
        Self::with_template(printer, what, None, "{spinner} {msg} {elapsed}")
    }

    /// Begins a bar for bytes that are moved, or a spinner that counts them when nobody knows how many there are.
    pub(crate) fn transfer(printer: &Printer, what: &str, bytes: Option<u64>) -> Self {
        let template = match bytes {
            Some(_) => "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            None => "{spinner} {msg} {bytes} {bytes_per_sec} {elapsed}",
        };
        Self::with_template(printer, what, bytes, template)
    }

    fn with_template(printer: &Printer, what: &str, bytes: Option<u64>, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        let shown = printer.shows_progress();
        let late = bar.clone();
        let waiting = tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            if shown {
                late.set_draw_target(ProgressDrawTarget::stderr());
                late.enable_steady_tick(Duration::from_millis(120));
            }
        });
        Self { bar, waiting }
    }

    /// Begins a spinner that counts.
    pub(crate) fn count(printer: &Printer, what: &str) -> Self {
        Self::with_template(printer, what, None, "{spinner} {msg} {pos} {elapsed}")
    }

    /// Begins a bar for things that are counted.
    pub(crate) fn counting(printer: &Printer, what: &str, things: u64) -> Self {
        let template = "{msg} {bar:30} {pos}/{len} {per_sec} {eta}";
        Self::with_template(printer, what, Some(things), template)
    }

    /// Takes note of how many bytes, or things that are counted, were done.
    pub(crate) fn at(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }
}

impl Drop for WorkProgress {
    fn drop(&mut self) {
        self.waiting.abort();
        self.bar.finish_and_clear();
    }
}
