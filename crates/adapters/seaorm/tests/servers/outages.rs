//! Connections and servers that go away.

use std::task::Poll;

use keystead_application::ports::{Store, StoreError, StoreErrorKind, UnitOfWork};
use keystead_contract::samples;
use keystead_seaorm::SeaOrmStore;

use crate::support::*;

#[tokio::test]
async fn a_server_that_is_killed_keeps_nothing_half_done_and_is_found_again() {
    for mut server in own_servers() {
        let (store, database) = new_store(server.as_ref()).await;
        insert(&store, 1).await.unwrap();
        let mut work = store.begin().await.unwrap();
        work.insert_keyset(&keyset(2), &samples::sealed(2).unwrap())
            .await
            .unwrap();
        let mut snapshot = store.snapshot().await.unwrap();
        server.kill();
        let broken = work.append_audit(&event()).await.unwrap_err();
        assert_eq!(broken.kind, StoreErrorKind::Disconnected, "{broken:?}");
        assert!(
            broken.to_string().contains("check that the server runs"),
            "{broken}"
        );
        assert!(work.commit().await.is_err());
        let broken = snapshot.audit_head().await.unwrap_err();
        assert_eq!(broken.kind, StoreErrorKind::Disconnected, "{broken:?}");
        drop(snapshot);

        let url = server.url_of(&database);
        let down = SeaOrmStore::connect(impatient(&url)).await.err().unwrap();
        assert_eq!(down.kind, StoreErrorKind::Disconnected, "{down:?}");
        assert!(down.to_string().contains("check that the server runs"), "{down}");

        server.restart();
        assert_eq!(kept(&store).await, [1]);
        insert(&store, 3).await.unwrap();
        assert_eq!(kept(&store).await, [1, 3]);
    }
}

#[tokio::test]
async fn connections_that_were_hung_up_are_replaced() {
    for server in servers() {
        let (store, database) = new_store(server).await;
        insert(&store, 1).await.unwrap();
        server.hang_up(&database);
        insert(&store, 2).await.unwrap();

        let mut work = store.begin().await.unwrap();
        server.hang_up(&database);
        let broken = work
            .insert_keyset(&keyset(3), &samples::sealed(3).unwrap())
            .await
            .unwrap_err();
        assert_eq!(broken.kind, StoreErrorKind::Disconnected, "{broken:?}");
        drop(work);
        insert(&store, 4).await.unwrap();
        assert_eq!(kept(&store).await, [1, 2, 4]);
    }
}

#[tokio::test]
async fn a_unit_of_work_that_is_dropped_or_abandoned_lets_others_write_at_once() {
    for server in servers() {
        let (store, database) = new_store(server).await;
        let other = SeaOrmStore::connect(impatient(&server.url_of(&database)))
            .await
            .unwrap();
        for abandon in [false, true] {
            let mut work: Box<dyn UnitOfWork> = store.begin().await.unwrap();
            if abandon {
                // Given up while the answer is on its way.
                let (new, sealed) = (keyset(1), samples::sealed(1).unwrap());
                // Where the answer was there at once, nothing was given up.
                if is_pending(work.insert_keyset(&new, &sealed)).await {
                    assert!(work.append_audit(&event()).await.is_err());
                }
                // So is somebody who waits for the lock.
                assert!(is_pending(other.begin()).await);
            } else {
                work.insert_keyset(&keyset(1), &samples::sealed(1).unwrap())
                    .await
                    .unwrap();
            }
            drop(work);
            // The lock is given up by the server as soon as it hears of it.
            loop {
                match other.begin().await {
                    Ok(mut work) => {
                        assert!(work.find_keyset(keyset(1).id()).await.unwrap().is_none());
                        break;
                    }
                    Err(e) => assert_eq!(e.kind, StoreErrorKind::Busy, "{e:?}"),
                }
            }
            store.begin().await.unwrap();
        }
        assert!(kept(&store).await.is_empty());
    }
}

/// Begins something, and gives it up at once.
async fn is_pending<T>(future: impl Future<Output = Result<T, StoreError>>) -> bool {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}
