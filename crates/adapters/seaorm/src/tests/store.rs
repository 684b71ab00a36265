use keystead_application::audit::{AuditRecord, from_canonical_bytes};
use keystead_application::ports::KeysetCursor;
use keystead_domain::{RecipientTag, Sequence};

use super::*;

#[tokio::test]
async fn what_was_kept_comes_back() {
    let place = Place::new();
    let store = place.store().await;
    let imported = |n, exported_as| keyset(n, Origin::Imported { exported_as });
    let keysets = [
        generated(1),
        exported(&imported(2, None)),
        imported(3, Some(KeysetId::from_random_bytes([9; 16]))),
    ];
    let mut work = store.begin().await.unwrap();
    assert!(work.installation().await.unwrap().is_none());
    work.insert_installation(&installation(1)).await.unwrap();
    for (n, keyset) in (1..).zip(&keysets) {
        work.insert_keyset(keyset, &sealed(n)).await.unwrap();
    }
    assert_eq!(work.append_audit(&event(1)).await.unwrap(), Sequence(1));
    work.commit().await.unwrap();
    store.close().await.unwrap();

    // From the file, as another process sees it.
    let store = SeaOrmStore::connect(place.options()).await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.installation().await.unwrap(), Some(installation(1)));
    for (n, keyset) in (1..).zip(&keysets) {
        let fingerprint = keyset.fingerprint();
        let tag = keyset.public_key().tag();
        let prefix = fingerprint.short().parse().unwrap();
        assert_eq!(
            snapshot.find_keyset(keyset.id()).await.unwrap().as_ref(),
            Some(keyset)
        );
        assert_eq!(
            snapshot.find_by_fingerprint(&fingerprint).await.unwrap().as_ref(),
            Some(keyset)
        );
        assert_eq!(
            snapshot.find_by_prefix(&prefix, 9).await.unwrap(),
            std::slice::from_ref(keyset)
        );
        assert_eq!(
            snapshot.find_by_tag(tag, 9).await.unwrap(),
            std::slice::from_ref(keyset)
        );
        let private_key = snapshot.sealed_private_key(keyset.id()).await.unwrap();
        assert!(private_key == Some(sealed(n)));
    }
    assert!(snapshot.find_keyset(generated(8).id()).await.unwrap().is_none());
    assert!(
        snapshot
            .sealed_private_key(generated(8).id())
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        snapshot
            .find_by_tag(RecipientTag([0; 4]), 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        snapshot
            .find_by_prefix(&"00000000".parse().unwrap(), 9)
            .await
            .unwrap()
            .is_empty()
    );
    let record = AuditRecord {
        sequence: Sequence(1),
        event: event(1),
    };
    let rows = snapshot.audit_rows(None, 9).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(from_canonical_bytes(&rows[0].canonical).unwrap(), record);
}

#[tokio::test]
async fn keysets_are_listed_in_pages_by_age_and_id() {
    let place = Place::new();
    let store = place.store().await;
    // Two were made at the same moment.
    let twin = |n: u8, key: u8| {
        let other = generated(key);
        Keyset::new(
            KeysetId::from_random_bytes([n; 16]),
            other.hint().clone(),
            other.public_key().clone(),
            Origin::Generated,
            at(995),
        )
    };
    let keysets = [
        generated(1),
        generated(2),
        twin(9, 9),
        twin(5, 5),
        generated(8),
        generated(3),
    ];
    insert(&store, &keysets).await;
    let mut expected = keysets.to_vec();
    expected.sort_by_key(|k| (k.created_at(), k.id()));

    let mut snapshot = store.snapshot().await.unwrap();
    for limit in [1, 2, 3, 5, 6, 7, u32::MAX] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = snapshot.list_keysets(after, limit).await.unwrap();
            assert!(page.keysets.len() <= limit as usize && !page.keysets.is_empty());
            seen.extend(page.keysets);
            after = page.next;
            if after.is_none() {
                break;
            }
            assert_eq!(after, seen.last().map(KeysetCursor::of));
        }
        assert_eq!(seen, expected, "pages of {limit}");
    }
}

#[tokio::test]
async fn prefixes_and_tags_find_all_and_keep_to_the_limit() {
    let place = Place::new();
    let store = place.store().await;
    let keysets: Vec<_> = (1..=30).map(generated).collect();
    insert(&store, &keysets).await;
    let first = &keysets[0];
    // The same tag for three keysets, behind the program's back: the tag has only 32 bits.
    let tag = place.sqlite3(&format!(
        "SELECT recipient_tag FROM keysets WHERE id = '{}'",
        first.id()
    ));
    place.sqlite3(&format!(
        "UPDATE keysets SET recipient_tag = '{tag}' WHERE id IN ('{}', '{}')",
        keysets[1].id(),
        keysets[2].id()
    ));
    let mut snapshot = store.snapshot().await.unwrap();
    let found = snapshot.find_by_tag(first.public_key().tag(), 9).await.unwrap();
    let mut fingerprints: Vec<_> = keysets[..3].iter().map(Keyset::fingerprint).collect();
    fingerprints.sort();
    assert_eq!(
        found.iter().map(Keyset::fingerprint).collect::<Vec<_>>(),
        fingerprints
    );
    assert_eq!(
        snapshot
            .find_by_tag(first.public_key().tag(), 2)
            .await
            .unwrap()
            .len(),
        2
    );

    for keyset in &keysets {
        let digits = keyset.fingerprint().to_string();
        for len in [8, 9, 33, 64] {
            let prefix = digits[..len].parse().unwrap();
            let found = snapshot.find_by_prefix(&prefix, 2).await.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].id(), keyset.id());
        }
    }
}

#[tokio::test]
async fn the_audit_trail_is_listed_in_pages() {
    let place = Place::new();
    let store = place.store().await;
    let mut work = store.begin().await.unwrap();
    for n in 1..=5 {
        assert_eq!(work.append_audit(&event(n)).await.unwrap(), Sequence(n as u64));
    }
    work.commit().await.unwrap();
    let mut snapshot = store.snapshot().await.unwrap();
    for limit in [1, 2, 4, 5, 6] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let rows = snapshot.audit_rows(after, limit).await.unwrap();
            let Some(last) = rows.last() else { break };
            assert!(rows.len() <= limit as usize);
            after = Some(last.sequence);
            seen.extend(
                rows.iter()
                    .map(|row| from_canonical_bytes(&row.canonical).unwrap().event),
            );
        }
        assert_eq!(seen, (1..=5).map(event).collect::<Vec<_>>());
    }
    let beyond = snapshot.audit_rows(Some(Sequence(u64::MAX)), 9).await.unwrap();
    assert!(beyond.is_empty());
    // The canonical bytes are what is stored.
    let stored = place.sqlite3("SELECT CAST(canonical AS TEXT) FROM audit_events WHERE sequence = 1");
    assert!(
        stored.starts_with(r#"{"action":"keyset.edit","actor":{"id":"ada""#),
        "{stored}"
    );
}
