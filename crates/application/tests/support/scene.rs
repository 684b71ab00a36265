//! One manager and one backup server, as most tests of recoveries begin.

use keystead_application::use_cases::RecoveryError;
use keystead_domain::{Permission, RequestId};

use super::World;
use super::recovery::{Machine, Person, Tools, approve, receive, respond};

/// A manager, an enrolled machine with a sealed file, and an officer.
pub struct Scene {
    pub world: World,
    pub tools: Tools,
    pub db1: Machine,
    pub grace: Person,
    pub sealed: Vec<u8>,
}

impl Scene {
    pub async fn new() -> Self {
        let world = World::initialised().await;
        let tools = Tools::of(&world);
        let db1 = Machine::enrolled("db1", 11, &world, &tools).await;
        let grace = Person::added(&world, &tools, "Grace").await;
        let sealed = db1.seal(&world, "a", b"content").await;
        Self {
            world,
            tools,
            db1,
            grace,
            sealed,
        }
    }

    /// A request that the manager took in.
    pub async fn received(&self) -> RequestId {
        let made = self.db1.ask(&self.world, &self.tools, &[&self.sealed]).await;
        receive(&self.world, &self.tools, &made.text).await.unwrap().id
    }

    pub async fn approved(&self) -> RequestId {
        let id = self.received().await;
        self.approve(id, Permission::default()).await.unwrap();
        id
    }

    pub async fn approve(&self, id: RequestId, permission: Permission) -> Result<(), RecoveryError> {
        let approved = self
            .grace
            .approves(&self.world, &self.tools, id, permission)
            .await;
        approved.map(|_| ())
    }

    /// With a signature that was made before.
    pub async fn approve_blindly(&self, id: RequestId) -> Result<(), RecoveryError> {
        let signature = self.grace.sign(&self.tools, "statement");
        let approved = approve(&self.world, &self.tools, id, Permission::default(), &signature).await;
        approved.map(|_| ())
    }

    pub async fn answer(&self) -> (RequestId, String) {
        let id = self.approved().await;
        (id, self.respond(id).await.unwrap())
    }

    pub async fn respond(&self, id: RequestId) -> Result<String, RecoveryError> {
        respond(&self.world, &self.tools, id, false)
            .await
            .map(|it| it.text)
    }

    pub async fn receive(&self, text: &str) -> Result<(), RecoveryError> {
        receive(&self.world, &self.tools, text).await.map(|_| ())
    }
}
