use std::sync::Arc;

use keystead_application::ports::SealedFormatError;
use keystead_domain::{ARGON2_MAX_LANES, ARGON2_MAX_MEMORY_KIB, ARGON2_MAX_PASSES, Argon2Cost, PasswordSlot};

use super::SealedFormatFixture;
use super::steps::{CHEAP, plan, slot, whole, wrapped_slot};
use crate::case::{cases, ensure, equal};
use crate::{Case, Verdict, Violation, samples};

pub(super) fn cases() -> Vec<Case<dyn SealedFormatFixture>> {
    cases![
        a_password_unwraps_what_it_wrapped,
        a_slot_from_a_header_unwraps,
        another_password_does_not_unwrap,
        a_changed_slot_does_not_unwrap,
        salts_make_slots_differ,
        a_cost_out_of_bounds_is_not_computed,
    ]
}

async fn a_password_unwraps_what_it_wrapped(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    for password in [
        &b"password"[..],
        "Pässwörd 🔑".as_bytes(),
        b"\xff\xfe",
        &[b'x'; 1_000],
    ] {
        let password = samples::passphrase(password);
        let before = slot(Some(samples::hint("pet's name")?));
        let wrapped = format.wrap_with_password(before.clone(), &password, &key)?;
        equal(
            (wrapped.salt, wrapped.cost),
            (before.salt, before.cost),
            "salt and cost of the slot",
        )?;
        equal(&wrapped.hint, &before.hint, "the hint of the slot")?;
        let unwrapped = format.unwrap_with_password(&wrapped, &password)?;
        ensure!(
            unwrapped.expose() == key.expose(),
            "the file key came back changed"
        );
    }
    Ok(())
}

async fn a_slot_from_a_header_unwraps(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let wrapped = wrapped_slot(&*format, Some(samples::hint("pet's name")?), &key)?;
    let (header, _) = whole(&*format, &format.write_header(&plan(1, Some(wrapped))?, &key)?)?;
    let Some(found) = header.passwords.first() else {
        return Err(Violation::new("the password slot is not there"));
    };
    let unwrapped = format.unwrap_with_password(found, &samples::passphrase(b"password"))?;
    ensure!(
        unwrapped.expose() == key.expose(),
        "the file key came back changed"
    );
    Ok(format.verify_header(&header, &unwrapped)?)
}

async fn another_password_does_not_unwrap(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let wrapped = wrapped_slot(&*format, None, &key)?;
    for other in [&b""[..], b"Password", b"password\n", b"passwor"] {
        not_unlocked(
            format.unwrap_with_password(&wrapped, &samples::passphrase(other)),
            "another password",
        )?;
    }
    Ok(())
}

async fn a_changed_slot_does_not_unwrap(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let good = wrapped_slot(&*format, None, &key)?;
    let mut changed = Vec::new();
    for position in 0..32 {
        let mut slot = good.clone();
        slot.wrapped[position] ^= 0x04;
        changed.push(("the wrapped file key", slot));
    }
    let mut other_salt = good.clone();
    other_salt.salt[3] ^= 0x04;
    changed.push(("the salt", other_salt));
    for cost in [
        Argon2Cost { passes: 2, ..CHEAP },
        Argon2Cost {
            memory_kib: 72,
            ..CHEAP
        },
        Argon2Cost { lanes: 2, ..CHEAP },
    ] {
        changed.push(("the cost", PasswordSlot { cost, ..good.clone() }));
    }
    for (what, slot) in changed {
        let result = format.unwrap_with_password(&slot, &samples::passphrase(b"password"));
        not_unlocked(result, &format!("{what} changed"))?;
    }
    Ok(())
}

async fn salts_make_slots_differ(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let first = wrapped_slot(&*format, None, &key)?;
    let other = PasswordSlot {
        salt: [0x11; 16],
        ..slot(None)
    };
    let second = format.wrap_with_password(other, &samples::passphrase(b"password"), &key)?;
    ensure!(first.wrapped != second.wrapped, "two salts give the same slot");
    Ok(())
}

async fn a_cost_out_of_bounds_is_not_computed(fixture: Arc<dyn SealedFormatFixture>) -> Verdict {
    let (format, key) = (fixture.format(), samples::file_key(1));
    let good = wrapped_slot(&*format, None, &key)?;
    let password = samples::passphrase(b"password");
    let costs = [
        Argon2Cost {
            memory_kib: ARGON2_MAX_MEMORY_KIB + 1,
            ..CHEAP
        },
        Argon2Cost {
            passes: ARGON2_MAX_PASSES + 1,
            ..CHEAP
        },
        Argon2Cost {
            memory_kib: 1024,
            passes: 1,
            lanes: ARGON2_MAX_LANES + 1,
        },
        Argon2Cost {
            memory_kib: 7,
            ..CHEAP
        },
        Argon2Cost { passes: 0, ..CHEAP },
        Argon2Cost { lanes: 0, ..CHEAP },
        Argon2Cost {
            memory_kib: u32::MAX,
            passes: u32::MAX,
            lanes: u32::MAX,
        },
    ];
    for cost in costs {
        let costly = PasswordSlot { cost, ..good.clone() };
        let wrapped = format.wrap_with_password(costly.clone(), &password, &key);
        ensure!(
            matches!(wrapped, Err(SealedFormatError::Cost(_))),
            "a slot of {cost:?} was wrapped"
        );
        let unwrapped = format.unwrap_with_password(&costly, &password);
        ensure!(
            matches!(unwrapped, Err(SealedFormatError::Cost(_))),
            "a slot of {cost:?} was computed"
        );
    }
    Ok(())
}

fn not_unlocked<T>(result: Result<T, SealedFormatError>, what: &str) -> Verdict {
    match result {
        Err(SealedFormatError::NotUnlocked) => Ok(()),
        Err(error) => Err(Violation::new(format!(
            "{what}: refused with another error ({error:?})"
        ))),
        Ok(_) => Err(Violation::new(format!("{what}: unlocked"))),
    }
}
