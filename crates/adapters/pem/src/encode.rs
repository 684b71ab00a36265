use keystead_application::ports::{EncodePlan, ExportCodecError, Protect};
use keystead_domain::SecretBytes;
use pem::{EncodeConfig, LineEnding, Pem};
use zeroize::Zeroizing;

use crate::label::{ENCRYPTED_PRIVATE_KEY, KEYSET, PRIVATE_KEY, PUBLIC_KEY};
use crate::{clear, encryption, metadata};

pub(crate) fn encode(plan: EncodePlan<'_>, iterations: u32) -> Result<SecretBytes, ExportCodecError> {
    let EncodePlan {
        private,
        public,
        metadata: signed,
        protect,
    } = plan;
    let rest = [
        block(PUBLIC_KEY, public.spki_der().to_vec()),
        block(KEYSET, metadata::to_body(&signed)),
    ]
    .concat();
    let file = match protect {
        Protect::Unprotected => {
            let key = private.expose();
            // All the room at once: a buffer that grows leaves copies behind.
            let room = clear::written_len(PRIVATE_KEY, key.len()) + rest.len();
            let mut file = Zeroizing::new(Vec::with_capacity(room));
            clear::write(&mut file, PRIVATE_KEY, key)?;
            file.extend_from_slice(rest.as_bytes());
            file
        }
        Protect::Passphrase { passphrase, salt, iv } => {
            let encrypted = encryption::protect(private, passphrase, iterations, &salt, iv)?;
            Zeroizing::new(
                [block(ENCRYPTED_PRIVATE_KEY, encrypted), rest]
                    .concat()
                    .into_bytes(),
            )
        }
    };
    Ok(SecretBytes::from_zeroizing(file))
}

fn block(label: &str, contents: Vec<u8>) -> String {
    let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
    pem::encode_config(&Pem::new(label, contents), config)
}
