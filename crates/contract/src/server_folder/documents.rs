use std::sync::Arc;

use keystead_application::ports::FolderErrorKind;

use super::{ServerFolderFixture, content, holds, is_missing, name, refused};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict};

pub(super) fn cases() -> Vec<Case<dyn ServerFolderFixture>> {
    cases![
        a_new_folder_is_empty,
        what_was_created_is_read,
        an_existing_document_is_not_created_again,
        a_replaced_document_is_the_new_one,
        replacing_makes_a_document,
        appended_bytes_stand_at_the_end,
        a_destroyed_document_is_gone,
        destroying_nothing_is_no_error,
        the_names_of_a_kind_are_in_order,
        the_longest_names_are_taken,
        the_place_is_named,
    ]
}

async fn a_new_folder_is_empty(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, _] = fixture.folder().await;
    is_missing(&*folder, &name("identity/current")?).await?;
    let names = folder.names("identity").await?;
    ensure!(names.is_empty(), "there are documents: {names:?}");
    Ok(())
}

async fn what_was_created_is_read(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    for len in [0, 1, 4_096, 100_000, 5_000_000] {
        let name = name(&format!("documents/of-{len}"))?;
        let content = content(1, len);
        folder.create(&name, &content).await?;
        holds(&*folder, &name, content.expose()).await?;
        holds(&*other, &name, content.expose()).await?;
    }
    Ok(())
}

async fn an_existing_document_is_not_created_again(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    let name = name("identity/current")?;
    folder.create(&name, &content(1, 100)).await?;
    for handle in [folder, other] {
        let again = handle.create(&name, &content(2, 100)).await;
        refused(again, FolderErrorKind::Exists, "creating it again")?;
        holds(&*handle, &name, content(1, 100).expose()).await?;
    }
    Ok(())
}

async fn a_replaced_document_is_the_new_one(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    let (name, neighbour) = (name("requests/one")?, name("requests/two")?);
    folder.create(&name, &content(1, 5_000)).await?;
    folder.create(&neighbour, &content(2, 50)).await?;
    for len in [5_001, 3, 0] {
        other.replace(&name, &content(3, len)).await?;
        holds(&*folder, &name, content(3, len).expose()).await?;
    }
    holds(&*folder, &neighbour, content(2, 50).expose()).await
}

async fn replacing_makes_a_document(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, _] = fixture.folder().await;
    let name = name("trusted/manager")?;
    folder.replace(&name, &content(1, 100)).await?;
    holds(&*folder, &name, content(1, 100).expose()).await
}

async fn appended_bytes_stand_at_the_end(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    let name = name("log/events")?;
    let mut expected = Vec::new();
    for (n, len) in [(1, 100), (2, 0), (3, 1), (4, 70_000)] {
        let handle = if n % 2 == 0 { &other } else { &folder };
        handle.append(&name, &content(n, len)).await?;
        expected.extend_from_slice(content(n, len).expose());
        holds(&*folder, &name, &expected).await?;
    }
    Ok(())
}

async fn a_destroyed_document_is_gone(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    let (name, neighbour) = (name("requests/one")?, name("requests/two")?);
    for len in [0, 100, 100_000] {
        folder.create(&name, &content(1, len)).await?;
        folder.replace(&neighbour, &content(2, len)).await?;
        folder.destroy(&name).await?;
        is_missing(&*other, &name).await?;
        equal(
            folder.names("requests").await?,
            vec![neighbour.clone()],
            "what is left",
        )?;
        holds(&*folder, &neighbour, content(2, len).expose()).await?;
    }
    folder.create(&name, &content(3, 10)).await?;
    holds(&*other, &name, content(3, 10).expose()).await
}

async fn destroying_nothing_is_no_error(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, _] = fixture.folder().await;
    folder.destroy(&name("requests/one")?).await?;
    folder.create(&name("requests/two")?, &content(1, 10)).await?;
    folder.destroy(&name("requests/one")?).await?;
    Ok(())
}

async fn the_names_of_a_kind_are_in_order(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    for text in ["b/2", "a/1", "b/10", "b/1", "b/c-3", "bb/1", "a/b"] {
        folder.create(&name(text)?, &content(1, 10)).await?;
    }
    folder.replace(&name("b/2")?, &content(2, 10)).await?;
    folder.append(&name("b/0")?, &content(2, 10)).await?;
    let texts = |names: Vec<_>| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    for handle in [folder, other] {
        equal(
            texts(handle.names("b").await?),
            ["b/0", "b/1", "b/10", "b/2", "b/c-3"].map(str::to_owned).to_vec(),
            "the names of a kind",
        )?;
        let none = handle.names("c").await?;
        ensure!(
            none.is_empty(),
            "a kind that is not there has documents: {none:?}"
        );
    }
    Ok(())
}

async fn the_longest_names_are_taken(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, _] = fixture.folder().await;
    let longest = name(&format!("{}/{}", "k".repeat(64), "w".repeat(64)))?;
    folder.create(&longest, &content(1, 10)).await?;
    folder.replace(&longest, &content(2, 10)).await?;
    equal(
        folder.names(longest.kind()).await?,
        vec![longest.clone()],
        "the names",
    )?;
    folder.destroy(&longest).await?;
    is_missing(&*folder, &longest).await
}

async fn the_place_is_named(fixture: Arc<dyn ServerFolderFixture>) -> Verdict {
    let [folder, other] = fixture.folder().await;
    ensure!(!folder.place().is_empty(), "the place has no name");
    equal(folder.place(), other.place(), "the name of the same place")
}
