//! A recovery request with ten thousand slots for an RSA key of 4096 bits, from its text to the text of its response, beside
//! the same private-key operations done by AWS-LC alone on all cores.
//!
//! `cargo bench -p keystead --bench recovery`; with `KEYSTEAD_BENCH_SHORT=1` it only shows that everything runs. Each round
//! is a request of its own, with raw operations before and after it, so that what else the machine does meets both. Quote
//! the ratio, not absolute figures.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]
#![allow(clippy::disallowed_methods)] // Time is what is measured.

#[path = "../cli/support/in_process.rs"]
mod in_process;

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use in_process::Scene;
use keystead_application::ports::{RandomnessExt, RsaEngine};
use keystead_domain::{FileKey, GenerateBits, SecretBytes};
use keystead_system::OsRandomness;

/// As the binary does it: overwriting memory is a part of the cost.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

/// What is aimed at: so much of what the cores could do if they did nothing else.
const AIM: f64 = 0.9;

fn main() {
    let short = std::env::var_os("KEYSTEAD_BENCH_SHORT").is_some();
    let (slots, rounds, raw_for) = match short {
        true => (100, 1, Duration::from_millis(200)),
        false => (10_000, 5, Duration::from_secs(3)),
    };
    let cores = thread::available_parallelism().unwrap().get();
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let scene = runtime.block_on(Scene::on_disk(folder.path(), GenerateBits::B4096));
    let raw = Raw::of(&scene, &runtime);
    let headers = headers(&scene, slots, cores);

    println!("{slots} slots of RSA-4096, {cores} cores, median of {rounds} rounds");
    let mut results: Vec<Round> = Vec::new();
    let mut before = raw.per_second(cores, raw_for);
    for _ in 0..rounds {
        let mut round = runtime.block_on(measure(&scene, &headers));
        let after = raw.per_second(cores, raw_for);
        round.raw = (before.0 + after.0) / 2.0;
        round.raw_cpu = (before.1 + after.1) / 2.0;
        before = after;
        results.push(round);
    }
    report(&results, slots);
}

/// What one request cost.
#[derive(Default)]
struct Round {
    request_text: usize,
    response_text: usize,
    ask: Duration,
    receive: Duration,
    show: Duration,
    approve: Duration,
    /// Until the first slot was open, from the first to the last, and from then on.
    prepare: Duration,
    unwrap: Duration,
    finish: Duration,
    /// Processor time of the whole answer.
    cpu: Duration,
    /// Private operations per second on all cores, and processor time of one, around this round.
    raw: f64,
    raw_cpu: f64,
}

impl Round {
    fn respond(&self) -> Duration {
        self.prepare + self.unwrap + self.finish
    }
}

async fn measure(scene: &Scene, headers: &[Vec<u8>]) -> Round {
    let (request, ask) = timed(scene.request(headers)).await;
    let (received, receive) = timed(scene.receive(&request.text)).await;
    let id = received.unwrap().id;
    let shower = scene.shower();
    let (shown, show) = timed(shower.run(id)).await;
    assert_eq!(shown.unwrap().recovery.files as usize, headers.len());
    let ((), approve) = timed(scene.approve(id)).await;

    let start = Instant::now();
    let micros = || u64::try_from(start.elapsed().as_micros()).unwrap();
    let (first, last) = (AtomicU64::new(0), AtomicU64::new(0));
    let cpu = cpu_time();
    let progress = |done: u64| {
        if done == 1 {
            first.store(micros(), Ordering::Relaxed);
        }
        last.store(micros(), Ordering::Relaxed);
    };
    let responded = scene.respond(id, &progress).await;
    let whole = start.elapsed();
    let cpu = cpu_time() - cpu;
    assert!(responded.unopened.is_empty() && !responded.again);
    let prepare = Duration::from_micros(first.into_inner());
    let until_last = Duration::from_micros(last.into_inner());
    Round {
        request_text: request.text.len(),
        response_text: responded.text.len(),
        ask,
        receive,
        show,
        approve,
        prepare,
        unwrap: until_last - prepare,
        finish: whole - until_last,
        cpu,
        ..Round::default()
    }
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    let done = work.await;
    (done, start.elapsed())
}

/// Headers of files that were sealed to the keyset.
fn headers(scene: &Scene, slots: usize, cores: usize) -> Vec<Vec<u8>> {
    let header = |_| scene.header(&FileKey::new(OsRandomness.secret().unwrap()));
    thread::scope(|scope| {
        let share = |core: usize| slots / cores + usize::from(core < slots % cores);
        let threads: Vec<_> = (0..cores)
            .map(|core| scope.spawn(move || (0..share(core)).map(header).collect::<Vec<_>>()))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}

/// The private key of the keyset in AWS-LC's hands, without anything of ours.
struct Raw {
    key: OaepPrivateDecryptingKey,
    label: &'static [u8],
    wrapped: Vec<u8>,
}

impl Raw {
    fn of(scene: &Scene, runtime: &tokio::runtime::Runtime) -> Self {
        let keyset = &scene.keyset;
        let private = runtime.block_on(async {
            let mut snapshot = scene.parts.store.snapshot().await.unwrap();
            let sealed = snapshot.sealed_private_key(keyset.id()).await.unwrap().unwrap();
            scene
                .master_key
                .open(&sealed, &keyset.sealing_context())
                .await
                .unwrap()
        });
        let key = PrivateDecryptingKey::from_pkcs8(private.expose()).unwrap();
        let label = scene.format.keyset_label();
        let file_key = SecretBytes::new(vec![7; FileKey::LEN]);
        Self {
            key: OaepPrivateDecryptingKey::new(key).unwrap(),
            label,
            wrapped: scene.rsa.encrypt(keyset.public_key(), label, &file_key).unwrap(),
        }
    }

    /// Operations per second on all cores, and the processor time of one in seconds. There are as many threads as answering has,
    /// two for each core, so that both get the same share of a machine that does other things too.
    fn per_second(&self, cores: usize, lasting: Duration) -> (f64, f64) {
        let cpu = cpu_time();
        let rates: Vec<(f64, u64)> = thread::scope(|scope| {
            let work = || {
                let (start, mut done) = (Instant::now(), 0);
                let mut out = vec![0; self.key.min_output_size()];
                while start.elapsed() < lasting {
                    self.key
                        .decrypt(&OAEP_SHA256_MGF1SHA256, &self.wrapped, &mut out, Some(self.label))
                        .unwrap();
                    done += 1;
                }
                (done as f64 / start.elapsed().as_secs_f64(), done)
            };
            let threads: Vec<_> = (0..2 * cores).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let operations: u64 = rates.iter().map(|(_, done)| done).sum();
        let cpu = (cpu_time() - cpu).as_secs_f64() / operations as f64;
        (rates.iter().map(|(rate, _)| rate).sum(), cpu)
    }
}

/// The processor time that this process has had, in the kernel's ticks of 10 ms.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name in parentheses may hold blanks; user and system time are the 14th and the 15th field.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields
        .split(' ')
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

fn report(rounds: &[Round], slots: usize) {
    let middle = |value: &dyn Fn(&Round) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(value).collect();
        values.sort_unstable_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let slots = slots as f64;
    let seconds = |time: Duration| time.as_secs_f64();
    let ms = |value: &dyn Fn(&Round) -> Duration| 1e3 * middle(&|round| seconds(value(round)));
    println!(
        "texts: request {:.1} MiB, response {:.1} KiB",
        middle(&|round| round.request_text as f64) / (1024.0 * 1024.0),
        middle(&|round| round.response_text as f64) / 1024.0
    );
    println!(
        "make the request {:.0} ms, receive {:.0} ms, show {:.0} ms, approve {:.0} ms",
        ms(&|round| round.ask),
        ms(&|round| round.receive),
        ms(&|round| round.show),
        ms(&|round| round.approve)
    );
    println!(
        "respond {:.0} ms: until the first slot {:.0} ms, unwrap {:.0} ms, from the last slot on {:.0} ms",
        ms(&Round::respond),
        ms(&|round| round.prepare),
        ms(&|round| round.unwrap),
        ms(&|round| round.finish)
    );
    let ratio = middle(&|round| slots / seconds(round.respond()) / round.raw);
    println!(
        "{:.0} slots per second, raw operations on all cores {:.0} per second: ratio {ratio:.3}{}; \
         unwrapping alone {:.3}",
        middle(&|round| slots / seconds(round.respond())),
        middle(&|round| round.raw),
        if ratio < AIM { " TOO SLOW" } else { "" },
        middle(&|round| (slots - 1.0) / seconds(round.unwrap) / round.raw)
    );
    println!(
        "processor time for each slot {:.0} µs, raw {:.0} µs: ratio {:.3}",
        1e6 * middle(&|round| seconds(round.cpu) / slots),
        1e6 * middle(&|round| round.raw_cpu),
        middle(&|round| round.raw_cpu * slots / seconds(round.cpu))
    );
}
