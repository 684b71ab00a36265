//! Opens sealed files with the keys of a response.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use keystead_application::Status;
use keystead_application::ports::{
    EntryKind, LocatedShare, Location, ShareCapabilities, ShareError, ShareErrorKind, ShareWriter,
    WriteReceipt,
};
use keystead_application::use_cases::{
    ApplyResponse, BackupError, KeptKey, KeptKeys, OpenBackup, SealedSource, UnlockedBackup,
};
use keystead_domain::{ContentDigest, Sha256Digest};
use tokio::io::AsyncReadExt;

use super::request::lasting;
use crate::Failure;
use crate::context::Context;
use crate::input::{Output, open_input, open_output};
use crate::output::printable;
use crate::progress::WorkProgress;

/// Where files are opened to.
pub(super) enum Destination {
    /// Each into this folder, under its name.
    Folder(String),
    /// The one file into this file.
    File(String),
}

/// What came of it.
#[derive(Default)]
pub(super) struct Outcome {
    /// Each file that was opened, and where to.
    pub(super) opened: Vec<(String, String)>,
    /// How many an earlier run opened.
    pub(super) before: usize,
    /// Those that were not opened, and why.
    pub(super) failed: Vec<(String, Failure)>,
    /// Whether everything is open, and the keys are destroyed.
    pub(super) finished: bool,
}

/// A sealed file, and what it becomes.
struct Task {
    /// Where it is; `None` when it came through a pipe, and nobody says where it is now.
    from: Option<String>,
    to: String,
}

enum Trouble {
    /// With this file.
    This(Failure),
    /// With the place that files are opened to: every other file would fail in the same way.
    All(Failure),
}

/// As it is typed.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "--into {}", printable(folder)),
            Self::File(file) => write!(f, "-o {}", printable(file)),
        }
    }
}

impl Destination {
    pub(super) fn is_standard_output(&self) -> bool {
        matches!(self, Self::File(file) if file == "-")
    }

    fn tasks(&self, kept: &KeptKeys, from: &[String]) -> Result<Vec<Task>, Failure> {
        let sources: Vec<Option<String>> = match from.is_empty() {
            true => kept.files.iter().map(|file| file.place.clone()).collect(),
            false => from.iter().cloned().map(Some).collect(),
        };
        match self {
            Self::File(file) => match <[Option<String>; 1]>::try_from(sources) {
                Ok([from]) => Ok(vec![Task {
                    from,
                    to: file.clone(),
                }]),
                Err(many) => Err(Failure::usage(
                    format!("-o names one file, and the response opens {}", many.len()),
                    "give a folder with --into, or say which file with --from IN",
                )),
            },
            Self::Folder(folder) => {
                let mut names = Names::default();
                let is_path = Location::parse(folder).scheme.is_none();
                let mut task = |from: Option<String>| {
                    let name = names.of(from.as_deref());
                    let name = if is_path { name } else { harmless_in_a_url(&name) };
                    Task {
                        to: format!("{}/{name}", folder.trim_end_matches('/')),
                        from,
                    }
                };
                Ok(sources.into_iter().map(&mut task).collect())
            }
        }
    }
}

/// A name that means one file in a URL too, whatever it holds.
fn harmless_in_a_url(name: &str) -> String {
    name.replace(['%', '?', '#', ':', '\\'], "_")
}

/// Names of opened files, each once: in the same order the same files get the same names.
#[derive(Default)]
struct Names(HashMap<String, usize>);

impl Names {
    fn of(&mut self, from: Option<&str>) -> String {
        let last = from
            .filter(|from| *from != "-")
            .and_then(|from| from.rsplit(['/', '\\']).find(|name| !name.is_empty()));
        let name = match last {
            None => "backup".to_owned(),
            Some(last) => match last.strip_suffix(".age").filter(|rest| !rest.is_empty()) {
                Some("." | "..") => format!("{last}.opened"),
                Some(rest) => rest.to_owned(),
                None => format!("{last}.opened"),
            },
        };
        let count = self.0.entry(name.clone()).or_default();
        *count += 1;
        match *count {
            1 => name,
            more => self.of_again(&name, more),
        }
    }

    fn of_again(&mut self, name: &str, mut number: usize) -> String {
        loop {
            let numbered = format!("{name}-{number}");
            if !self.0.contains_key(&numbered) {
                self.0.insert(numbered.clone(), 1);
                return numbered;
            }
            number += 1;
        }
    }
}

/// Opens every file, one after the other. What an earlier run opened to the same place is not opened again.
pub(super) async fn open_all(
    context: &Context<'_>,
    apply: &ApplyResponse<'_>,
    kept: KeptKeys,
    from: &[String],
    to: &Destination,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let open = OpenBackup {
        format: Arc::clone(&context.tools().format),
    };
    let tasks = to.tasks(&kept, from)?;
    let request = kept.request;
    // A header names its key; where the file was when it was asked for is where it is looked for, and no more.
    let mut keys: HashMap<Sha256Digest, KeptKey> = HashMap::new();
    for file in kept.files {
        keys.insert(file.header, file);
    }
    let done_before = |task: &Task| {
        let place = Sha256Digest::of(lasting(&task.to).as_bytes());
        let key = keys
            .values()
            .find(|key| key.place.is_some() && key.place == task.from);
        from.is_empty() && key.is_some_and(|key| key.opened_to.contains(&place))
    };
    let (before, mut tasks): (Vec<Task>, Vec<Task>) = tasks.into_iter().partition(done_before);
    for task in before {
        // A note is believed while the file stands there.
        match still_stands(context, &task.to).await {
            true => outcome.before += 1,
            false => tasks.push(task),
        }
    }

    let progress = WorkProgress::counting(&context.printer, "opening files", tasks.len() as u64);
    for (task, done) in tasks.into_iter().zip(1..) {
        let name = task
            .from
            .clone()
            .unwrap_or_else(|| "a file from a pipe".to_owned());
        let opened = async {
            let (source, key) = source_of(context, &open, &task, &mut keys).await?;
            let file = key.file;
            let unlocked = open.unlock_with_recovered(&source.header, key.key, request);
            write_one(context, &open, source, &unlocked.map_err(this)?, &task.to).await?;
            // Whether a reader took all of it, nobody knows; the key stays.
            if task.to == "-" {
                return Ok(());
            }
            apply
                .mark_opened(request, file, &lasting(&task.to))
                .await
                .map_err(|error| Trouble::All(error.into()))
        };
        match opened.await {
            Ok(()) => outcome.opened.push((name, task.to)),
            Err(Trouble::This(failure)) => outcome.failed.push((name, failure)),
            Err(Trouble::All(failure)) => return Err(failure),
        }
        progress.at(done);
    }
    Ok(())
}

async fn still_stands(context: &Context<'_>, place: &str) -> bool {
    let Ok(located) = context.tools().shares.locate(place).await else {
        return false;
    };
    let found = located.share.stat(&located.path).await;
    matches!(found, Ok(Some(EntryKind::File)))
}

fn this(error: impl Into<Failure>) -> Trouble {
    Trouble::This(error.into())
}

/// The sealed file with its header read, and the key that belongs to that header.
async fn source_of(
    context: &Context<'_>,
    open: &OpenBackup,
    task: &Task,
    keys: &mut HashMap<Sha256Digest, KeptKey>,
) -> Result<(SealedSource<'static>, KeptKey), Trouble> {
    let from = task.from.as_deref().ok_or_else(|| {
        this(Failure::new(
            Status::Refused,
            "the file was not opened",
            "it came through a pipe when it was asked for",
            "give it again with --from - or --from FILE",
        ))
    })?;
    let input = open_input(context, Some(from)).await.map_err(Trouble::This)?;
    let source = open.read_header(input.bytes).await.map_err(this)?;
    let key = keys
        .remove(&Sha256Digest::of(&source.header_bytes))
        .ok_or_else(|| {
            this(Failure::new(
                Status::Refused,
                "the file was not opened",
                "the response has no key for what is there now",
                "say where the file is with --from IN, or make a request for this one",
            ))
        })?;
    Ok((source, key))
}

async fn write_one(
    context: &Context<'_>,
    open: &OpenBackup,
    source: SealedSource<'_>,
    unlocked: &UnlockedBackup,
    to: &str,
) -> Result<(), Trouble> {
    if to != "-" {
        let located = context.tools().shares.locate(to).await;
        let located = located.map_err(|error| Trouble::All(BackupError::from(error).into()))?;
        let found = located.share.stat(&located.path).await;
        let found = found.map_err(|error| Trouble::All(BackupError::from(error).into()))?;
        if found == Some(EntryKind::File) {
            return same_content(open, source, unlocked, &located, to).await;
        }
    }
    let output = open_output(context, Some(to), false, true).await;
    let Output { mut writer, .. } = output.map_err(Trouble::All)?;
    let written = open.write_content(source, unlocked, &mut *writer, &|_| {}).await;
    if let Err(error) = written {
        writer.discard().await;
        return Err(match error {
            BackupError::Share(_) => Trouble::All(error.into()),
            other => this(other),
        });
    }
    match writer.publish().await {
        Ok(_) => Ok(()),
        // Somebody came in between; the next run compares.
        Err(error) if error.kind == ShareErrorKind::Exists => Err(this(BackupError::from(error))),
        Err(error) => Err(Trouble::All(BackupError::from(error).into())),
    }
}

/// A file that stands there already is fine when it holds what would be written: a run that was killed left it.
async fn same_content(
    open: &OpenBackup,
    source: SealedSource<'_>,
    unlocked: &UnlockedBackup,
    located: &LocatedShare,
    to: &str,
) -> Result<(), Trouble> {
    let mut content = Digesting::default();
    open.write_content(source, unlocked, &mut content, &|_| {})
        .await
        .map_err(this)?;
    let there = async {
        let mut reader = located
            .share
            .read(&located.path)
            .await
            .map_err(BackupError::from)?;
        let (mut digest, mut piece) = (ContentDigest::new(), vec![0; 256 * 1024]);
        loop {
            match reader.read(&mut piece).await.map_err(BackupError::Input)? {
                0 => return Ok::<_, BackupError>(digest.finish()),
                len => digest.update(&piece[..len]),
            }
        }
    };
    match there.await.map_err(this)? == content.0.finish() {
        true => Ok(()),
        false => Err(this(Failure::new(
            Status::Refused,
            "the file was not opened",
            format!("{to} stands there already, and is another file"),
            "choose another folder, or move that file away",
        ))),
    }
}

/// Takes the digest of what is written, and writes nothing.
#[derive(Default)]
struct Digesting(ContentDigest);

#[async_trait]
impl ShareWriter for Digesting {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), ShareError> {
        self.0.update(bytes);
        Ok(())
    }

    async fn publish(self: Box<Self>) -> Result<WriteReceipt, ShareError> {
        Ok(WriteReceipt {
            place: String::new(),
            bytes: 0,
            promised: ShareCapabilities::NONE,
        })
    }

    async fn discard(self: Box<Self>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_gets_a_name_of_its_own() {
        let mut names = Names::default();
        let given = [
            Some("/a/x.tar.age"),
            Some("/b/x.tar.age"),
            Some("smb://nas/x.tar-2.age"),
            Some("tape"),
            Some("-"),
            None,
            Some(".age"),
            Some("/x/..age"),
            Some("...age"),
        ];
        let named: Vec<String> = given.into_iter().map(|from| names.of(from)).collect();
        assert_eq!(
            named,
            [
                "x.tar",
                "x.tar-2",
                "x.tar-2-2",
                "tape.opened",
                "backup",
                "backup-2",
                ".age.opened",
                "..age.opened",
                "...age.opened"
            ]
        );
    }
}
