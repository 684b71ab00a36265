//! A backup server and the officers beside a [`World`], which is the manager.

use std::sync::Arc;
use std::time::Duration;

use keystead_application::ports::{
    FileShare, MasterKey, Replace, SharePath, SigningEngine, SigningKeyPair, SshSignatures,
};
use keystead_application::use_cases::{
    ApplyResponse, ApproveRecovery, Approved, AskForRecovery, BackupError, EnrolServer, EnrolServerRequest,
    FileToRecover, KeptKeys, MadeRequest, MakeEnrolment, ManageOfficers, ManagePolicy, OpenBackup,
    ReceiveRequest, RecoveryError, RegisterAccess, RemoveServer, RequestRecovery, RespondRecovery, Responded,
    SealBackup, SealRecipients, SealRequest, ServerError, ServerState, ShowRecovery, ShownRecovery,
    TakenResponse, Trust, TrustManager,
};
use keystead_domain::{
    Installation, Officer, Permission, Recovery, RecoveryPolicy, RequestId, ServerId, Timestamp,
};
use keystead_memory::{
    MemoryClock, MemoryFileShare, MemoryMessageCipher, MemoryRandomness, MemoryServerFolder,
    MemorySshSignatures,
};
use tokio::io::AsyncReadExt;

use super::{World, actor};

/// Everybody shares the tables of the make-believe cryptography.
pub struct Tools {
    pub cipher: MemoryMessageCipher,
    pub ssh: MemorySshSignatures,
}

impl Tools {
    pub fn of(world: &World) -> Self {
        Self {
            cipher: MemoryMessageCipher::new(),
            ssh: MemorySshSignatures::new(world.signing.clone()),
        }
    }
}

/// A machine that seals.
pub struct Machine {
    pub name: &'static str,
    pub folder: MemoryServerFolder,
    pub clock: MemoryClock,
    randomness: MemoryRandomness,
    share: MemoryFileShare,
}

impl Machine {
    pub fn new(name: &'static str, seed: u32, world: &World) -> Self {
        let share = MemoryFileShare::new();
        share.make_folder(&SharePath::new("files")).unwrap();
        Self {
            name,
            folder: MemoryServerFolder::new(),
            clock: world.clock.clone(),
            randomness: MemoryRandomness::seeded(seed),
            share,
        }
    }

    /// A machine whose texts went to the manager and back.
    pub async fn enrolled(name: &'static str, seed: u32, world: &World, tools: &Tools) -> Self {
        let machine = Self::new(name, seed, world);
        machine.enrol(world, tools).await;
        machine
    }

    pub async fn enrol(&self, world: &World, tools: &Tools) -> ServerId {
        let text = self.enrolment(world, tools, false).await;
        let confirmation = confirm(world, tools, &text, None).await.unwrap();
        self.trust(tools, &confirmation).await.unwrap();
        self.id().await
    }

    pub async fn enrolment(&self, world: &World, tools: &Tools, new_identity: bool) -> String {
        let make = MakeEnrolment {
            folder: &self.folder,
            signing: &world.signing,
            cipher: &tools.cipher,
            ssh: &tools.ssh,
            clock: &self.clock,
        };
        make.run(&self.name.parse().unwrap(), new_identity)
            .await
            .unwrap()
            .text
    }

    pub async fn trust(&self, tools: &Tools, confirmation: &str) -> Result<(), ServerError> {
        let trust = TrustManager {
            folder: &self.folder,
            ssh: &tools.ssh,
            clock: &self.clock,
        };
        let confirmation = trust.examine(confirmation)?;
        trust.run(&confirmation, None).await.map(|_| ())
    }

    pub async fn id(&self) -> ServerId {
        let state = ServerState { folder: &self.folder };
        state.server_id().await.unwrap().unwrap()
    }

    /// Seals a content to what the machine was told to seal to, and gives the sealed file.
    pub async fn seal(&self, world: &World, name: &str, content: &[u8]) -> Vec<u8> {
        let state = ServerState { folder: &self.folder };
        let seal = SealBackup {
            rsa: world.rsa.as_ref(),
            format: world.format.clone(),
            clock: &self.clock,
            randomness: &self.randomness,
        };
        let recipients = state.recipients().await.unwrap();
        let to = seal
            .recipients(&actor(), SealRecipients::Given(recipients))
            .await
            .unwrap();
        let request = SealRequest {
            to,
            password: None,
            server: state.server_id().await.unwrap(),
        };
        let path = SharePath::new(format!("files/{name}"));
        let mut writer = self.share.create(&path, Replace::Allowed).await.unwrap();
        seal.run(request, &mut &content[..], &mut *writer, &|_| {})
            .await
            .unwrap();
        writer.publish().await.unwrap();
        let mut sealed = Vec::new();
        let mut reader = self.share.read(&path).await.unwrap();
        reader.read_to_end(&mut sealed).await.unwrap();
        sealed
    }

    pub async fn ask(&self, world: &World, tools: &Tools, files: &[&[u8]]) -> MadeRequest {
        self.try_ask(world, tools, files, "eve").await.unwrap()
    }

    pub async fn try_ask(
        &self,
        world: &World,
        tools: &Tools,
        files: &[&[u8]],
        asked_by: &str,
    ) -> Result<MadeRequest, ServerError> {
        let open = OpenBackup {
            format: world.format.clone(),
        };
        let mut asked = Vec::new();
        for (file, number) in files.iter().zip(0..) {
            let source = open.read_header(Box::new(*file)).await.unwrap();
            asked.push(FileToRecover {
                name: format!("file {number}"),
                place: Some(format!("files/{number}")),
                header: source.header,
                bytes: source.header_bytes,
            });
        }
        let request = RequestRecovery {
            folder: &self.folder,
            cipher: &tools.cipher,
            ssh: &tools.ssh,
            clock: &self.clock,
            randomness: &self.randomness,
        };
        request
            .run(AskForRecovery {
                asked_by: asked_by.parse().unwrap(),
                reason: Some("the password is lost".parse().unwrap()),
                lifetime: Duration::from_secs(7 * 24 * 3600),
                files: asked,
            })
            .await
    }

    pub fn apply<'a>(&'a self, tools: &'a Tools) -> ApplyResponse<'a> {
        ApplyResponse {
            folder: &self.folder,
            cipher: &tools.cipher,
            ssh: &tools.ssh,
            clock: &self.clock,
        }
    }

    pub async fn take(&self, tools: &Tools, text: &str) -> Result<TakenResponse, ServerError> {
        self.apply(tools).take(text).await
    }

    /// The content of a sealed file, opened with a kept key.
    pub async fn open(&self, world: &World, kept: &KeptKeys, sealed: &[u8]) -> Result<Vec<u8>, BackupError> {
        let open = OpenBackup {
            format: world.format.clone(),
        };
        let source = open.read_header(Box::new(sealed)).await?;
        let digest = keystead_domain::Sha256Digest::of(&source.header_bytes);
        let key = kept.files.iter().find(|file| file.header == digest).unwrap();
        let unlocked = open.unlock_with_recovered(&source.header, key.key.again(), kept.request)?;
        let path = SharePath::new("files/opened");
        let mut writer = self.share.create(&path, Replace::Allowed).await.unwrap();
        open.write_content(source, &unlocked, &mut *writer, &|_| {})
            .await?;
        writer.publish().await.unwrap();
        let mut content = Vec::new();
        let mut reader = self.share.read(&path).await.unwrap();
        reader.read_to_end(&mut content).await.unwrap();
        Ok(content)
    }
}

/// The manager enrols the machine that made this text.
pub async fn confirm(
    world: &World,
    tools: &Tools,
    text: &str,
    again: Option<&str>,
) -> Result<String, RecoveryError> {
    let (installation, master_key) = (installation(world).await, world.master_key().await);
    let enrol = EnrolServer {
        store: world.store.as_ref(),
        register: register(world, &installation, master_key.as_ref()),
        ssh: &tools.ssh,
        rsa: world.rsa.as_ref(),
        clock: &world.clock,
        randomness: &world.randomness,
    };
    let enrolment = enrol.examine(text)?;
    let request = EnrolServerRequest {
        again: again.map(str::to_owned),
        ..EnrolServerRequest::default()
    };
    let enrolled = enrol.run(&actor(), &enrolment, &request).await?;
    Ok(enrolled.confirmation)
}

pub async fn installation(world: &World) -> Installation {
    world.snapshot().await.installation().await.unwrap().unwrap()
}

/// A person with a key.
pub struct Person {
    pub officer: Officer,
    key: SigningKeyPair,
}

impl Person {
    pub async fn added(world: &World, tools: &Tools, name: &str) -> Self {
        let key = world.signing.generate().unwrap();
        let line = tools.ssh.ed25519_key(&key.public_key).to_string();
        let (installation, master_key) = (installation(world).await, world.master_key().await);
        let manage = officers(world, tools, &installation, master_key.as_ref());
        let name = name.parse().unwrap();
        let officer = manage.add(&actor(), &name, &[], &line).await.unwrap();
        Self { officer, key }
    }

    /// Signs a text as an approval.
    pub fn sign(&self, tools: &Tools, statement: &str) -> Vec<u8> {
        tools
            .ssh
            .sign(
                &self.key.private_key,
                keystead_domain::APPROVAL_NAMESPACE,
                statement.as_bytes(),
            )
            .unwrap()
    }

    pub async fn approves(
        &self,
        world: &World,
        tools: &Tools,
        id: RequestId,
        permission: Permission,
    ) -> Result<Approved, RecoveryError> {
        let statement = statement(world, tools, id, permission).await;
        approve(world, tools, id, permission, &self.sign(tools, &statement)).await
    }
}

pub fn register<'a>(
    world: &'a World,
    installation: &'a Installation,
    master_key: &'a dyn MasterKey,
) -> RegisterAccess<'a> {
    RegisterAccess {
        installation,
        master_key,
        signing: &world.signing,
    }
}

pub fn trust<'a>(world: &'a World, tools: &'a Tools, installation: &'a Installation) -> Trust<'a> {
    Trust {
        installation,
        signing: &world.signing,
        ssh: &tools.ssh,
    }
}

pub fn officers<'a>(
    world: &'a World,
    tools: &'a Tools,
    installation: &'a Installation,
    master_key: &'a dyn MasterKey,
) -> ManageOfficers<'a> {
    ManageOfficers {
        store: world.store.as_ref(),
        register: register(world, installation, master_key),
        ssh: &tools.ssh,
        clock: &world.clock,
        randomness: &world.randomness,
    }
}

pub async fn take_off(world: &World, tools: &Tools, name: &str) {
    let (installation, master_key) = (installation(world).await, world.master_key().await);
    let manage = officers(world, tools, &installation, master_key.as_ref());
    manage.remove(&actor(), name, None).await.unwrap();
}

pub async fn remove_server(world: &World, name: &str) {
    let (installation, master_key) = (installation(world).await, world.master_key().await);
    let remove = RemoveServer {
        store: world.store.as_ref(),
        register: register(world, &installation, master_key.as_ref()),
        clock: &world.clock,
    };
    remove.run(&actor(), name, None).await.unwrap();
}

pub async fn need_approvals(world: &World, approvals: u32) {
    let (installation, master_key) = (installation(world).await, world.master_key().await);
    let manage = ManagePolicy {
        store: world.store.as_ref(),
        register: register(world, &installation, master_key.as_ref()),
        clock: &world.clock,
    };
    let change = |policy: &RecoveryPolicy| {
        RecoveryPolicy::new(approvals, policy.response_lifetime(), policy.requests_per_day())
    };
    manage.set(&actor(), change).await.unwrap();
}

pub fn shower<'a>(world: &'a World, tools: &'a Tools, installation: &'a Installation) -> ShowRecovery<'a> {
    ShowRecovery {
        store: world.store.as_ref(),
        trust: trust(world, tools, installation),
        format: world.format.clone(),
    }
}

pub async fn statement(world: &World, tools: &Tools, id: RequestId, permission: Permission) -> String {
    let installation = installation(world).await;
    shower(world, tools, &installation)
        .statement(id, permission)
        .await
        .unwrap()
}

pub async fn show(world: &World, tools: &Tools, id: RequestId) -> Result<ShownRecovery, RecoveryError> {
    let installation = installation(world).await;
    shower(world, tools, &installation).run(id).await
}

pub async fn approve(
    world: &World,
    tools: &Tools,
    id: RequestId,
    permission: Permission,
    signature: &[u8],
) -> Result<Approved, RecoveryError> {
    let installation = installation(world).await;
    let approve = ApproveRecovery {
        store: world.store.as_ref(),
        trust: trust(world, tools, &installation),
        clock: &world.clock,
    };
    approve.run(&actor(), id, permission, signature).await
}

pub async fn receive(world: &World, tools: &Tools, text: &str) -> Result<Recovery, RecoveryError> {
    let installation = installation(world).await;
    let receive = ReceiveRequest {
        store: world.store.as_ref(),
        trust: trust(world, tools, &installation),
        clock: &world.clock,
    };
    receive.run(&actor(), text).await.map(|(recovery, _)| recovery)
}

pub async fn respond(
    world: &World,
    tools: &Tools,
    id: RequestId,
    partial: bool,
) -> Result<Responded, RecoveryError> {
    let (installation, master_key) = (installation(world).await, world.master_key().await);
    let respond = RespondRecovery {
        store: world.store.as_ref(),
        master_key: master_key.as_ref(),
        rsa: world.rsa.as_ref(),
        format: world.format.clone() as Arc<_>,
        cipher: &tools.cipher,
        trust: trust(world, tools, &installation),
        clock: &world.clock,
    };
    respond.run(&actor(), id, partial, &|_| {}).await
}

pub fn later(world: &World, hours: i64) -> Timestamp {
    world.clock.advance(hours * 3600 * 1_000_000).unwrap()
}
