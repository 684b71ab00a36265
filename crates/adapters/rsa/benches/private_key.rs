//! What RSA costs: key generation, and private-key decryption through the port against the same work without it.
//!
//! `cargo bench -p keystead-rsa --bench private_key`; with `KEYSTEAD_BENCH_SHORT=1` it only shows that everything runs.
//!
//! The runtime has one thread for blocking work, so that figures are per core: once with several decryptions waiting, as
//! in a busy server (throughput), and once one after the other, where each also pays for changing threads (latency).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, prints, and may stop at the first failure"
)]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use keystead_application::ports::{LoadedKey, Randomness, RandomnessError, RsaEngine};
use keystead_domain::{GenerateBits, SecretBytes};
use keystead_rsa::{AwsLcRsaEngine, PureRsaEngine};
use rand_core::TryRng;

const LABEL: &[u8] = b"age-encryption.org/v1/ssh-rsa";

struct OsRandomness;

impl Randomness for OsRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        getrandom::SysRng
            .try_fill_bytes(buffer)
            .map_err(|e| RandomnessError(e.to_string()))
    }
}

fn main() {
    let short = std::env::var_os("KEYSTEAD_BENCH_SHORT").is_some();
    let (generations, rounds, operations) = if short { (2, 2, 20) } else { (41, 40, 50) };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        generation(generations).await;
        for bits in [GenerateBits::B2048, GenerateBits::B4096] {
            decryption(bits, rounds, operations).await;
        }
    });
}

/// Ours and OpenSSL's turn and turn about.
async fn generation(runs: usize) {
    let engine = AwsLcRsaEngine::new(Arc::new(OsRandomness));
    let (mut ours, mut openssl) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let start = Instant::now();
        engine.generate(GenerateBits::B4096).await.unwrap();
        ours.push(start.elapsed());
        openssl.extend(time_openssl_genpkey());
    }
    let ours = median(ours).as_secs_f64();
    print!("generate 4096: median {:.0} ms over {runs} runs", ours * 1e3);
    if openssl.is_empty() {
        println!("; openssl is missing");
    } else {
        let openssl = median(openssl).as_secs_f64();
        println!(
            "; openssl genpkey {:.0} ms (ratio {:.2})",
            openssl * 1e3,
            ours / openssl
        );
    }
}

fn time_openssl_genpkey() -> Option<Duration> {
    let args = [
        "genpkey",
        "-quiet",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:4096",
        "-out",
        "/dev/null",
    ];
    // Older releases have no -quiet, and print dots instead.
    [&args[..], &[&args[..1], &args[2..]].concat()]
        .into_iter()
        .find_map(|args| {
            let start = Instant::now();
            let status = Command::new("openssl")
                .args(args)
                .stderr(Stdio::null())
                .status()
                .ok()?;
            status.success().then(|| start.elapsed())
        })
}

/// Private-key operations per second on one core, as `openssl speed` counts them.
fn openssl_speed(bits: u16, seconds: &str) -> Option<f64> {
    let args = ["speed", "-seconds", seconds, &format!("rsa{bits}")];
    let output = Command::new("openssl")
        .args(args)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // "rsa 4096 bits 0.004463s 0.000071s    224.0  14178.2": the figure before the last one.
    let line = text.lines().find(|line| line.starts_with("rsa "))?;
    line.split_whitespace().rev().nth(1)?.parse().ok()
}

async fn decryption(bits: GenerateBits, rounds: usize, operations: usize) {
    let engine = AwsLcRsaEngine::new(Arc::new(OsRandomness));
    let pure = PureRsaEngine::new(Arc::new(OsRandomness));
    let pair = engine.generate(bits).await.unwrap();
    let plaintext = SecretBytes::new(vec![7; 16]);
    let ciphertext = engine.encrypt(&pair.public, LABEL, &plaintext).unwrap();

    let start = Instant::now();
    let loaded: Arc<dyn LoadedKey> = engine.load(&pair.private).await.unwrap().into();
    let load = start.elapsed();
    let raw = PrivateDecryptingKey::from_pkcs8(pair.private.expose()).unwrap();
    let raw = OaepPrivateDecryptingKey::new(raw).unwrap();
    let slow: Arc<dyn LoadedKey> = pure.load(&pair.private).await.unwrap().into();

    // Turn and turn about, so that a busy machine is busy for both.
    let (mut direct, mut busy, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        direct.push(time_raw(&raw, &ciphertext, operations));
        busy.push(time_port(&loaded, &ciphertext, operations / 8, 8).await);
        single.push(time_port(&loaded, &ciphertext, operations, 1).await);
    }
    let slow = time_port(&slow, &ciphertext, operations.div_ceil(4), 1).await;
    let openssl = openssl_speed(bits.get(), if rounds > 2 { "5" } else { "1" });
    // Ratios within a round: what disturbs the machine for longer than a round disturbs both.
    let ratio = |port: &[Duration]| {
        let rounds = direct.iter().zip(port);
        let mut ratios: Vec<f64> = rounds
            .map(|(raw, port)| raw.as_secs_f64() / port.as_secs_f64())
            .collect();
        ratios.sort_unstable_by(f64::total_cmp);
        ratios[ratios.len() / 2]
    };
    let (busy_ratio, single_ratio) = (ratio(&busy), ratio(&single));
    let rate = |each: Duration| 1.0 / each.as_secs_f64();
    println!(
        "decrypt {}: raw aws-lc-rs {:.0}/s; through the port {:.0}/s with 8 waiting (ratio {:.3}), {:.0}/s one by one \
         (ratio {:.3}); pure {:.0}/s; load {:.2} ms",
        bits.get(),
        rate(median(direct)),
        rate(median(busy.clone())),
        busy_ratio,
        rate(median(single)),
        single_ratio,
        rate(slow),
        load.as_secs_f64() * 1e3,
    );
    match openssl {
        Some(openssl) => println!(
            "decrypt {}: openssl speed {openssl:.0}/s; ours is {:.2} times that",
            bits.get(),
            rate(median(busy)) / openssl
        ),
        None => println!("decrypt {}: openssl is missing", bits.get()),
    }
}

fn time_raw(key: &OaepPrivateDecryptingKey, ciphertext: &[u8], operations: usize) -> Duration {
    let start = Instant::now();
    for _ in 0..operations {
        let mut out = vec![0; key.min_output_size()];
        let plaintext = key
            .decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut out, Some(LABEL))
            .unwrap();
        assert_eq!(plaintext.len(), 16);
    }
    start.elapsed() / u32::try_from(operations).unwrap()
}

async fn time_port(
    key: &Arc<dyn LoadedKey>,
    ciphertext: &[u8],
    operations: usize,
    waiting: usize,
) -> Duration {
    let start = Instant::now();
    let tasks: Vec<_> = (0..waiting)
        .map(|_| {
            let (key, ciphertext) = (Arc::clone(key), ciphertext.to_vec());
            tokio::spawn(async move {
                for _ in 0..operations {
                    let plaintext = key.decrypt(LABEL, &ciphertext).await.unwrap();
                    assert_eq!(plaintext.expose().len(), 16);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    start.elapsed() / u32::try_from(operations * waiting).unwrap()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
