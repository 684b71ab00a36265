//! A private key that was changed in any way is never taken for another one, and never stops the program.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test may stop at the first failure"
)]

mod common;

use std::sync::OnceLock;

use common::keys::{Numbers, pkcs1, pkcs8};
use keystead_application::ports::{EncodedPublicKey, RsaEngine};
use keystead_domain::Fingerprint;
use proptest::prelude::*;
use tokio::runtime::Runtime;

struct Fixture {
    runtime: Runtime,
    pkcs8: Vec<u8>,
    pkcs1: Vec<u8>,
    fingerprint: Fingerprint,
    spki: Vec<u8>,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let key = Numbers::good();
        let pair = runtime
            .block_on(common::aws_lc().admit(pkcs8(&key.pkcs8())))
            .unwrap();
        Fixture {
            runtime,
            pkcs8: key.pkcs8(),
            pkcs1: key.pkcs1(),
            fingerprint: pair.public.fingerprint(),
            spki: pair.public.spki_der().to_vec(),
        }
    })
}

#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Cut(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        match self {
            Self::Set(at, byte) => bytes[at % len] = *byte,
            Self::Remove(at, count) => {
                let at = at % len;
                bytes.drain(at..(at + count).min(len));
            }
            Self::Insert(at, more) => {
                let at = at % len;
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Cut(at) => bytes.truncate(at % len),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    // Half of the changes hit the structure at the beginning rather than the numbers.
    let place = || prop_oneof![0..48_usize, 0..2000_usize];
    prop_oneof![
        6 => (place(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => (place(), 1..8_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (place(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, more)| Change::Insert(at, more)),
        1 => (0..2000_usize).prop_map(Change::Cut),
    ]
}

fn apply(original: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    changes.iter().for_each(|change| change.apply(&mut bytes));
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_private_key_is_refused_or_the_same(changes in prop::collection::vec(change(), 1..4)) {
        let fixture = fixture();
        let engine = common::aws_lc();
        let keys = [pkcs8(&apply(&fixture.pkcs8, &changes)), pkcs1(&apply(&fixture.pkcs1, &changes))];
        for key in keys {
            if let Ok(pair) = fixture.runtime.block_on(engine.admit(key)) {
                prop_assert_eq!(pair.public.fingerprint(), fixture.fingerprint);
                prop_assert_eq!(pair.private.expose(), &fixture.pkcs8[..]);
            }
        }
    }

    #[test]
    fn a_changed_public_key_is_refused_or_canonical(changes in prop::collection::vec(change(), 1..4)) {
        let engine = common::aws_lc();
        let changed = apply(&fixture().spki, &changes);
        if let Ok(public) = engine.read_public(&EncodedPublicKey::Spki(changed)) {
            let numbers = engine.numbers(&public).unwrap();
            prop_assert_eq!(engine.public_from_numbers(&numbers).unwrap(), public);
        }
    }

    #[test]
    fn noise_is_no_key(noise in prop::collection::vec(any::<u8>(), 0..3000)) {
        let fixture = fixture();
        let engine = common::pure();
        prop_assert!(fixture.runtime.block_on(engine.admit(pkcs8(&noise))).is_err());
        prop_assert!(fixture.runtime.block_on(engine.admit(pkcs1(&noise))).is_err());
        prop_assert!(engine.read_public(&EncodedPublicKey::Pkcs1(noise.clone())).is_err());
        prop_assert!(engine.read_public(&EncodedPublicKey::Spki(noise)).is_err());
    }
}
