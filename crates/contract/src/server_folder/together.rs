use std::sync::Arc;

use keystead_application::ports::FolderErrorKind;
use keystead_domain::SecretBytes;
use tokio::task::JoinSet;

use super::{ServerFolderFixture, holds, name};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict};

pub(super) fn cases() -> Vec<Case<dyn ServerFolderFixture>> {
    cases![of_many_who_create_one_does, a_reader_sees_a_whole_document]
}

const LEN: usize = 200_000;

async fn of_many_who_create_one_does(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let handles = fixture.folder().await;
    for round in 0..5 {
        let name = name(&format!("identity/of-{round}"))?;
        let mut tasks = JoinSet::new();
        for n in 0..6_u8 {
            let (folder, name) = (Arc::clone(&handles[usize::from(n % 2)]), name.clone());
            tasks.spawn(async move { (n, folder.create(&name, &all_of(n)).await) });
        }
        let mut winners = Vec::new();
        while let Some(task) = tasks.join_next().await {
            match task? {
                (n, Ok(())) => winners.push(n),
                (_, Err(error)) if error.kind == FolderErrorKind::Exists => {}
                (_, Err(error)) => return Err(error.into()),
            }
        }
        equal(winners.len(), 1, "how many created the same document")?;
        holds(&*handles[0], &name, all_of(winners[0]).expose()).await?;
    }
    Ok(())
}

async fn a_reader_sees_a_whole_document(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    let document = name("requests/one")?;
    folder.create(&document, &all_of(0)).await?;
    let written = document.clone();
    let writer = tokio::spawn(async move {
        for n in 1..40_u8 {
            folder.replace(&written, &all_of(n)).await?;
        }
        Ok::<(), keystead_application::ports::FolderError>(())
    });
    while !writer.is_finished() {
        let Some(found) = other.read(&document).await? else {
            return Err(crate::Violation::new("a document that is replaced is not there"));
        };
        let found = found.expose();
        ensure!(
            found.len() == LEN && found.iter().all(|byte| *byte == found[0]),
            "a document of {} bytes is made of several ones",
            found.len()
        );
        tokio::task::yield_now().await;
    }
    writer.await??;
    Ok(())
}

fn all_of(byte: u8) -> SecretBytes {
    SecretBytes::new(vec![byte; LEN])
}
