//! The audit trail is signed, exported and verified.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use keystead_application::audit::{AuditVerification, WitnessRefused, signed_heads};
use keystead_application::use_cases::{ExportAudit, MakeCheckpoint, VerifyAudit, Witness};
use keystead_domain::{Installation, Sequence};
use support::{World, actor};

async fn installation(world: &World) -> Installation {
    world.snapshot().await.installation().await.unwrap().unwrap()
}

async fn checkpoint(world: &World) -> (String, keystead_domain::AuditHead) {
    let master_key = world.master_key().await;
    let make = MakeCheckpoint {
        store: world.store.as_ref(),
        master_key: master_key.as_ref(),
        signing: &world.signing,
        clock: &world.clock,
    };
    let (stored, head) = make.run(&actor(), &installation(world).await).await.unwrap();
    (stored.note, head)
}

async fn verify(world: &World, records: Vec<Witness>) -> AuditVerification {
    let verify = VerifyAudit {
        store: world.store.as_ref(),
        signing: &world.signing,
    };
    verify.run(records).await.unwrap()
}

async fn export(world: &World, after: Option<u64>) -> String {
    let signed = checkpoint(world).await;
    let export = ExportAudit {
        store: world.store.as_ref(),
    };
    let mut lines = export.run(Sequence(after.unwrap_or(0)), Some(signed));
    let mut text = String::new();
    while let Some(more) = lines.next().await.unwrap() {
        text.push_str(&more);
    }
    text
}

#[tokio::test]
async fn a_checkpoint_signs_itself_and_all_before_it() {
    let world = World::initialised().await;
    let (note, head) = checkpoint(&world).await;
    assert_eq!(head.sequence, Sequence(4));
    assert!(note.starts_with("keystead audit checkpoint v1\n"), "{note}");
    let verified = verify(&world, Vec::new()).await;
    assert_eq!(
        (verified.findings.len(), verified.signed_up_to),
        (0, Some(Sequence(4)))
    );
    assert_eq!(
        signed_heads(&note, &installation(&world).await, &world.signing).unwrap(),
        [head]
    );
}

#[tokio::test]
async fn an_export_is_signed_as_a_whole() {
    let world = World::initialised().await;
    world.create("second").await;
    for after in [None, Some(2)] {
        let text = export(&world, after).await;
        let installation = installation(&world).await;
        let heads = signed_heads(&text, &installation, &world.signing).unwrap();
        assert_eq!(heads[0].sequence.0, after.unwrap_or(0) + 1);
        assert_eq!(heads.len(), text.lines().count() - 2);
        let record = Witness {
            name: "the export".into(),
            heads: heads.clone(),
        };
        let verified = verify(&world, vec![record]).await;
        assert_eq!(verified.findings, []);
        assert_eq!(verified.signed_up_to, Some(heads.last().unwrap().sequence));
    }
}

#[tokio::test]
async fn an_export_that_was_changed_shows_nothing() {
    let world = World::initialised().await;
    world.create("second").await;
    let installation = installation(&world).await;
    let read = |text: &str| signed_heads(text, &installation, &world.signing);
    for after in [None, Some(2)] {
        let text = export(&world, after).await;
        let lines: Vec<&str> = text.lines().collect();
        let with = |n: usize, line: &str| {
            let mut changed = lines.clone();
            match line {
                "" => drop(changed.remove(n)),
                line => changed[n] = line,
            }
            changed.join("\n") + "\n"
        };
        read(&with(0, lines[0])).unwrap();
        // Every line of an event, also the first one: changed, and taken out.
        let events = lines[..lines.len() - 1].iter().enumerate().skip(1);
        for (n, line) in events {
            let changed = read(&with(n, &line.replace("ada", "eve")));
            assert!(matches!(changed, Err(WitnessRefused::Changed(_))), "line {n}");
            let removed = read(&with(n, ""));
            assert!(matches!(removed, Err(WitnessRefused::Changed(_))), "line {n}");
        }
        // What was in front is taken off, and the beginning made to match.
        let forged = [r#"{"after":3,"chain":""#, &"0".repeat(64), "\"}\n"].concat()
            + &lines[lines.len() - 2..].join("\n")
            + "\n";
        assert!(matches!(read(&forged), Err(WitnessRefused::Changed(_))));
        let invented =
            with(0, lines[0]).replacen('\n', "\n{\"sequence\":0,\"chain\":\"00\",\"event\":{}}\n", 1);
        assert!(read(&invented).is_err());
        let huge = format!(
            "{{\"after\":{},\"chain\":\"{}\"}}\n{}\n",
            u64::MAX,
            "0".repeat(64),
            lines[1]
        );
        assert!(read(&huge).is_err());
        let unsigned = read(&with(lines.len() - 1, ""));
        assert!(matches!(unsigned, Err(WitnessRefused::Unsigned)));
        let longer = read(&format!("{text}{{}}\n"));
        assert!(matches!(longer, Err(WitnessRefused::Malformed(_))));
    }
    assert!(matches!(read("{\"a\":1}\n"), Err(WitnessRefused::Malformed(_))));
    assert!(matches!(
        read(
            "{\"after\":0,\"chain\":\"0000000000000000000000000000000000000000000000000000000000000000\"}\n{\"sequence\":1,\"chain\":null,\"damaged\":\"x\"}\n"
        ),
        Err(WitnessRefused::Damaged(1))
    ));
    let other = World::beside(&world);
    other.initialise().await;
    let foreign = export(&other, None).await;
    assert!(matches!(read(&foreign), Err(WitnessRefused::Checkpoint(_))));
}

/// Somebody who can write to the database puts an identity of their own there.
#[tokio::test]
async fn an_exchanged_identity_is_noticed() {
    let world = World::initialised().await;
    let verify = VerifyAudit {
        store: world.store.as_ref(),
        signing: &world.signing,
    };
    let master_key = world.master_key().await;
    let genuine = installation(&world).await;
    assert!(
        verify
            .identity_is_genuine(&genuine, master_key.as_ref())
            .await
            .unwrap()
    );
    // As a whole, sealed under a master key of somebody else's.
    let mut exchanged = genuine.clone();
    exchanged.identity.sealed_private_key.master_key_id = "another".parse().unwrap();
    assert!(
        !verify
            .identity_is_genuine(&exchanged, master_key.as_ref())
            .await
            .unwrap()
    );
    let mut exchanged = genuine;
    exchanged.identity.public_key = [7; 32];
    assert!(
        !verify
            .identity_is_genuine(&exchanged, master_key.as_ref())
            .await
            .unwrap()
    );
}
