//! The reference keeps every promise.

use crate::fixtures::Memory;

keystead_contract::store_contract!(async { Memory::new() });
keystead_contract::file_share_contract!(async { Memory::new() });
keystead_contract::rsa_engine_contract!(async { Memory::new() });
keystead_contract::export_codec_contract!(async { Memory::new() });
keystead_contract::master_key_contract!(async { Memory::new() });
keystead_contract::clock_contract!(async { Memory::new() });
keystead_contract::randomness_contract!(async { Memory::new() });
keystead_contract::sealed_format_contract!(async { Memory::new() });
keystead_contract::signing_contract!(async { Memory::new() });
keystead_contract::ssh_signatures_contract!(async { Memory::new() });
keystead_contract::message_cipher_contract!(async { Memory::new() });
keystead_contract::server_folder_contract!(async { Memory::new() });
