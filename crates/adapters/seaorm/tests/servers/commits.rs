//! Commits whose answer is lost.

use keystead_application::ports::{Store, StoreErrorKind};
use keystead_domain::Sequence;
use keystead_seaorm::{SeaOrmOptions, SeaOrmStore};
use keystead_test_servers::{Cut, CuttingProxy};

use crate::support::*;

#[tokio::test]
async fn a_commit_without_an_answer_is_unknown_and_the_trail_tells_what_became_of_it() {
    for server in servers() {
        let (direct, database) = new_store(server).await;
        let proxy = CuttingProxy::to(server.port());
        let url = server
            .url_of(&database)
            .replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port()));
        let tls_off = match url.starts_with("postgres") {
            true => "?sslmode=disable",
            false => "?ssl-mode=disabled",
        };
        let store = SeaOrmStore::connect(SeaOrmOptions::new(url + tls_off))
            .await
            .unwrap();
        let mut expected = Vec::new();
        for (n, cut, kept_then) in [(1, Cut::AfterCommit, true), (2, Cut::BeforeCommit, false)] {
            proxy.cut(cut, 1);
            let unknown = insert(&store, n).await.unwrap_err();
            assert_eq!(
                unknown.kind,
                StoreErrorKind::CommitUnknown,
                "{cut:?}: {unknown:?}"
            );
            assert!(
                unknown.to_string().contains("look before doing it again"),
                "{unknown}"
            );
            if kept_then {
                expected.push(n);
            }
            // Whoever begins after it has waited for its end.
            let mut next = store.begin().await.unwrap();
            let head = next.audit_head().await.unwrap();
            assert_eq!(head.sequence, Sequence(expected.len() as u64), "{cut:?}");
            drop(next);
            assert_eq!(kept(&direct).await, expected, "{cut:?}");
        }
        assert_eq!(proxy.made(), 2);
        // And nothing is left of the trouble.
        insert(&store, 3).await.unwrap();
        assert_eq!(kept(&store).await, [1, 3]);
    }
}
