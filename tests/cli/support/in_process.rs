//! A manager, a backup server and an officer in one process, with the real formats, ciphers and signatures, driven through
//! the use cases. Where things are kept, and what tells the time, is up to the caller.

#![allow(dead_code, unreachable_pub)] // Each test file uses a part of this.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keystead_age::{AgeMessageCipher, AgeSealedFormat};
use keystead_application::ports::{
    Clock, HeaderPlan, MasterKey, MasterKeyProviders, ParsedHeader, Randomness, RandomnessExt, RsaEngine,
    Schema, SealedFormat, ServerFolder, SigningEngine, SigningKeyPair, SshSignatures, Store,
};
use keystead_application::use_cases::{
    ApplyResponse, ApproveRecovery, AskForRecovery, EnrolServer, EnrolServerRequest, FileToRecover,
    Initialise, MadeRequest, MakeEnrolment, ManageOfficers, ReceiveRequest, RecoveryError, RegisterAccess,
    RequestRecovery, RespondRecovery, Responded, ServerState, ShowRecovery, Trust, TrustManager,
};
use keystead_domain::{
    APPROVAL_NAMESPACE, Actor, ActorKind, FileId, FileKey, GenerateBits, Installation, Keyset, KeysetSlot,
    Permission, PublicKey, Recovery, RequestId, SealInfo, SecretBytes, ServerId, Timestamp,
};
use keystead_ed25519::Ed25519SigningEngine;
use keystead_key_file::KeyFileMasterKeyProvider;
use keystead_rsa::AwsLcRsaEngine;
use keystead_seaorm::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};
use keystead_server_folder::LocalServerFolder;
use keystead_ssh_signatures::OpenSshSignatures;
use keystead_system::{OsRandomness, SystemClock};

/// Where things are kept, what tells the time and where randomness comes from.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub master_keys: MasterKeyProviders,
    pub folder: Arc<dyn ServerFolder>,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<dyn Randomness>,
}

/// A manager with one keyset, a backup server that is enrolled with it, and an officer.
pub struct Scene {
    pub parts: Parts,
    pub rsa: AwsLcRsaEngine,
    pub format: Arc<dyn SealedFormat>,
    pub signing: Ed25519SigningEngine,
    pub installation: Installation,
    pub master_key: Arc<dyn MasterKey>,
    pub keyset: Keyset,
    pub server: ServerId,
    pub officer: SigningKeyPair,
    /// The text that enrolled the server, and the manager's answer.
    pub enrolment: String,
    pub confirmation: String,
}

pub const SSH: OpenSshSignatures = OpenSshSignatures;
pub const CIPHER: AgeMessageCipher = AgeMessageCipher;

impl Scene {
    /// On SQLite and a folder, with the adapters of the binary.
    pub async fn on_disk(folder: &Path, bits: GenerateBits) -> Self {
        let options = SeaOrmOptions::for_sqlite_file(&folder.join("keystead.db")).unwrap();
        SeaOrmSchema::new(options.clone())
            .unwrap()
            .migrate()
            .await
            .unwrap();
        let randomness: Arc<dyn Randomness> = Arc::new(OsRandomness);
        let master_key = KeyFileMasterKeyProvider::new(folder.join("master.key"), Arc::clone(&randomness));
        let kept = LocalServerFolder::new(folder.join("backup-server"), Arc::clone(&randomness));
        let parts = Parts {
            store: Arc::new(SeaOrmStore::connect(options).await.unwrap()),
            master_keys: MasterKeyProviders::new(Arc::new(master_key), Vec::new()),
            folder: Arc::new(kept),
            clock: Arc::new(SystemClock),
            randomness,
        };
        Self::set_up(parts, bits).await
    }

    pub async fn set_up(parts: Parts, bits: GenerateBits) -> Self {
        let rsa = AwsLcRsaEngine::new(Arc::clone(&parts.randomness));
        let signing = Ed25519SigningEngine::new(Arc::clone(&parts.randomness));
        let initialise = Initialise {
            store: parts.store.as_ref(),
            master_keys: &parts.master_keys,
            rsa: &rsa,
            signing: &signing,
            clock: parts.clock.as_ref(),
            randomness: parts.randomness.as_ref(),
        };
        let made = initialise
            .run(&actor(), "first".parse().unwrap(), bits)
            .await
            .unwrap();
        let officer = signing.generate().unwrap();
        let mut scene = Self {
            rsa,
            format: Arc::new(AgeSealedFormat),
            signing,
            installation: made.installation,
            master_key: made.master_key,
            keyset: made.keyset,
            server: ServerId::from_random_bytes([0; 16]),
            officer,
            enrolment: String::new(),
            confirmation: String::new(),
            parts,
        };
        (scene.enrolment, scene.confirmation) = scene.enrol().await;
        let state = ServerState {
            folder: scene.parts.folder.as_ref(),
        };
        scene.server = state.server_id().await.unwrap().unwrap();
        let line = SSH.ed25519_key(&scene.officer.public_key).to_string();
        scene.add_officer("Ada", &line).await;
        scene
    }

    async fn enrol(&self) -> (String, String) {
        let Parts {
            store,
            folder,
            clock,
            randomness,
            ..
        } = &self.parts;
        let make = MakeEnrolment {
            folder: folder.as_ref(),
            signing: &self.signing,
            cipher: &CIPHER,
            ssh: &SSH,
            clock: clock.as_ref(),
        };
        let enrolment = make.run(&"db1".parse().unwrap(), false).await.unwrap().text;
        let enrol = EnrolServer {
            store: store.as_ref(),
            register: self.register(),
            ssh: &SSH,
            rsa: &self.rsa,
            clock: clock.as_ref(),
            randomness: randomness.as_ref(),
        };
        let read = enrol.examine(&enrolment).unwrap();
        let request = EnrolServerRequest::default();
        let enrolled = enrol.run(&actor(), &read, &request).await.unwrap();
        let trust = TrustManager {
            folder: folder.as_ref(),
            ssh: &SSH,
            clock: clock.as_ref(),
        };
        let confirmation = trust.examine(&enrolled.confirmation).unwrap();
        trust.run(&confirmation, None).await.unwrap();
        (enrolment, enrolled.confirmation)
    }

    /// What the manager believes.
    pub fn trust(&self) -> Trust<'_> {
        Trust {
            installation: &self.installation,
            signing: &self.signing,
            ssh: &SSH,
        }
    }

    fn register(&self) -> RegisterAccess<'_> {
        RegisterAccess {
            installation: &self.installation,
            master_key: self.master_key.as_ref(),
            signing: &self.signing,
        }
    }

    /// Makes a person an officer by a line of a `.pub` file.
    pub async fn add_officer(&self, name: &str, line: &str) {
        let officers = ManageOfficers {
            store: self.parts.store.as_ref(),
            register: self.register(),
            ssh: &SSH,
            clock: self.parts.clock.as_ref(),
            randomness: self.parts.randomness.as_ref(),
        };
        officers
            .add(&actor(), &name.parse().unwrap(), &[], line)
            .await
            .unwrap();
    }

    /// The header of a file that the server sealed to the keyset.
    pub fn header(&self, file_key: &FileKey) -> Vec<u8> {
        let (randomness, public) = (self.parts.randomness.as_ref(), self.keyset.public_key());
        sealed_header(
            &self.rsa,
            randomness,
            public,
            self.server,
            self.parts.clock.now(),
            file_key,
        )
    }

    /// The server asks for the keys of files with these headers.
    pub async fn request(&self, headers: &[Vec<u8>]) -> MadeRequest {
        let file = |(header, number): (&Vec<u8>, usize)| FileToRecover {
            name: format!("file {number}"),
            place: None,
            header: match self.format.parse_header(header).unwrap() {
                ParsedHeader::Complete { header, .. } => *header,
                ParsedHeader::NeedsMore => panic!("a header is cut off"),
            },
            bytes: header.clone(),
        };
        let request = RequestRecovery {
            folder: self.parts.folder.as_ref(),
            cipher: &CIPHER,
            ssh: &SSH,
            clock: self.parts.clock.as_ref(),
            randomness: self.parts.randomness.as_ref(),
        };
        let ask = AskForRecovery {
            asked_by: "eve".parse().unwrap(),
            reason: Some("the password is lost".parse().unwrap()),
            lifetime: Duration::from_secs(7 * 24 * 3600),
            files: headers.iter().zip(0..).map(file).collect(),
        };
        request.run(ask).await.unwrap()
    }

    pub async fn receive(&self, text: &str) -> Result<Recovery, RecoveryError> {
        let receive = ReceiveRequest {
            store: self.parts.store.as_ref(),
            trust: self.trust(),
            clock: self.parts.clock.as_ref(),
        };
        receive.run(&actor(), text).await.map(|(recovery, _)| recovery)
    }

    pub fn shower(&self) -> ShowRecovery<'_> {
        ShowRecovery {
            store: self.parts.store.as_ref(),
            trust: self.trust(),
            format: Arc::clone(&self.format),
        }
    }

    pub fn approver(&self) -> ApproveRecovery<'_> {
        ApproveRecovery {
            store: self.parts.store.as_ref(),
            trust: self.trust(),
            clock: self.parts.clock.as_ref(),
        }
    }

    /// What officers sign.
    pub async fn statement(&self, id: RequestId) -> String {
        let shower = self.shower();
        shower.statement(id, Permission::default()).await.unwrap()
    }

    /// The officer approves a request.
    pub async fn approve(&self, id: RequestId) {
        let statement = self.statement(id).await;
        let signature = SSH
            .sign(
                &self.officer.private_key,
                APPROVAL_NAMESPACE,
                statement.as_bytes(),
            )
            .unwrap();
        let (approver, permission) = (self.approver(), Permission::default());
        approver.run(&actor(), id, permission, &signature).await.unwrap();
    }

    pub async fn respond(&self, id: RequestId, progress: &(dyn Fn(u64) + Send + Sync)) -> Responded {
        let respond = RespondRecovery {
            store: self.parts.store.as_ref(),
            master_key: self.master_key.as_ref(),
            rsa: &self.rsa,
            format: Arc::clone(&self.format),
            cipher: &CIPHER,
            trust: self.trust(),
            clock: self.parts.clock.as_ref(),
        };
        respond.run(&actor(), id, false, progress).await.unwrap()
    }

    pub fn applier(&self) -> ApplyResponse<'_> {
        ApplyResponse {
            folder: self.parts.folder.as_ref(),
            cipher: &CIPHER,
            ssh: &SSH,
            clock: self.parts.clock.as_ref(),
        }
    }
}

/// The header of a file that a server sealed to a keyset.
pub fn sealed_header(
    rsa: &AwsLcRsaEngine,
    randomness: &dyn Randomness,
    public: &PublicKey,
    server: ServerId,
    at: Timestamp,
    file_key: &FileKey,
) -> Vec<u8> {
    let wrapped = SecretBytes::new(file_key.expose().to_vec());
    let plan = HeaderPlan {
        keysets: vec![KeysetSlot {
            tag: public.tag(),
            fingerprint: None,
            wrapped: rsa
                .encrypt(public, AgeSealedFormat.keyset_label(), &wrapped)
                .unwrap(),
        }],
        password: None,
        info: SealInfo {
            file_id: FileId::from_random_bytes(randomness.bytes().unwrap()),
            server_id: Some(server.to_string()),
            sealed_at: at,
            fingerprints: vec![public.fingerprint()],
        },
    };
    AgeSealedFormat.write_header(&plan, file_key).unwrap()
}

pub fn actor() -> Actor {
    Actor {
        kind: ActorKind::OsUser,
        id: "ada".into(),
    }
}
