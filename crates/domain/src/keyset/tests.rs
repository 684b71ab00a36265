use super::*;
use crate::{Reason, RsaPublicNumbers};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000).unwrap()
}

fn keyset(n: u8) -> Keyset {
    let numbers = RsaPublicNumbers::new(&[0x80 | n; 256], &[1, 0, 1]);
    Keyset::new(
        KeysetId::from_random_bytes([n; 16]),
        format!("keyset {n}").parse().unwrap(),
        PublicKey::new(vec![n; 40], &numbers).unwrap(),
        Origin::Generated,
        at(1),
    )
}

fn activated(activation: Activation) -> (Keyset, Option<Keyset>) {
    match activation {
        Activation::Activated {
            activated,
            superseded,
        } => (*activated, superseded.map(|k| *k)),
        Activation::Unchanged => panic!("nothing changed"),
    }
}

#[test]
fn a_keyset_of_any_origin_begins_inactive() {
    for origin in [Origin::Generated, Origin::Imported { exported_as: None }] {
        let k = keyset(1);
        let k = Keyset::new(k.id(), k.hint().clone(), k.public_key().clone(), origin, at(2));
        assert_eq!(k.state(), &State::NeverActivated);
        assert!(k.active().is_none());
    }
}

#[test]
fn activation_supersedes_the_active_one() {
    let (a, none) = activated(keyset(1).activate(None, at(5)).unwrap());
    assert!(none.is_none());
    assert!(a.active().is_some());
    let (b, old) = activated(keyset(2).activate(Some(&a), at(9)).unwrap());
    let old = old.unwrap();
    assert!(b.active().is_some() && old.active().is_none());
    assert_eq!(
        old.state(),
        &State::Superseded {
            activated_at: at(5),
            at: at(9),
            by: b.fingerprint()
        }
    );
    assert_eq!((a.version(), old.version()), (Version(2), Version(3)));
}

#[test]
fn a_superseded_keyset_can_be_activated_again() {
    let (a, _) = activated(keyset(1).activate(None, at(5)).unwrap());
    let (b, old) = activated(keyset(2).activate(Some(&a), at(9)).unwrap());
    let (again, old_b) = activated(old.unwrap().activate(Some(&b), at(12)).unwrap());
    assert_eq!(again.state(), &State::Active { at: at(12) });
    assert!(old_b.unwrap().active().is_none());
}

#[test]
fn activating_the_active_keyset_changes_nothing() {
    let (a, _) = activated(keyset(1).activate(None, at(5)).unwrap());
    assert_eq!(a.activate(Some(&a), at(6)), Ok(Activation::Unchanged));
}

#[test]
fn an_inactive_keyset_cannot_be_superseded() {
    let refused = keyset(2).activate(Some(&keyset(1)), at(5));
    assert_eq!(refused, Err(TransitionRefused::NotActive));
}

#[test]
fn deletion_needs_inactive_and_an_export_or_a_reason() {
    let force = Force {
        reason: "test machine".parse::<Reason>().unwrap(),
    };
    let (active, _) = activated(keyset(1).activate(None, at(5)).unwrap());
    assert_eq!(active.check_deletion(Some(&force)), Err(DeletionRefused::Active));
    assert_eq!(
        keyset(1).check_deletion(None),
        Err(DeletionRefused::NeverExported)
    );
    assert_eq!(keyset(1).check_deletion(Some(&force)), Ok(()));
    let exported = keyset(1).exported(LastExport {
        at: at(3),
        to: "/mnt/safe".into(),
    });
    assert_eq!(exported.check_deletion(None), Ok(()));
}

#[test]
fn every_state_survives_the_store() {
    let (a, _) = activated(keyset(1).activate(None, at(5)).unwrap());
    let (b, old) = activated(keyset(2).activate(Some(&a), at(9)).unwrap());
    for k in [keyset(3), a, b, old.unwrap()] {
        assert_eq!(Keyset::from_stored(k.to_stored()).unwrap(), k);
    }
}

#[test]
fn contradicting_columns_are_corrupt() {
    let never = keyset(1).to_stored();
    let active = activated(keyset(1).activate(None, at(5)).unwrap()).0.to_stored();
    let cases = [
        StoredKeyset {
            pointed_at: true,
            ..never.clone()
        },
        StoredKeyset {
            activated_at: Some(at(1)),
            ..never.clone()
        },
        StoredKeyset {
            superseded_by: Some(never.fingerprint),
            ..never.clone()
        },
        StoredKeyset {
            pointed_at: false,
            ..active.clone()
        },
        StoredKeyset {
            deactivated_at: Some(at(9)),
            ..active
        },
        StoredKeyset {
            fingerprint: Fingerprint::of_spki(b"other"),
            ..never
        },
    ];
    for case in cases {
        assert!(Keyset::from_stored(case.clone()).is_err(), "{case:?}");
    }
}
