//! The audit trail is signed, exported and verified.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use keystead_application::audit::{AuditVerification, RecordRefused, signed_heads};
use keystead_application::use_cases::{ExportAudit, MakeCheckpoint, Record, VerifyAudit};
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

async fn verify(world: &World, records: Vec<Record>) -> AuditVerification {
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
    let mut lines = export.run(after.map(Sequence), Some(signed)).await.unwrap();
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
        assert_eq!(heads.len(), text.lines().count() - 1);
        let record = Record {
            name: "the export".into(),
            heads: heads.clone(),
        };
        let verified = verify(&world, vec![record]).await;
        assert_eq!(verified.findings, []);
        assert_eq!(verified.signed_up_to, Some(heads.last().unwrap().sequence));
    }
}

#[tokio::test]
async fn an_export_that_was_changed_is_no_record() {
    let world = World::initialised().await;
    let text = export(&world, None).await;
    let installation = installation(&world).await;
    let read = |text: &str| signed_heads(text, &installation, &world.signing);
    let lines: Vec<&str> = text.lines().collect();
    let without = |n: usize| {
        let kept = lines.iter().enumerate().filter(|(i, _)| *i != n);
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    assert!(matches!(
        read(&text.replace("ada", "eve")),
        Err(RecordRefused::Changed(1))
    ));
    assert!(matches!(read(&without(1)), Err(RecordRefused::Changed(2))));
    assert!(matches!(
        read(&without(lines.len() - 2)),
        Err(RecordRefused::Changed(_))
    ));
    assert!(matches!(
        read(&without(lines.len() - 1)),
        Err(RecordRefused::Unsigned)
    ));
    assert!(matches!(
        read(&format!("{text}{{}}\n")),
        Err(RecordRefused::Malformed(_))
    ));
    assert!(matches!(read("{\"a\":1}\n"), Err(RecordRefused::Malformed(_))));
    let other = World::beside(&world);
    other.initialise().await;
    let foreign = export(&other, None).await;
    assert!(matches!(read(&foreign), Err(RecordRefused::Checkpoint(_))));
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
    let mut exchanged = genuine;
    exchanged.identity.public_key = [7; 32];
    assert!(
        !verify
            .identity_is_genuine(&exchanged, master_key.as_ref())
            .await
            .unwrap()
    );
}
