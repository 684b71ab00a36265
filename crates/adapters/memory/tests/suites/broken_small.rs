//! Clocks, sources of randomness and signing engines that break a promise each.

mod clock {
    use std::sync::Arc;

    use keystead_application::ports::Clock;
    use keystead_contract::clock::ClockFixture;
    use keystead_domain::Timestamp;

    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    enum Fault {
        CountsMilliseconds,
        StandsStill,
        IsAnHourOff,
        Panics,
    }

    #[derive(Clone)]
    struct BrokenFixture(Fault);

    impl BrokenFixture {
        fn with(fault: Fault) -> Self {
            Self(fault)
        }
    }

    impl ClockFixture for BrokenFixture {
        fn clock(&self) -> Arc<dyn Clock> {
            Arc::new(self.clone())
        }

        fn goes_by_itself(&self) -> bool {
            true
        }
    }

    caught! { clock, BrokenFixture;
        a_clock_of_milliseconds: CountsMilliseconds => "it_tells_a_time_of_this_age";
        a_clock_that_stands_still: StandsStill => "it_goes_on";
        a_clock_in_another_zone: IsAnHourOff => "it_agrees_with_the_operating_system";
        a_clock_that_panics: Panics => "it_can_be_asked_from_everywhere";
    }

    impl Clock for BrokenFixture {
        fn now(&self) -> Timestamp {
            let micros = match self.0 {
                Fault::CountsMilliseconds => system_micros() / 1_000,
                Fault::StandsStill => 1_764_000_000_000_000,
                Fault::IsAnHourOff => system_micros() + 3_600_000_000,
                Fault::Panics => panic!("the clock fell down"),
            };
            Timestamp::from_micros(micros).unwrap()
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this plays a clock of the operating system"
    )]
    fn system_micros() -> i64 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().as_micros().try_into().unwrap()
    }
}

mod randomness {
    use std::sync::Arc;

    use keystead_application::ports::{Randomness, RandomnessError};
    use keystead_contract::randomness::RandomnessFixture;
    use keystead_memory::MemoryRandomness;

    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    enum Fault {
        GivesZeros,
        LeavesTheEnd,
        StartsAnew,
        GivesAscii,
        RepeatsBlocks,
        GivesUp,
    }

    #[derive(Clone)]
    struct BrokenFixture {
        inner: MemoryRandomness,
        fault: Fault,
    }

    impl BrokenFixture {
        fn with(fault: Fault) -> Self {
            Self {
                inner: MemoryRandomness::default(),
                fault,
            }
        }
    }

    impl RandomnessFixture for BrokenFixture {
        fn randomness(&self) -> Arc<dyn Randomness> {
            Arc::new(self.clone())
        }
    }

    caught! { randomness, BrokenFixture;
        zeros: GivesZeros => "no_value_comes_twice";
        zeros_only: GivesZeros => "byte_values_are_spread_evenly";
        an_end_that_is_not_filled: LeavesTheEnd => "a_buffer_is_filled_to_its_ends";
        a_generator_that_starts_anew: StartsAnew => "no_value_comes_twice_from_different_tasks";
        values_with_a_pattern: GivesAscii => "byte_values_are_spread_evenly";
        blocks_that_repeat: RepeatsBlocks => "neighbours_are_unrelated";
        no_randomness: GivesUp => "no_value_comes_twice";
    }

    impl Randomness for BrokenFixture {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomnessError> {
            match self.fault {
                Fault::GivesZeros => buffer.fill(0),
                Fault::LeavesTheEnd => {
                    let end = buffer.len() / 16 * 16;
                    self.inner.fill(&mut buffer[..end])?;
                }
                Fault::StartsAnew => MemoryRandomness::default().fill(buffer)?,
                Fault::GivesAscii => {
                    self.inner.fill(buffer)?;
                    buffer.iter_mut().for_each(|byte| *byte &= 0x7f);
                }
                Fault::RepeatsBlocks => {
                    for block in buffer.chunks_mut(32) {
                        let half = block.len().div_ceil(2);
                        self.inner.fill(&mut block[..half])?;
                        block.copy_within(..block.len() - half, half);
                    }
                }
                Fault::GivesUp => return Err(RandomnessError("it is empty".to_owned())),
            }
            Ok(())
        }
    }
}

mod signing {
    use std::collections::HashMap;
    use std::sync::{Arc, Mutex};

    use keystead_application::ports::{SigningEngine, SigningError, SigningKeyPair};
    use keystead_contract::signing::SigningFixture;
    use keystead_domain::SecretBytes;
    use keystead_memory::MemorySigningEngine;

    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    enum Fault {
        IgnoresTheMessage,
        VerifiesAnything,
        LooksAtHalfTheSignature,
        MakesLongKeys,
        MakesOneKey,
        TakesAnyPrivateKey,
        IsNotEd25519,
    }

    #[derive(Clone)]
    struct BrokenFixture {
        inner: MemorySigningEngine,
        fault: Fault,
        made: Arc<Mutex<HashMap<Vec<u8>, [u8; 64]>>>,
    }

    impl BrokenFixture {
        fn with(fault: Fault) -> Self {
            Self {
                inner: MemorySigningEngine::new(),
                fault,
                made: Arc::default(),
            }
        }
    }

    impl SigningFixture for BrokenFixture {
        fn engine(&self) -> Arc<dyn SigningEngine> {
            Arc::new(self.clone())
        }

        fn is_ed25519(&self) -> bool {
            self.fault == Fault::IsNotEd25519
        }
    }

    caught! { signing, BrokenFixture;
        an_ignored_message: IgnoresTheMessage => "another_message_is_not_verified";
        a_signature_that_is_always_right: VerifiesAnything => "a_changed_signature_is_not_verified";
        a_key_that_does_not_matter: VerifiesAnything => "another_key_does_not_verify";
        a_weak_key: VerifiesAnything => "weak_keys_verify_nothing";
        half_a_signature: LooksAtHalfTheSignature => "a_changed_signature_is_not_verified";
        a_long_key: MakesLongKeys => "what_was_signed_is_verified";
        one_key: MakesOneKey => "no_key_is_made_twice";
        any_private_key: TakesAnyPrivateKey => "a_malformed_private_key_does_not_sign";
        another_algorithm: IsNotEd25519 => "the_published_vectors_hold";
    }

    impl SigningEngine for BrokenFixture {
        fn generate(&self) -> Result<SigningKeyPair, SigningError> {
            let mut pair = self.inner.generate()?;
            match self.fault {
                Fault::MakesLongKeys => pair.private_key = SecretBytes::new(vec![1; 64]),
                Fault::MakesOneKey => pair.public_key = [1; 32],
                _ => {}
            }
            Ok(pair)
        }

        fn sign(&self, private_key: &SecretBytes, message: &[u8]) -> Result<[u8; 64], SigningError> {
            match self.fault {
                Fault::TakesAnyPrivateKey => self.inner.sign(private_key, message).or(Ok([0; 64])),
                Fault::IgnoresTheMessage => self.inner.sign(private_key, b""),
                Fault::LooksAtHalfTheSignature => {
                    let signature = self.inner.sign(private_key, message)?;
                    self.made
                        .lock()
                        .unwrap()
                        .insert(signature[..32].to_vec(), signature);
                    Ok(signature)
                }
                _ => self.inner.sign(private_key, message),
            }
        }

        fn verify(
            &self,
            public_key: &[u8; 32],
            message: &[u8],
            signature: &[u8; 64],
        ) -> Result<(), SigningError> {
            match self.fault {
                Fault::VerifiesAnything => Ok(()),
                Fault::IgnoresTheMessage => self.inner.verify(public_key, b"", signature),
                Fault::LooksAtHalfTheSignature => {
                    let whole = self.made.lock().unwrap().get(&signature[..32]).copied();
                    self.inner
                        .verify(public_key, message, &whole.unwrap_or(*signature))
                }
                _ => self.inner.verify(public_key, message, signature),
            }
        }
    }
}
