//! What the cases about a change of the master key do again and again.

use keystead_application::ports::{KeyCount, Store};
use keystead_domain::{Action, Installation, Keyset, KeysetId, SealedBytes};

use super::steps::commit;
use crate::case::{ensure, equal};
use crate::{Verdict, Violation, samples};

/// The master key that everything is sealed under at first.
pub(super) const CURRENT: &str = "current-key";

/// The one that takes its place.
pub(super) const NEXT: &str = "next-key";

/// Keeps an installation and keysets 1 to `count`, all of them sealed under [`CURRENT`].
pub(super) async fn installed(
    store: &dyn Store,
    count: u32,
) -> Result<(Installation, Vec<Keyset>), Violation> {
    let installation = sealed_anew(&samples::installation(1)?, CURRENT)?;
    let mut unit = store.begin().await?;
    unit.insert_installation(&installation).await?;
    let mut keysets = Vec::new();
    for n in 1..=count {
        let keyset = samples::keyset(n)?;
        unit.insert_keyset(&keyset, &samples::sealed_under(CURRENT, n)?)
            .await?;
        keysets.push(keyset);
    }
    commit(unit, Action::InstallationCreate, samples::keyset_id(1)).await?;
    Ok((installation, keysets))
}

/// The installation with its own secrets under another master key.
pub(super) fn sealed_anew(installation: &Installation, key: &str) -> Result<Installation, Violation> {
    Ok(installation.resealed(samples::sealed_under(key, 100)?, samples::sealed_under(key, 101)?))
}

/// A staged copy of each of these keysets' private keys.
pub(super) fn copies(keysets: &[Keyset], key: &str) -> Result<Vec<(KeysetId, SealedBytes)>, Violation> {
    (200..)
        .zip(keysets)
        .map(|(n, keyset)| Ok((keyset.id(), samples::sealed_under(key, n)?)))
        .collect()
}

/// Stages copies, in a unit of work of their own.
pub(super) async fn stage(store: &dyn Store, staged: &[(KeysetId, SealedBytes)]) -> Verdict {
    let mut unit = store.begin().await?;
    unit.stage_private_keys(staged).await?;
    commit(unit, Action::MasterKeyRotate, samples::keyset_id(1)).await
}

/// Switches, in a unit of work of its own.
pub(super) async fn switch(store: &dyn Store, installation: &Installation) -> Verdict {
    let mut unit = store.begin().await?;
    unit.switch_master_key(installation).await?;
    commit(unit, Action::MasterKeyRotate, samples::keyset_id(1)).await
}

/// A line of the census.
pub(super) fn count(key: &str, private_keys: u64) -> Result<KeyCount, Violation> {
    let SealedBytes {
        master_key_id,
        provider,
        ..
    } = samples::sealed_under(key, 1)?;
    Ok(KeyCount {
        master_key_id,
        provider,
        private_keys,
    })
}

/// That the census says so: how many private keys hold, and how many staged copies there are, under which key.
pub(super) async fn census_is(store: &dyn Store, sealed: &[(&str, u64)], staged: &[(&str, u64)]) -> Verdict {
    let counts = |lines: &[(&str, u64)]| {
        let counts = lines.iter().map(|(key, private_keys)| count(key, *private_keys));
        counts.collect::<Result<Vec<_>, _>>()
    };
    let found = store.snapshot().await?.master_key_census().await?;
    equal(found.sealed, counts(sealed)?, "the private keys that hold")?;
    equal(found.staged, counts(staged)?, "the staged copies")
}

/// That every keyset's private key is what it was when [`installed`] kept it.
pub(super) async fn private_keys_are_the_first_ones(store: &dyn Store, keysets: &[Keyset]) -> Verdict {
    let mut snapshot = store.snapshot().await?;
    for (n, keyset) in (1..).zip(keysets) {
        let sealed = snapshot.sealed_private_key(keyset.id()).await?;
        ensure!(
            sealed == Some(samples::sealed_under(CURRENT, n)?),
            "private key {n} is not the one that holds: {sealed:?}"
        );
    }
    Ok(())
}

/// The keysets whose private keys have no staged copy, on pages of this size.
pub(super) async fn unstaged(store: &dyn Store, limit: u32) -> Result<Vec<KeysetId>, Violation> {
    let mut snapshot = store.snapshot().await?;
    let mut all: Vec<KeysetId> = Vec::new();
    loop {
        let after = all.last().copied();
        let page = snapshot.unstaged_private_keys(after, limit).await?;
        ensure!(
            page.len() <= limit as usize,
            "a page holds more than {limit} private keys"
        );
        let Some(first) = page.first() else { return Ok(all) };
        ensure!(
            after.is_none_or(|after| first.keyset > after),
            "the next page of private keys does not come after this one"
        );
        all.extend(page.iter().map(|key| key.keyset));
    }
}
