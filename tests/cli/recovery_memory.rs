//! What stays in memory after a recovery: no file key, neither in the process that answered a request nor in the one that
//! opened files with the answer.
//!
//! A test scans all memory of its process that can be written, stacks too, for the file keys. It must not hold them itself:
//! they are made by another process, and known here only masked.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.
#![allow(unreachable_pub)] // Of what is shared.

#[path = "support/in_process.rs"]
mod in_process;
#[path = "support/memory.rs"]
mod memory;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use in_process::Scene;
use keystead_age::AgeSealedFormat;
use keystead_application::ports::{
    Clock, EncodedPublicKey, FileShare, RandomnessExt, Replace, RsaEngine, SealedFormat, SharePath,
};
use keystead_application::use_cases::{KeptKeys, OpenBackup};
use keystead_domain::{FileKey, GenerateBits, ServerId, Sha256Digest};
use keystead_local_share::LocalFileShare;
use keystead_rsa::AwsLcRsaEngine;
use keystead_system::{OsRandomness, SystemClock};
use memory::Needles;
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
    // In memory, where there is room: every step of a recovery is flushed.
    let shared = Path::new("/dev/shm");
    let folder = match shared.is_dir() {
        true => tempfile::tempdir_in(shared),
        false => tempfile::tempdir(),
    };
    let folder = folder.unwrap();
    let folder = folder.path();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let scene = runtime.block_on(Scene::on_disk(folder, GenerateBits::B2048));
    let needles = made_by_another_process(folder, &scene);

    the_scan_finds_what_is_there(&needles);
    assert_eq!(needles.places(), [], "the test itself left file keys");

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
    assert_eq!(needles.places(), [], "answering left file keys");

    // The backup server.
    let taken = runtime.block_on(async { scene.applier().take(&text).await.unwrap() });
    assert_eq!(taken.keys, FILES);
    assert_eq!(needles.places(), [], "taking in the response left file keys");
    let kept = runtime.block_on(async { scene.applier().keys(taken.request).await.unwrap() });
    let all: Vec<usize> = (0..FILES).collect();
    assert_eq!(needles.found(), all);
    runtime.block_on(open_all(folder, &scene, kept));
    assert_eq!(needles.places(), [], "opening the files left file keys");
    drop((scene, runtime));
    assert_eq!(needles.places(), [], "the end of the runtime left file keys");
}

/// Puts a key where the scan has to find it: on the heap, and on the stack.
fn the_scan_finds_what_is_there(needles: &Needles) {
    let mut heap = Box::new(Zeroizing::new([0; FileKey::LEN]));
    needles.unmask(3, &mut heap);
    assert_eq!(needles.found(), [3]);
    drop(heap);
    let mut stack = Zeroizing::new([0; FileKey::LEN]);
    needles.unmask(FILES - 1, std::hint::black_box(&mut stack));
    assert_eq!(needles.found(), [FILES - 1]);
    std::hint::black_box(&mut stack);
}

/// Opens every file as `recovery apply` does, until the keys are destroyed.
async fn open_all(folder: &Path, scene: &Scene, kept: KeptKeys) {
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
        let source = share.read(&SharePath::new(file.to_string())).await.unwrap();
        let source = open.read_header(source).await.unwrap();
        let unlocked = open
            .unlock_with_recovered(&source.header, key.key, request)
            .unwrap();
        let place = format!("{file}.opened");
        let mut writer = share
            .create(&SharePath::new(&place), Replace::Never)
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
    let rsa = AwsLcRsaEngine::new(Arc::new(OsRandomness));
    let public = EncodedPublicKey::Spki(fs::read(folder.join("public")).unwrap());
    let public = rsa.read_public(&public).unwrap();
    let mask: [u8; FileKey::LEN] = OsRandomness.bytes().unwrap();
    let mut masked = mask.to_vec();
    for file in 0..FILES {
        let key = OsRandomness.secret().unwrap();
        masked.extend(key.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
        let key = FileKey::new(key);
        let mut sealed =
            in_process::sealed_header(&rsa, &OsRandomness, &public, server, SystemClock.now(), &key);
        let mut payload = AgeSealedFormat
            .seal_payload(&key, OsRandomness.bytes().unwrap())
            .unwrap();
        payload.push(&content(file), &mut sealed).unwrap();
        payload.finish(&mut sealed).unwrap();
        fs::write(folder.join(file.to_string()), sealed).unwrap();
    }
    fs::write(folder.join("masked"), masked).unwrap();
}
