//! Accounts: what is believed, who gets in, and what becomes of work whose process ended.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keystead_application::ports::{
    Clock, MasterKey, PasswordHasher, PasswordHasherError, Record, RecordKind,
};
use keystead_application::use_cases::{
    AccessError, Authenticate, FirstAdmin, Jobs, ManageTokens, ManageUsers, Principal, RecordAccess, SignIn,
    TokenRequest, UserRequest,
};
use keystead_domain::keyset::Version;
use keystead_domain::{
    Action, Installation, JobId, JobWork, Operation, Outcome, Passphrase, PasswordHash, RequestId, Role, User,
};
use support::{World, actor};
use zeroize::Zeroizing;

/// Compares what it was given: for tests alone.
struct Plain;

#[async_trait]
impl PasswordHasher for Plain {
    async fn hash(&self, password: &Passphrase) -> Result<PasswordHash, PasswordHasherError> {
        Ok(PasswordHash::new(String::from_utf8_lossy(password.expose())))
    }

    async fn verify(
        &self,
        password: &Passphrase,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, PasswordHasherError> {
        Ok(hash.is_some_and(|hash| hash.as_str().as_bytes() == password.expose()))
    }
}

struct Scene {
    world: World,
    installation: Installation,
    master_key: Arc<dyn MasterKey>,
}

impl Scene {
    async fn new() -> Self {
        let world = World::initialised().await;
        let master_key = world.master_key().await;
        let mut snapshot = world.store.snapshot().await.unwrap();
        let installation = snapshot.installation().await.unwrap().unwrap();
        drop(snapshot);
        Self {
            world,
            installation,
            master_key,
        }
    }

    fn records(&self) -> RecordAccess<'_> {
        RecordAccess {
            store: self.world.store.as_ref(),
            installation: &self.installation,
            master_key: self.master_key.as_ref(),
            signing: &self.world.signing,
            clock: &self.world.clock,
        }
    }

    fn later(&self, seconds: i64) {
        self.world.clock.advance(seconds * 1_000_000).unwrap();
    }

    fn users(&self) -> ManageUsers<'_> {
        ManageUsers {
            records: self.records(),
            passwords: &Plain,
            randomness: &self.world.randomness,
        }
    }

    fn sign_in(&self) -> SignIn<'_> {
        SignIn {
            records: self.records(),
            passwords: &Plain,
            randomness: &self.world.randomness,
        }
    }

    fn tokens(&self) -> ManageTokens<'_> {
        ManageTokens {
            records: self.records(),
            randomness: &self.world.randomness,
        }
    }

    async fn user(&self, name: &str, role: Role) -> User {
        let request = UserRequest {
            name: name.parse().unwrap(),
            roles: [role].into_iter().collect(),
            password: password(PASSWORD),
        };
        self.users().add(&actor(), request).await.unwrap()
    }

    async fn find(&self, kind: RecordKind, key: &str) -> Option<Record> {
        let mut snapshot = self.world.store.snapshot().await.unwrap();
        snapshot.find_record(kind, key).await.unwrap()
    }

    /// What somebody does who can write to the database.
    async fn overwrite(&self, record: &Record, expected: Option<Version>) {
        let mut unit = self.world.store.begin().await.unwrap();
        unit.put_record(record, expected).await.unwrap();
        let event = keystead_domain::AuditEvent::new(
            self.world.clock.now(),
            actor(),
            Action::UserEdit,
            Outcome::Done,
        );
        unit.append_audit(&event).await.unwrap();
        unit.commit().await.unwrap();
    }
}

const PASSWORD: &str = "correct horse battery";

fn password(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.as_bytes().to_vec()))
}

#[tokio::test]
async fn an_account_that_the_manager_did_not_sign_is_none() {
    let scene = Scene::new().await;
    scene.user("ada", Role::Admin).await;
    scene.user("bob", Role::Auditor).await;
    let ada = scene.find(RecordKind::User, "ada").await.unwrap();
    let bob = scene.find(RecordKind::User, "bob").await.unwrap();
    // Bob's row says admin; Bob's row has Ada's document; a row is made for nobody.
    let promoted = Record {
        document: bob.document.replace("auditor", "admin"),
        version: Version(2),
        ..bob.clone()
    };
    let swapped = Record {
        document: ada.document.clone(),
        version: Version(3),
        ..bob.clone()
    };
    let newer = Record {
        version: Version(4),
        ..bob.clone()
    };
    for (changed, before) in [(promoted, 1), (swapped, 2), (newer, 3)] {
        scene.overwrite(&changed, Some(Version(before))).await;
        let refused = scene.sign_in().run("bob", &password(PASSWORD), None, "::1").await;
        assert!(matches!(
            refused,
            Err(AccessError::RecordChanged { kind: "user", .. })
        ));
        assert!(matches!(
            scene.users().list().await,
            Err(AccessError::RecordChanged { .. })
        ));
    }
    let made_up = Record {
        key: "eve".into(),
        ..ada
    };
    scene.overwrite(&made_up, None).await;
    let refused = scene.sign_in().run("eve", &password(PASSWORD), None, "::1").await;
    assert!(matches!(refused, Err(AccessError::RecordChanged { .. })));
}

#[tokio::test]
async fn who_guesses_does_not_keep_the_owner_out() {
    let scene = Scene::new().await;
    scene.user("ada", Role::Admin).await;
    let sign_in = scene.sign_in();
    let right = password(PASSWORD);
    let known = sign_in.run("ada", &right, None, "192.0.2.1").await.unwrap().place;
    let mut waits = 0;
    for _ in 0..50 {
        match sign_in
            .run("ada", &password("a guess of somebody"), None, "203.0.113.9")
            .await
        {
            Err(AccessError::TooManyAttempts(_)) => waits += 1,
            Err(AccessError::WrongPassword) => {}
            other => panic!("{:?}", other.err()),
        }
    }
    assert_eq!(waits, 45);
    // Elsewhere nobody gets in, with the right password either; at the usual place the owner does.
    let elsewhere = sign_in.run("ada", &right, None, "203.0.113.9").await;
    assert!(matches!(elsewhere, Err(AccessError::TooManyAttempts(_))));
    assert!(
        sign_in
            .run("ada", &right, Some(&known), "192.0.2.1")
            .await
            .is_ok()
    );
    // A place is one person's, and cannot be made up.
    scene.user("bob", Role::Auditor).await;
    for _ in 0..5 {
        let guess = sign_in
            .run("bob", &password("a guess of somebody"), Some(&known), "::1")
            .await;
        assert!(matches!(guess, Err(AccessError::WrongPassword)));
    }
    let guess = sign_in.run("bob", &right, Some(&known), "::1").await;
    assert!(matches!(guess, Err(AccessError::TooManyAttempts(_))));
    scene
        .users()
        .unlock(&actor(), &"ada".parse().unwrap())
        .await
        .unwrap();
    assert!(sign_in.run("ada", &right, None, "203.0.113.9").await.is_ok());
    // Names that are nobody's behave alike, and fill nothing.
    for n in 0..600 {
        let name = format!("nobody{n}");
        let guess = sign_in.run(&name, &right, None, "::1").await;
        assert!(matches!(
            guess,
            Err(AccessError::WrongPassword | AccessError::TooManyAttempts(_))
        ));
    }
    let mut snapshot = scene.world.store.snapshot().await.unwrap();
    let counted = snapshot
        .list_records(RecordKind::Attempts, None, 1000)
        .await
        .unwrap();
    assert!(counted.len() <= 258, "{}", counted.len());
}

#[tokio::test]
async fn a_session_ends_with_the_password_and_a_token_when_it_is_revoked() {
    let scene = Scene::new().await;
    scene.user("ada", Role::Admin).await;
    let signed_in = scene
        .sign_in()
        .run("ada", &password(PASSWORD), None, "::1")
        .await
        .unwrap();
    let authenticate = Authenticate {
        records: scene.records(),
    };
    let found = authenticate.session(&signed_in.secret).await.unwrap();
    assert!(matches!(&found, Principal::User { user, .. } if user.name.as_str() == "ada"));
    assert!(found.may(Operation::ExportKeysets) && !found.may(Operation::AnswerRecoveries));
    scene.later(1);
    let name = "ada".parse().unwrap();
    scene
        .users()
        .set_password(&actor(), &name, &password("another long password"))
        .await
        .unwrap();
    let over = authenticate.session(&signed_in.secret).await;
    assert!(matches!(over, Err(AccessError::SessionEnded(_))));

    let request = TokenRequest {
        name: "nightly".parse().unwrap(),
        role: Role::Auditor,
        may_export: false,
        lifetime: Duration::from_secs(60),
    };
    let made = scene.tokens().create(&actor(), request).await.unwrap();
    assert!(authenticate.token(&made.secret).await.is_ok());
    scene.later(60);
    assert!(matches!(
        authenticate.token(&made.secret).await,
        Err(AccessError::TokenRefused(_))
    ));
    let id = made.token.id.to_string();
    let revoked = scene.tokens().revoke(&actor(), &id, None).await.unwrap();
    assert!(revoked.revoked.is_some());
}

#[tokio::test]
async fn a_code_makes_one_admin_and_no_second_one() {
    let scene = Scene::new().await;
    let first = FirstAdmin {
        records: scene.records(),
        passwords: &Plain,
        randomness: &scene.world.randomness,
    };
    let one = first.code_if_needed().await.unwrap().unwrap();
    let two = first.code_if_needed().await.unwrap().unwrap();
    let name = || "ada".parse().unwrap();
    let weak = first.run(one.text.expose(), name(), &password("short")).await;
    assert!(matches!(weak, Err(AccessError::WeakPassword(_))));
    let user = first
        .run(one.text.expose(), name(), &password(PASSWORD))
        .await
        .unwrap();
    assert!(user.roles.has(Role::Admin));
    for code in [&one, &two] {
        let again = first
            .run(code.text.expose(), "eve".parse().unwrap(), &password(PASSWORD))
            .await;
        assert!(matches!(
            again,
            Err(AccessError::CodeRefused | AccessError::NotTheFirst)
        ));
    }
    assert!(first.code_if_needed().await.unwrap().is_none());
}

#[tokio::test]
async fn a_job_is_taken_over_from_a_process_that_fell_silent() {
    let scene = Scene::new().await;
    let jobs = Jobs {
        records: scene.records(),
    };
    let work = JobWork::AnswerRecovery {
        request: RequestId::from_random_bytes([7; 16]),
        partial: false,
    };
    let id = JobId::from_random_bytes([1; 16]);
    let job = jobs.submit(&actor(), id, work.clone()).await.unwrap();
    assert_eq!(jobs.submit(&actor(), id, work).await.unwrap().id, job.id);
    let first = jobs.take("one").await.unwrap().unwrap();
    assert!(jobs.take("two").await.unwrap().is_none());
    let first = jobs.go_on(&first, "one", 3, 10).await.unwrap();
    scene.later(31);
    let second = jobs.take("two").await.unwrap().unwrap();
    // The first process wakes up: the job is not its any more.
    assert!(jobs.go_on(&first, "one", 4, 10).await.is_err());
    assert!(jobs.finish(&first, None).await.is_err());
    jobs.finish(&second, None).await.unwrap();
    assert!(jobs.show(&actor(), id).await.unwrap().is_over());
    assert!(jobs.take("three").await.unwrap().is_none());
    scene.later(8 * 24 * 3600);
    jobs.sweep().await.unwrap();
    assert!(matches!(
        jobs.show(&actor(), id).await,
        Err(AccessError::NoSuchJob(_))
    ));
}
