#![allow(dead_code, unreachable_pub)] // Each test file uses a part of this.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use keystead_application::ports::{Randomness, RandomnessError};
use keystead_domain::Passphrase;
use keystead_key_file::{Ask, PassphraseMasterKeyProvider, PassphraseSource};
use zeroize::Zeroizing;

/// Never twice the same, also not from two of them.
pub struct Counting(AtomicU64);

impl Counting {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1 << 20, Ordering::Relaxed).into())
    }
}

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

/// A person who gives these answers in turn, and the last answer from then on. An answer may be several passphrases.
pub struct Person {
    answers: Mutex<VecDeque<&'static [&'static str]>>,
    asked: Mutex<Vec<Ask>>,
}

impl Person {
    /// One passphrase in each answer.
    pub fn who_says(answers: &'static [&'static str]) -> Arc<Self> {
        Self::who_offers(answers.chunks(1))
    }

    pub fn who_offers(answers: impl IntoIterator<Item = &'static [&'static str]>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
        })
    }

    pub fn asked(&self) -> Vec<Ask> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl PassphraseSource for Person {
    async fn passphrases(&self, ask: Ask) -> Result<Vec<Passphrase>, String> {
        self.asked.lock().unwrap().push(ask);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().copied()
        };
        let answer = answer.ok_or("nobody is there to ask")?;
        let passphrase = |text: &&str| Passphrase::new(Zeroizing::new(text.as_bytes().to_vec()));
        Ok(answer.iter().map(passphrase).collect())
    }
}

pub fn provider(path: &Path, person: &Arc<Person>) -> PassphraseMasterKeyProvider {
    PassphraseMasterKeyProvider::new(path, Arc::clone(person) as _, Arc::new(Counting::new()))
}
