//! Folders of backup servers that break a promise each.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keystead_application::ports::{DocumentName, FolderError, FolderErrorKind, FolderLock, ServerFolder};
use keystead_contract::server_folder::ServerFolderFixture;
use keystead_domain::SecretBytes;
use keystead_memory::MemoryServerFolder;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    HasSomethingInIt,
    LosesBytes,
    CreatesOverWhatIsThere,
    LooksBeforeItCreates,
    DoesNotReplace,
    ReplacesOnlyWhatIsThere,
    AddsAtTheBeginning,
    DestroysTheContentAlone,
    DestroysTheWholeKind,
    DestroysOnlyWhatIsThere,
    ListsEveryKind,
    ListsBackwards,
    TakesShortNames,
    HasNoPlace,
    LocksNobodyOut,
    LocksForEver,
    LocksReadersOut,
    LocksWritersOut,
    WritesInTwoSteps,
}

#[derive(Clone)]
struct BrokenFixture {
    inner: MemoryServerFolder,
    fault: Fault,
}

impl BrokenFixture {
    fn with(fault: Fault) -> Self {
        Self {
            inner: MemoryServerFolder::new(),
            fault,
        }
    }

    fn failed(&self, kind: FolderErrorKind) -> FolderError {
        FolderError {
            kind,
            place: self.inner.place(),
            message: "broken".to_owned(),
        }
    }

    async fn is_there(&self, name: &DocumentName) -> Result<bool, FolderError> {
        Ok(self.inner.read(name).await?.is_some())
    }
}

#[async_trait]
impl ServerFolderFixture for BrokenFixture {
    async fn folder(&self) -> [Arc<dyn ServerFolder>; 2] {
        let folder = Self::with(self.fault);
        if self.fault == Fault::HasSomethingInIt {
            let (name, content) = ("identity/left".parse().unwrap(), SecretBytes::new(vec![1]));
            folder.inner.create(&name, &content).await.unwrap();
        }
        [Arc::new(folder.clone()), Arc::new(folder)]
    }
}

caught! { server_folder, BrokenFixture;
    a_folder_that_is_not_empty: HasSomethingInIt => "a_new_folder_is_empty";
    lost_bytes: LosesBytes => "what_was_created_is_read";
    a_document_created_twice: CreatesOverWhatIsThere => "an_existing_document_is_not_created_again";
    two_who_create_at_once: LooksBeforeItCreates => "of_many_who_create_one_does";
    an_old_document: DoesNotReplace => "a_replaced_document_is_the_new_one";
    nothing_to_replace: ReplacesOnlyWhatIsThere => "replacing_makes_a_document";
    bytes_at_the_beginning: AddsAtTheBeginning => "appended_bytes_stand_at_the_end";
    an_empty_document: DestroysTheContentAlone => "a_destroyed_document_is_gone";
    neighbours_that_are_gone: DestroysTheWholeKind => "a_destroyed_document_is_gone";
    nothing_to_destroy: DestroysOnlyWhatIsThere => "destroying_nothing_is_no_error";
    other_kinds: ListsEveryKind => "the_names_of_a_kind_are_in_order";
    another_order: ListsBackwards => "the_names_of_a_kind_are_in_order";
    names_that_are_too_long: TakesShortNames => "the_longest_names_are_taken";
    a_place_without_a_name: HasNoPlace => "the_place_is_named";
    a_lock_that_is_none: LocksNobodyOut => "a_lock_that_is_kept_is_reported";
    a_lock_of_many: LocksNobodyOut => "one_at_a_time_has_the_lock";
    a_lock_that_stays: LocksForEver => "a_lock_is_there_again_when_it_was_dropped";
    a_lock_for_readers: LocksReadersOut => "reading_needs_no_lock";
    a_lock_for_its_owner: LocksWritersOut => "whoever_has_the_lock_writes";
    a_document_in_two_halves: WritesInTwoSteps => "a_reader_sees_a_whole_document";
}

#[async_trait]
impl ServerFolder for BrokenFixture {
    fn place(&self) -> String {
        match self.fault {
            Fault::HasNoPlace => String::new(),
            _ => self.inner.place(),
        }
    }

    async fn lock(&self) -> Result<FolderLock, FolderError> {
        match self.fault {
            Fault::LocksNobodyOut => Ok(Box::new(())),
            Fault::LocksForEver => {
                std::mem::forget(self.inner.lock().await?);
                Ok(Box::new(()))
            }
            _ => self.inner.lock().await,
        }
    }

    async fn read(&self, name: &DocumentName) -> Result<Option<SecretBytes>, FolderError> {
        if self.fault == Fault::LocksReadersOut {
            drop(self.inner.lock().await?);
        }
        self.inner.read(name).await
    }

    async fn create(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError> {
        match self.fault {
            Fault::LosesBytes => {
                let kept = &content.expose()[..content.expose().len().min(99_999)];
                self.inner.create(name, &SecretBytes::new(kept.to_vec())).await
            }
            Fault::CreatesOverWhatIsThere => self.inner.replace(name, content).await,
            Fault::LooksBeforeItCreates => {
                if self.is_there(name).await? {
                    return Err(self.failed(FolderErrorKind::Exists));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
                self.inner.replace(name, content).await
            }
            Fault::TakesShortNames if name.which().len() > 40 => {
                Err(self.failed(FolderErrorKind::Unavailable))
            }
            _ => self.inner.create(name, content).await,
        }
    }

    async fn replace(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError> {
        match self.fault {
            Fault::DoesNotReplace if self.is_there(name).await? => Ok(()),
            Fault::ReplacesOnlyWhatIsThere if !self.is_there(name).await? => {
                Err(self.failed(FolderErrorKind::Unavailable))
            }
            Fault::LocksWritersOut => {
                drop(self.inner.lock().await?);
                self.inner.replace(name, content).await
            }
            Fault::WritesInTwoSteps => {
                let half = &content.expose()[..content.expose().len() / 2];
                let half = SecretBytes::new(half.to_vec());
                self.inner.replace(name, &half).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
                self.inner.replace(name, content).await
            }
            _ => self.inner.replace(name, content).await,
        }
    }

    async fn append(&self, name: &DocumentName, content: &SecretBytes) -> Result<(), FolderError> {
        if self.fault == Fault::AddsAtTheBeginning {
            let before = self.inner.read(name).await?;
            let before = before.as_ref().map_or(&[][..], SecretBytes::expose);
            let whole = SecretBytes::new([content.expose(), before].concat());
            return self.inner.replace(name, &whole).await;
        }
        self.inner.append(name, content).await
    }

    async fn destroy(&self, name: &DocumentName) -> Result<(), FolderError> {
        match self.fault {
            Fault::DestroysTheContentAlone => self.inner.replace(name, &SecretBytes::new(Vec::new())).await,
            Fault::DestroysTheWholeKind => {
                for name in self.inner.names(name.kind()).await? {
                    self.inner.destroy(&name).await?;
                }
                Ok(())
            }
            Fault::DestroysOnlyWhatIsThere if !self.is_there(name).await? => {
                Err(self.failed(FolderErrorKind::Unavailable))
            }
            _ => self.inner.destroy(name).await,
        }
    }

    async fn names(&self, kind: &str) -> Result<Vec<DocumentName>, FolderError> {
        let mut names = self.inner.names(kind).await?;
        match self.fault {
            Fault::ListsEveryKind => {
                for other in ["a", "bb"] {
                    names.extend(self.inner.names(other).await?);
                }
            }
            Fault::ListsBackwards => names.reverse(),
            _ => {}
        }
        Ok(names)
    }
}
