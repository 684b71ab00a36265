use std::sync::Arc;

use keystead_domain::keyset::{Keyset, Origin};
use keystead_domain::{FingerprintPrefix, RecipientTag};

use super::StoreFixture;
use super::steps::{fresh, insert};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn StoreFixture>> {
    cases![
        a_keyset_is_found_by_its_fingerprint,
        a_keyset_is_found_by_every_beginning_of_its_fingerprint,
        keysets_with_one_beginning_come_in_order_and_up_to_the_limit,
        a_beginning_of_highest_digits_is_found,
        keysets_are_found_by_their_tag,
    ]
}

async fn a_keyset_is_found_by_its_fingerprint(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keysets = sample_keysets(&[1, 2, 3])?;
    insert(&*store, &keysets).await?;
    let mut snapshot = store.snapshot().await?;
    for keyset in &keysets {
        let found = snapshot.find_by_fingerprint(&keyset.fingerprint()).await?;
        equal(found.as_ref(), Some(keyset), "the keyset with the fingerprint")?;
    }
    let stranger = samples::keyset(4)?.fingerprint();
    let found = snapshot.find_by_fingerprint(&stranger).await?;
    equal(found, None, "the keyset with a fingerprint that is not there")
}

async fn a_keyset_is_found_by_every_beginning_of_its_fingerprint(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let keysets = sample_keysets(&(1..20).collect::<Vec<_>>())?;
    insert(&*store, &keysets).await?;
    let mut snapshot = store.snapshot().await?;
    for keyset in &keysets {
        let digits = keyset.fingerprint().to_string();
        for length in [8, 9, 15, 16, 31, 63, 64] {
            let found = snapshot.find_by_prefix(&digits[..length].parse()?, 5).await?;
            equal(found.as_slice(), std::slice::from_ref(keyset), &digits[..length])?;
        }
        let other_end = if digits.ends_with('0') { '1' } else { '0' };
        let neighbour = format!("{}{other_end}", &digits[..63]);
        let found = snapshot.find_by_prefix(&neighbour.parse()?, 5).await?;
        ensure!(found.is_empty(), "{neighbour} finds {digits}");
    }
    Ok(())
}

async fn keysets_with_one_beginning_come_in_order_and_up_to_the_limit(
    fixture: Arc<dyn StoreFixture>,
) -> Verdict {
    let store = fresh(&fixture).await;
    let mut keysets = sample_keysets(&samples::SAME_PREFIX)?;
    insert(&*store, &keysets).await?;
    insert(&*store, &sample_keysets(&[1, 2, 3, 4])?).await?;
    keysets.sort_by_key(Keyset::fingerprint);
    let prefix: FingerprintPrefix = samples::SHARED_PREFIX.parse()?;
    let mut snapshot = store.snapshot().await?;
    for limit in [1_u32, 2, 3, 10] {
        let found = snapshot.find_by_prefix(&prefix, limit).await?;
        let expected = &keysets[..keysets.len().min(limit as usize)];
        equal(found.as_slice(), expected, "the keysets that begin so")?;
    }
    for keyset in &keysets {
        let longer = &keyset.fingerprint().to_string()[..14];
        let found = snapshot.find_by_prefix(&longer.parse()?, 10).await?;
        equal(found.as_slice(), std::slice::from_ref(keyset), longer)?;
    }
    Ok(())
}

/// Where a store asks for a range, the end of the range of the highest digits is easily wrong.
async fn a_beginning_of_highest_digits_is_found(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let ends_high =
        |n: &u32| samples::public_key(*n).is_ok_and(|key| key.fingerprint().to_string().ends_with("ff"));
    let number = (1..100_000).find(ends_high);
    let number = number.ok_or_else(|| Violation::new("no sample key ends in the highest digits"))?;
    let keysets = [samples::keyset(number)?, samples::keyset_with_highest_prefix()?];
    insert(&*store, &keysets).await?;
    let mut snapshot = store.snapshot().await?;
    for keyset in &keysets {
        let digits = keyset.fingerprint().to_string();
        for length in [8, 64] {
            let found = snapshot.find_by_prefix(&digits[..length].parse()?, 5).await?;
            equal(found.as_slice(), std::slice::from_ref(keyset), &digits[..length])?;
        }
    }
    Ok(())
}

async fn keysets_are_found_by_their_tag(fixture: Arc<dyn StoreFixture>) -> Verdict {
    let store = fresh(&fixture).await;
    let tag = RecipientTag([0xff, 0, 0x80, 0x7f]);
    let with_tag = |n: u32| -> Result<Keyset, Violation> {
        Ok(Keyset::new(
            samples::keyset_id(n),
            samples::hint("tagged")?,
            samples::public_key_with_tag(n, tag)?,
            Origin::Generated,
            samples::at(i64::from(n))?,
        ))
    };
    let mut tagged = vec![with_tag(1)?, with_tag(2)?, with_tag(3)?];
    insert(&*store, &tagged).await?;
    let others = sample_keysets(&[4, 5])?;
    insert(&*store, &others).await?;
    tagged.sort_by_key(Keyset::fingerprint);

    let mut snapshot = store.snapshot().await?;
    for limit in [1_u32, 2, 3, 10] {
        let found = snapshot.find_by_tag(tag, limit).await?;
        let expected = &tagged[..tagged.len().min(limit as usize)];
        equal(found.as_slice(), expected, "the keysets with the tag")?;
    }
    for keyset in &others {
        let found = snapshot.find_by_tag(keyset.public_key().tag(), 10).await?;
        equal(
            found.as_slice(),
            std::slice::from_ref(keyset),
            "the keyset with a tag of its own",
        )?;
    }
    let found = snapshot.find_by_tag(RecipientTag([0; 4]), 10).await?;
    ensure!(found.is_empty(), "a tag that is not there finds {found:?}");
    Ok(())
}

fn sample_keysets(numbers: &[u32]) -> Result<Vec<Keyset>, Violation> {
    numbers.iter().map(|n| samples::keyset(*n)).collect()
}
