//! What stays in memory after a recovery: no file key, neither in the process that answered a request nor in the one that
//! opened files with the answer.
//!
//! A test scans all memory of its process that can be written, stacks too, for the file keys. It must not hold them itself:
//! they are made by another process, and known here only masked.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

#[path = "support/in_process.rs"]
mod in_process;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use in_process::{Parts, Scene};
use keystead_age::AgeSealedFormat;
use keystead_application::ports::{
    FileShare, MasterKeyProviders, Randomness, RandomnessExt, Replace, Schema, SealedFormat, ShareWriter,
};
use keystead_application::use_cases::OpenBackup;
use keystead_domain::{FileKey, GenerateBits, Keyset, ServerId, Sha256Digest};
use keystead_key_file::KeyFileMasterKeyProvider;
use keystead_local_share::LocalFileShare;
use keystead_seaorm::{SeaOrmOptions, SeaOrmSchema, SeaOrmStore};
use keystead_server_folder::LocalServerFolder;
use keystead_system::{OsRandomness, SystemClock};
use zeroize::Zeroizing;

/// The same as the binary's.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

const FILES: usize = 200;
/// Tells this program to make sealed files in a folder, instead of testing.
const MAKE_IN: &str = "KEYSTEAD_TEST_MAKE_FILES_IN";
const SERVER: &str = "KEYSTEAD_TEST_MAKE_FILES_OF";

#[test]
fn no_file_key_is_left_in_memory_after_a_recovery() {
    if let Some(folder) = std::env::var_os(MAKE_IN) {
        make_files(folder.as_ref(), std::env::var(SERVER).unwrap().parse().unwrap());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let scene = runtime.block_on(scene(folder));
    let needles = made_by_another_process(folder, &scene);

    the_scan_finds_what_is_there(&needles);
    assert_eq!(needles.found(), [], "the test itself left file keys");

    // The manager. Its threads live on, as they would in a process that serves.
    let headers: Vec<Vec<u8>> = (0..FILES).map(|file| header_of(&sealed(folder, file))).collect();
    let text = runtime.block_on(async {
        let request = scene.request(&headers).await;
        scene.receive(&request.text).await.unwrap();
        scene.approve(request.id).await;
        let responded = scene.respond(request.id, &|_| {}).await;
        assert!(responded.unopened.is_empty());
        responded.text
    });
    assert_eq!(needles.found(), [], "answering left file keys");

    // The backup server.
    let taken = runtime.block_on(async { scene.applier().take(&text).await.unwrap() });
    assert_eq!(taken.keys, FILES);
    assert_eq!(needles.found(), [], "taking in the response left file keys");
    let kept = runtime.block_on(async { scene.applier().keys(taken.request).await.unwrap() });
    let all: Vec<usize> = (0..FILES).collect();
    assert_eq!(
        needles
            .found()
            .iter()
            .map(|found| found.needle)
            .collect::<Vec<_>>(),
        all
    );
    runtime.block_on(open_all(folder, &scene, kept));
    assert_eq!(needles.found(), [], "opening the files left file keys");
    drop((scene, runtime));
    assert_eq!(needles.found(), [], "the end of the runtime left file keys");
}

/// Puts a key where the scan has to find it: on the heap, and on the stack.
fn the_scan_finds_what_is_there(needles: &Needles) {
    let mut heap = Box::new(Zeroizing::new([0; FileKey::LEN]));
    needles.unmask(3, &mut heap);
    assert_eq!(
        needles
            .found()
            .iter()
            .map(|found| found.needle)
            .collect::<Vec<_>>(),
        [3]
    );
    drop(heap);
    let mut stack = Zeroizing::new([0; FileKey::LEN]);
    needles.unmask(FILES - 1, std::hint::black_box(&mut stack));
    assert_eq!(
        needles
            .found()
            .iter()
            .map(|found| found.needle)
            .collect::<Vec<_>>(),
        [FILES - 1]
    );
    std::hint::black_box(&mut stack);
}

/// Opens every file as `recovery apply` does, until the keys are destroyed.
async fn open_all(folder: &Path, scene: &Scene, kept: keystead_application::use_cases::KeptKeys) {
    let open = OpenBackup {
        format: Arc::clone(&scene.format),
    };
    let share = LocalFileShare::within(Arc::clone(&scene.parts.randomness), folder.to_owned());
    let sealed: BTreeMap<Sha256Digest, usize> = (0..FILES)
        .map(|file| (Sha256Digest::of(&header_of(&sealed(folder, file))), file))
        .collect();
    let request = kept.request;
    for key in kept.files {
        let file = sealed[&key.header];
        let source = share.read(&format!("{file}").as_str().into()).await.unwrap();
        let source = open.read_header(source).await.unwrap();
        let unlocked = open
            .unlock_with_recovered(&source.header, key.key, request)
            .unwrap();
        let place = format!("{file}.opened");
        let mut writer: Box<dyn ShareWriter> = share
            .create(&place.as_str().into(), Replace::Never)
            .await
            .unwrap();
        open.write_content(source, &unlocked, &mut *writer, &|_| {})
            .await
            .unwrap();
        writer.publish().await.unwrap();
        assert_eq!(fs::read(folder.join(&place)).unwrap(), content(file));
        scene
            .applier()
            .mark_opened(request, key.file, &place)
            .await
            .unwrap();
    }
    assert!(scene.applier().finish_if_all_open(request).await.unwrap());
}

/// An installation on SQLite and a backup server in a folder, with the adapters of the binary.
async fn scene(folder: &Path) -> Scene {
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
    Scene::set_up(parts, GenerateBits::B2048).await
}

fn sealed(folder: &Path, file: usize) -> Vec<u8> {
    fs::read(folder.join(file.to_string())).unwrap()
}

fn header_of(sealed: &[u8]) -> Vec<u8> {
    let end = sealed.windows(5).position(|window| window == b"\n--- ").unwrap() + 1;
    let line = sealed[end..].iter().position(|byte| *byte == b'\n').unwrap() + 1;
    sealed[..end + line].to_vec()
}

fn content(file: usize) -> Vec<u8> {
    format!("the content of file {file}").into_bytes()
}

/// Has the files sealed by a process of their own, which leaves their keys masked.
fn made_by_another_process(folder: &Path, scene: &Scene) -> Needles {
    fs::write(folder.join("public"), scene.keyset.public_key().spki_der()).unwrap();
    let made = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_file_key_is_left_in_memory_after_a_recovery"])
        .env(MAKE_IN, folder)
        .env(SERVER, scene.server.to_string())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Needles::read(&folder.join("masked"))
}

fn make_files(folder: &Path, server: ServerId) {
    let rsa = in_process::rsa(Arc::new(OsRandomness));
    let public = fs::read(folder.join("public")).unwrap();
    let public = in_process::read_public(&rsa, public);
    let mask: [u8; FileKey::LEN] = OsRandomness.bytes().unwrap();
    let mut masked = mask.to_vec();
    for file in 0..FILES {
        let key = OsRandomness.secret().unwrap();
        masked.extend(key.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
        let key = FileKey::new(key);
        let mut sealed = in_process::sealed_header(&rsa, &AgeSealedFormat, &public, server, &key);
        let mut payload = AgeSealedFormat
            .seal_payload(&key, OsRandomness.bytes().unwrap())
            .unwrap();
        payload.push(&content(file), &mut sealed).unwrap();
        payload.finish(&mut sealed).unwrap();
        fs::write(folder.join(file.to_string()), sealed).unwrap();
    }
    fs::write(folder.join("masked"), masked).unwrap();
}
