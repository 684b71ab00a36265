use keystead_domain::{FileKey, KeysetSlot, Passphrase, PasswordSlot, SealInfo};

/// The format of sealed files. It does no input or output of its own: callers feed it bytes and write what comes out.
///
/// [`SealedFormat::wrap_with_password`] and [`SealedFormat::unwrap_with_password`] take long on purpose; callers run
/// them off the runtime's threads.
pub trait SealedFormat: Send + Sync {
    /// The label under which a file key is encrypted to a keyset (RSA-OAEP).
    fn keyset_label(&self) -> &'static [u8];

    /// The header of a new file, authenticated with the file key.
    ///
    /// # Errors
    /// When a slot cannot be written, such as a hint that does not fit.
    fn write_header(&self, plan: &HeaderPlan, file_key: &FileKey) -> Result<Vec<u8>, SealedFormatError>;

    /// Whether a file that begins so is wrapped in text armor; `None` when these bytes are too few to tell.
    fn is_armored(&self, beginning: &[u8]) -> Option<bool>;

    /// Takes the armor off a file, whose bytes then are as if it had never been on.
    ///
    /// # Errors
    /// When this format knows no armor.
    fn dearmor(&self) -> Result<Box<dyn PayloadStream>, SealedFormatError>;

    /// Reads a header from the beginning of a file. The bytes of a header are UTF-8 text.
    ///
    /// # Errors
    /// When this is no sealed file, or the header is damaged or too long.
    fn parse_header(&self, bytes: &[u8]) -> Result<ParsedHeader, SealedFormatError>;

    /// Checks the header's message authentication code, in constant time.
    ///
    /// # Errors
    /// [`SealedFormatError::HeaderChanged`].
    fn verify_header(&self, header: &SealedHeader, file_key: &FileKey) -> Result<(), SealedFormatError>;

    /// Fills in the wrapped file key of a password slot.
    ///
    /// # Errors
    /// When the cost is out of bounds.
    fn wrap_with_password(
        &self,
        slot: PasswordSlot,
        password: &Passphrase,
        file_key: &FileKey,
    ) -> Result<PasswordSlot, SealedFormatError>;

    /// The file key of a password slot.
    ///
    /// # Errors
    /// [`SealedFormatError::NotUnlocked`] when the password is another one.
    fn unwrap_with_password(
        &self,
        slot: &PasswordSlot,
        password: &Passphrase,
    ) -> Result<FileKey, SealedFormatError>;

    /// Encrypts a payload. `nonce` are 16 fresh random bytes; they are the first bytes that come out.
    ///
    /// # Errors
    /// When the cipher cannot be set up.
    fn seal_payload(
        &self,
        file_key: &FileKey,
        nonce: [u8; 16],
    ) -> Result<Box<dyn PayloadStream>, SealedFormatError>;

    /// Decrypts a payload: all that follows the header. A last record padded with zero bytes is understood.
    ///
    /// # Errors
    /// When the cipher cannot be set up.
    fn open_payload(&self, file_key: &FileKey) -> Result<Box<dyn PayloadStream>, SealedFormatError>;
}

/// Bytes on their way through a cipher or out of armor, in constant memory.
pub trait PayloadStream: Send {
    /// Takes some more input and appends what is ready to `out`. When opening, nothing is appended that was not
    /// authenticated.
    ///
    /// # Errors
    /// [`SealedFormatError::PayloadDamaged`].
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), SealedFormatError>;

    /// Takes note of the end of the input and appends the rest.
    ///
    /// # Errors
    /// [`SealedFormatError::PayloadCut`] or [`SealedFormatError::PayloadDamaged`] when opening.
    fn finish(self: Box<Self>, out: &mut Vec<u8>) -> Result<(), SealedFormatError>;
}

/// What goes into a header.
#[derive(Debug, Clone)]
pub struct HeaderPlan {
    /// The slots for keysets.
    pub keysets: Vec<KeysetSlot>,
    /// The slot for the password.
    pub password: Option<PasswordSlot>,
    /// What the file says about itself.
    pub info: SealInfo,
}

/// The outcome of reading a header.
#[derive(Debug)]
pub enum ParsedHeader {
    /// The header does not end within these bytes.
    NeedsMore,
    /// The whole header.
    Complete {
        /// The header.
        header: Box<SealedHeader>,
        /// How many bytes it takes; the payload follows.
        len: usize,
    },
}

/// A header as it was read. Nothing in it is verified until [`SealedFormat::verify_header`] said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedHeader {
    /// The bytes that the message authentication code covers.
    pub authenticated: Vec<u8>,
    /// The message authentication code.
    pub mac: [u8; 32],
    /// The slots for keysets.
    pub keysets: Vec<KeysetSlot>,
    /// The slots for passwords.
    pub passwords: Vec<PasswordSlot>,
    /// What the file says about itself; `None` when another program sealed it.
    pub info: Option<SealInfo>,
    /// The kinds of slots that this program does not know, such as `X25519`.
    pub others: Vec<String>,
}

/// Why a sealed file cannot be written or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealedFormatError {
    /// Not a sealed file at all.
    #[error("this is not a sealed file: {0}")]
    NotSealed(String),
    /// The header is malformed.
    #[error("the header of the sealed file is damaged: {0}")]
    HeaderDamaged(String),
    /// The header is longer than any that is read.
    #[error("the header of the sealed file is longer than {0} bytes")]
    HeaderTooLong(usize),
    /// The header was changed after sealing.
    #[error("the header of the sealed file was changed after it was sealed")]
    HeaderChanged,
    /// The password opens no slot.
    #[error("the password is wrong")]
    NotUnlocked,
    /// The payload was changed or damaged.
    #[error("the sealed file is damaged at about byte {0} of its content")]
    PayloadDamaged(u64),
    /// The payload ends too early, or its last part is damaged: the end of a file cannot be told from a cut.
    #[error("the sealed file is cut off or damaged after about {0} bytes of its content")]
    PayloadCut(u64),
    /// A password slot asks for more work than is done.
    #[error(transparent)]
    Cost(#[from] keystead_domain::CostRefused),
    /// The cipher cannot be used.
    #[error("the cipher failed: {0}")]
    Cipher(String),
}
