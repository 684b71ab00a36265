/// Writes one macro for each suite. The first argument is a literal `$`, which a macro cannot write otherwise.
macro_rules! contract_macros {
    ($d:tt $($(#[$doc:meta])* $name:ident => $module:ident :: $fixture:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// Takes a future that makes the fixture, and makes a test of it. A name before it lets one module test
        /// several backends.
        #[macro_export]
        macro_rules! $name {
            ($d make:expr) => {
                $crate::$name!($name, $d make);
            };
            ($d test:ident, $d make:expr) => {
                #[test]
                fn $d test() -> ::std::result::Result<(), $crate::Failed> {
                    $crate::block_on(async {
                        let fixture: $crate::private::Arc<dyn $crate::$module::$fixture> =
                            $crate::private::Arc::new(($d make).await);
                        $crate::$module::suite().run(fixture).await.into_result()
                    })
                }
            };
        }
    )+};
}

contract_macros! { $
    /// Proves a `Store` with its `Snapshot` and `UnitOfWork`.
    store_contract => store::StoreFixture;
    /// Proves a `FileShare` with its `ShareWriter`.
    file_share_contract => file_share::FileShareFixture;
    /// Proves an `RsaEngine` with its `LoadedKey`.
    rsa_engine_contract => rsa_engine::RsaEngineFixture;
    /// Proves an `ExportCodec`.
    export_codec_contract => export_codec::ExportCodecFixture;
    /// Proves a `MasterKeyProvider` and its `MasterKey`.
    master_key_contract => master_key::MasterKeyFixture;
    /// Proves a `Clock`.
    clock_contract => clock::ClockFixture;
    /// Proves a `Randomness`.
    randomness_contract => randomness::RandomnessFixture;
    /// Proves a `SealedFormat` with its `PayloadStream`.
    sealed_format_contract => sealed_format::SealedFormatFixture;
    /// Proves a `SigningEngine`.
    signing_contract => signing::SigningFixture;
    /// Proves an `SshSignatures`.
    ssh_signatures_contract => ssh_signatures::SshSignaturesFixture;
    /// Proves a `MessageCipher`.
    message_cipher_contract => message_cipher::MessageCipherFixture;
    /// Proves a `ServerFolder`.
    server_folder_contract => server_folder::ServerFolderFixture;
}
