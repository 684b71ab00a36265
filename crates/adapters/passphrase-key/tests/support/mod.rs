#![allow(dead_code, unreachable_pub)] // Each test file uses a part of this.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use keystead_application::ports::{Randomness, RandomnessError};
use keystead_domain::Passphrase;
use keystead_passphrase_key::{Ask, PassphraseMasterKeyProvider, PassphraseSource};
use zeroize::Zeroizing;

/// Never twice the same.
pub struct Counting(pub AtomicU64);

impl Randomness for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer
            .iter_mut()
            .zip(number.iter().cycle())
            .for_each(|(b, n)| *b = *n);
        Ok(())
    }
}

/// A person who answers in this order, and the last answer from then on.
pub struct Person {
    answers: Mutex<VecDeque<&'static str>>,
    asked: Mutex<Vec<Ask>>,
}

impl Person {
    pub fn who_says(answers: &[&'static str]) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.iter().copied().collect()),
            asked: Mutex::default(),
        })
    }

    pub fn asked(&self) -> Vec<Ask> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl PassphraseSource for Person {
    async fn passphrase(&self, ask: Ask) -> Result<Passphrase, String> {
        self.asked.lock().unwrap().push(ask);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().copied()
        };
        let answer = answer.ok_or("nobody is there to ask")?;
        Ok(Passphrase::new(Zeroizing::new(answer.as_bytes().to_vec())))
    }
}

pub fn provider(path: &Path, person: &Arc<Person>) -> PassphraseMasterKeyProvider {
    static RANDOMNESS: AtomicU64 = AtomicU64::new(1);
    let start = RANDOMNESS.fetch_add(1 << 20, Ordering::Relaxed);
    PassphraseMasterKeyProvider::new(path, Arc::clone(person) as _, Arc::new(Counting(start.into())))
}
