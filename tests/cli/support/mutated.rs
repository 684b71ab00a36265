//! What is changed at random, and what it is compared with.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keystead_application::ports::{
    DocumentName, MasterKeyProviders, RecoveryDocument, ServerFolder, SshSignatures, Store,
};
use keystead_domain::{
    APPROVAL_NAMESPACE, Action, AuditEvent, BackupServer, FileKey, GenerateBits, Installation, Outcome,
    RecoveryState, RequestId, SecretBytes, Sha256Digest, SshPublicKey,
};
use keystead_memory::{
    MemoryClock, MemoryMasterKeyProvider, MemoryRandomness, MemoryServerFolder, MemoryStore,
};
use tokio::runtime::Runtime;

use super::in_process::{Parts, SSH, Scene, actor};
use super::mutations::{Dice, change_bytes, change_text};
use super::tools;

/// So many requests and responses together, when nobody says how many: enough for a quarter of a minute.
const USUALLY: u64 = 50_000;

/// A valid text.
#[derive(Clone)]
pub struct Original {
    pub text: String,
    pub bytes: Vec<u8>,
    pub digest: Sha256Digest,
    label: String,
}

/// What went between a server and its manager.
pub struct Mail {
    pub requests: Vec<Original>,
    pub responses: Vec<Original>,
}

/// Changes of one kind of text.
pub struct Run {
    name: &'static str,
    pub seed: u64,
    pub count: u64,
}

/// Tells which change it was, when the test fails within its life.
pub struct Note<'a> {
    run: &'a Run,
    number: u64,
    text: &'a str,
}

impl Original {
    pub fn of(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let label = lines[0].trim_matches('-').strip_prefix("BEGIN ").unwrap();
        let bytes = STANDARD.decode(lines[1..lines.len() - 1].concat()).unwrap();
        Self {
            text: text.to_owned(),
            digest: Sha256Digest::of(&bytes),
            bytes,
            label: label.to_owned(),
        }
    }

    /// The signed JSON.
    pub fn json(&self) -> String {
        let end = self.bytes.iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8(self.bytes[..end].to_vec()).unwrap()
    }
}

impl Mail {
    pub fn texts(&self) -> Vec<String> {
        let all = self.requests.iter().chain(&self.responses);
        all.map(|original| original.text.clone()).collect()
    }
}

impl Run {
    /// A part of the changes that were asked for.
    pub fn new(name: &'static str, numerator: u64, denominator: u64) -> Self {
        let number = |variable| Some(std::env::var(variable).ok()?.parse::<u64>().unwrap());
        let count = number("KEYSTEAD_TEST_MUTATIONS").unwrap_or(USUALLY);
        Self {
            name,
            seed: number("KEYSTEAD_TEST_SEED").unwrap_or(1),
            count: count * numerator / denominator,
        }
    }

    /// The same with half as many.
    pub fn half(&self) -> Self {
        Self {
            count: self.count / 2,
            ..*self
        }
    }

    pub fn dice(&self, number: u64) -> Dice {
        Dice::new(self.seed, number)
    }

    pub fn note<'a>(&'a self, number: u64, text: &'a str) -> Note<'a> {
        Note {
            run: self,
            number,
            text,
        }
    }

    /// Changes one of these texts, or its bytes, so many times, and has each looked at. `accepted` tells whether it was.
    pub fn each(
        &self,
        originals: &[Original],
        bystanders: &[String],
        mut accepted: impl FnMut(u64, &str) -> bool,
    ) {
        let bytes: Vec<Vec<u8>> = originals.iter().map(|original| original.bytes.clone()).collect();
        let texts: Vec<String> = originals.iter().map(|original| original.text.clone()).collect();
        let others = [&texts, bystanders].concat();
        let mut of_texts = 0;
        for number in 0..self.count {
            let mut dice = self.dice(number);
            let original = dice.pick(originals);
            let mut text = original.text.clone();
            let is_decoded = dice.below(2) == 0;
            if is_decoded {
                let mut changed = original.bytes.clone();
                for _ in 0..=dice.below(3) {
                    change_bytes(&mut dice, &mut changed, &bytes);
                }
                text = armored(&original.label, &changed);
            }
            if !is_decoded || dice.below(8) == 0 {
                for _ in 0..=dice.below(3) {
                    text = change_text(&mut dice, &text, &others);
                }
            }
            let _note = self.note(number, &text);
            of_texts += u64::from(accepted(number, &text));
        }
        // Neither would prove anything.
        assert!(
            (1..self.count).contains(&of_texts),
            "{of_texts} of {} accepted",
            self.count
        );
        say(&format!(
            "{}: {} changed, {of_texts} accepted as they were signed\n",
            self.name, self.count
        ));
    }
}

impl Drop for Note<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { run, number, text } = self;
            say(&format!(
                "KEYSTEAD_TEST_SEED={}, change {number} of {}: {text:?}\n",
                run.seed, run.name
            ));
        }
    }
}

/// Past the test harness, which would keep it to itself.
fn say(what: &str) {
    let _ = std::io::stderr().write_all(what.as_bytes());
}

pub fn armored(label: &str, bytes: &[u8]) -> String {
    let letters = STANDARD.encode(bytes);
    let lines: Vec<&str> = letters
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// Everything in memory, and the same for the same seed, but for what age encrypts.
pub fn scene(seed: u64) -> (Runtime, Scene) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let parts = Parts {
        store: Arc::new(MemoryStore::new()),
        master_keys: MasterKeyProviders::new(Arc::new(MemoryMasterKeyProvider::new()), Vec::new()),
        folder: Arc::new(MemoryServerFolder::new()),
        clock: Arc::new(MemoryClock::at("2026-11-24T12:00:00Z".parse().unwrap())),
        randomness: Arc::new(MemoryRandomness::seeded(seed as u32)),
    };
    let scene = runtime.block_on(Scene::set_up(parts, GenerateBits::B2048));
    (runtime, scene)
}

/// Requests for one and for several files, and their responses.
pub async fn originals(scene: &Scene) -> Mail {
    let mut mail = Mail {
        requests: Vec::new(),
        responses: Vec::new(),
    };
    for files in [1, 2, 3] {
        let header = |file| scene.header(&FileKey::copy_of(&[file; FileKey::LEN]));
        let headers: Vec<Vec<u8>> = (0..files).map(header).collect();
        let request = scene.request(&headers).await;
        scene.receive(&request.text).await.unwrap();
        scene.approve(request.id).await;
        let responded = scene.respond(request.id, &|_| {}).await;
        mail.requests.push(Original::of(&request.text));
        mail.responses.push(Original::of(&responded.text));
    }
    mail
}

/// The server, as the manager knows it.
pub async fn server(scene: &Scene) -> BackupServer {
    let mut snapshot = scene.parts.store.snapshot().await.unwrap();
    snapshot.list_servers(None, 2).await.unwrap().remove(0)
}

/// Who signed the statement: the officer, and others with keys of OpenSSH's, where that is installed.
pub async fn officers(scene: &Scene, statement: &str) -> Vec<(SshPublicKey, Original)> {
    let signature = SSH.sign(
        &scene.officer.private_key,
        APPROVAL_NAMESPACE,
        statement.as_bytes(),
    );
    let text = armored("SSH SIGNATURE", &signature.unwrap());
    let mut all = vec![(SSH.ed25519_key(&scene.officer.public_key), Original::of(&text))];
    if !tools::have("ssh-keygen") {
        return all;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("statement"), statement).unwrap();
    for kind in ["ecdsa", "rsa"] {
        tools::run("ssh-keygen", &["-q", "-t", kind, "-N", "", "-f", &at(kind)]);
        let namespace = ["-Y", "sign", "-n", APPROVAL_NAMESPACE];
        tools::run(
            "ssh-keygen",
            &[&namespace[..], &["-f", &at(kind), &at("statement")]].concat(),
        );
        let line = fs::read_to_string(at(&format!("{kind}.pub"))).unwrap();
        scene.add_officer(kind, &line).await;
        let text = fs::read_to_string(at("statement.sig")).unwrap();
        all.push((SSH.read_key(&line).unwrap(), Original::of(&text)));
        fs::remove_file(at("statement.sig")).unwrap();
    }
    all
}

/// The private keys of the server's identity and of the manager's.
pub async fn private_keys(scene: &Scene) -> (SecretBytes, SecretBytes) {
    let read = async |which: &str| {
        let name = DocumentName::new("identities", which.trim()).unwrap();
        let document = scene.parts.folder.read(&name).await.unwrap().unwrap();
        String::from_utf8(document.expose().to_vec()).unwrap()
    };
    let identity = read(&read("current").await).await;
    let line = identity
        .lines()
        .find_map(|line| line.strip_prefix("signing-private-key "));
    let server = SecretBytes::new(STANDARD.decode(line.unwrap()).unwrap());
    let Installation { id, identity, .. } = &scene.installation;
    let context = Installation::identity_context(*id, &identity.public_key);
    let manager = scene
        .master_key
        .open(&identity.sealed_private_key, &context)
        .await;
    (server, manager.unwrap())
}

/// The manager's database once more, with the requests that wait for an answer or with none.
pub async fn copied_store(scene: &Scene, with_requests: bool) -> MemoryStore {
    let mut snapshot = scene.parts.store.snapshot().await.unwrap();
    let copy = MemoryStore::new();
    let mut unit = copy.begin().await.unwrap();
    for server in snapshot.list_servers(None, 10).await.unwrap() {
        unit.insert_server(&server).await.unwrap();
    }
    for officer in snapshot.officers().await.unwrap() {
        unit.insert_officer(&officer).await.unwrap();
    }
    let register = snapshot.recovery_register().await.unwrap().unwrap();
    unit.set_recovery_register(&register).await.unwrap();
    for recovery in snapshot.list_recoveries(None, 10).await.unwrap() {
        let bytes = snapshot
            .recovery_document(recovery.id, RecoveryDocument::Request)
            .await;
        if with_requests && matches!(recovery.state, RecoveryState::Waiting) {
            unit.insert_recovery(&recovery).await.unwrap();
            let which = RecoveryDocument::Request;
            unit.keep_recovery_document(recovery.id, which, &bytes.unwrap().unwrap())
                .await
                .unwrap();
        }
    }
    let event = AuditEvent::new(
        scene.parts.clock.now(),
        actor(),
        Action::ServerEnroll,
        Outcome::Done,
    );
    unit.append_audit(&event).await.unwrap();
    unit.commit().await.unwrap();
    copy
}

/// The requests or responses that a manager has.
pub async fn documents(store: &MemoryStore, which: RecoveryDocument) -> Vec<Vec<u8>> {
    let mut snapshot = store.snapshot().await.unwrap();
    let mut all = Vec::new();
    for recovery in snapshot.list_recoveries(None, 10).await.unwrap() {
        all.extend(snapshot.recovery_document(recovery.id, which).await.unwrap());
    }
    all
}

/// The signatures under a request.
pub async fn approvals(store: &MemoryStore, id: RequestId) -> Vec<Vec<u8>> {
    let mut snapshot = store.snapshot().await.unwrap();
    let recovery = snapshot.find_recovery(id).await.unwrap().unwrap();
    recovery
        .approvals
        .into_iter()
        .map(|approval| approval.signature)
        .collect()
}

/// What a backup server keeps, by name.
pub async fn contents(folder: &dyn ServerFolder) -> BTreeMap<DocumentName, Vec<u8>> {
    const KINDS: [&str; 7] = [
        "identities",
        "server",
        "requests",
        "response-keys",
        "file-keys",
        "opened",
        "finished",
    ];
    let mut all = BTreeMap::new();
    for kind in KINDS {
        for name in folder.names(kind).await.unwrap() {
            let document = folder.read(&name).await.unwrap().unwrap();
            all.insert(name, document.expose().to_vec());
        }
    }
    all
}

/// What the backup server keeps, once more.
pub async fn copied_folder(scene: &Scene) -> MemoryServerFolder {
    let copy = MemoryServerFolder::new();
    for (name, document) in contents(scene.parts.folder.as_ref()).await {
        copy.create(&name, &SecretBytes::new(document)).await.unwrap();
    }
    copy
}
