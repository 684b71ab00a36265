use argon2::password_hash::phc::{Output, PasswordHash as Phc, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use keystead_application::ports::PasswordHasherError;
use keystead_domain::PasswordHash;
use zeroize::Zeroizing;

const OUTPUT_LEN: usize = 32;

/// The most that a stored hash may ask for.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 4;

/// A hash that has been read, and whose work is bounded.
pub(crate) struct Stored {
    params: Params,
    salt: Salt,
    output: Output,
}

impl Stored {
    /// Reads a PHC string.
    pub(crate) fn read(hash: &PasswordHash) -> Result<Self, PasswordHasherError> {
        let phc = Phc::new(hash.as_str()).map_err(malformed)?;
        if phc.algorithm != ARGON2ID_IDENT {
            return Err(malformed("it is not made with Argon2id"));
        }
        if phc.version != Some(Version::V0x13.into()) {
            return Err(malformed("it is not of version 19 of Argon2"));
        }
        let params = Params::try_from(&phc).map_err(malformed)?;
        check_work(&params)?;
        match (phc.salt, phc.hash) {
            (Some(salt), Some(output)) => Ok(Self { params, salt, output }),
            _ => Err(malformed("a part of it is missing")),
        }
    }

    /// Whether this is the password. It takes as long for a wrong one.
    pub(crate) fn is_of(&self, password: &[u8]) -> Result<bool, PasswordHasherError> {
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        derive(&self.params, password, &self.salt, &mut output)?;
        // Outputs are compared in constant time.
        Output::new(&output)
            .map(|output| output == self.output)
            .map_err(failed)
    }
}

/// Hashes a password as all new ones are hashed.
pub(crate) fn hash_new(password: &[u8], salt: &[u8]) -> Result<PasswordHash, PasswordHasherError> {
    let params = params_of_new().map_err(failed)?;
    let mut output = Zeroizing::new([0; OUTPUT_LEN]);
    derive(&params, password, salt, output.as_mut_slice())?;
    let phc = Phc {
        algorithm: ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: (&params).try_into().map_err(failed)?,
        salt: Some(Salt::new(salt).map_err(failed)?),
        hash: Some(Output::new(output.as_slice()).map_err(failed)?),
    };
    Ok(PasswordHash::new(phc.to_string()))
}

fn params_of_new() -> argon2::Result<Params> {
    Params::new(19 * 1024, 2, 1, Some(OUTPUT_LEN))
}

fn derive(
    params: &Params,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
) -> Result<(), PasswordHasherError> {
    // The memory is our own, so that it is overwritten: anybody who reads the first blocks of it needs no second pass.
    let mut memory = Zeroizing::new(Vec::new());
    let blocks = params.block_count();
    memory
        .try_reserve_exact(blocks)
        .map_err(|_| failed(argon2::Error::OutOfMemory))?;
    memory.resize(blocks, Block::default());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password, salt, output, memory.as_mut_slice())
        .map_err(failed)
}

fn check_work(params: &Params) -> Result<(), PasswordHasherError> {
    let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    match memory <= MAX_MEMORY_KIB && passes <= MAX_PASSES && lanes <= MAX_LANES {
        true => Ok(()),
        false => Err(malformed(format!(
            "it asks for {memory} KiB, {passes} passes and {lanes} lanes; at most {MAX_MEMORY_KIB} KiB, {MAX_PASSES} \
             passes and {MAX_LANES} lanes are done"
        ))),
    }
}

fn malformed(why: impl ToString) -> PasswordHasherError {
    PasswordHasherError::Malformed(why.to_string())
}

fn failed(why: impl ToString) -> PasswordHasherError {
    PasswordHasherError::Failed(why.to_string())
}
