//! Backup servers and their manager.

use super::{World, ok};

/// With the texts that people carry.
pub(super) async fn enrol_by_texts(manager: &World, server: &World) {
    let made = ok(server, "server enroll --name db1 --output json").await;
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    manager
        .write("enrolment.txt", made["text"].as_str().unwrap().as_bytes())
        .await;
    let fingerprint = made["fingerprint"].as_str().unwrap();
    let enroll = format!("server enroll enrolment.txt --expect-fingerprint {fingerprint} --output json");
    let enrolled: serde_json::Value = serde_json::from_str(&ok(manager, &enroll).await).unwrap();
    server
        .write("confirmation.txt", enrolled["text"].as_str().unwrap().as_bytes())
        .await;
    let manager = enrolled["manager"].as_str().unwrap();
    ok(
        server,
        &format!("server enroll confirmation.txt --expect-fingerprint {manager}"),
    )
    .await;
}
