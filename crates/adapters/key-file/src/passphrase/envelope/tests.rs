use super::*;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.as_bytes().to_vec()))
}

fn envelope() -> Envelope {
    let salts = Salts {
        salt: [1; SALT_LEN],
        nonce: [2; NONCE_LEN],
    };
    let secret = Zeroizing::new([7; KEY_LEN]);
    Envelope::wrap(
        &secret,
        "0123456789abcdef".parse().unwrap(),
        &passphrase("open sesame"),
        salts,
    )
    .unwrap()
}

fn text(envelope: &Envelope) -> String {
    String::from_utf8(envelope.render().to_vec()).unwrap()
}

fn why<T>(result: Result<T, String>) -> String {
    result.err().unwrap()
}

#[test]
fn the_passphrase_opens_what_the_file_holds() {
    let parsed = Envelope::parse(&envelope().render()).unwrap();
    assert!(parsed == envelope());
    let opened = parsed.open(&passphrase("open sesame")).unwrap().unwrap();
    assert_eq!(*opened, [7; KEY_LEN]);
    assert!(parsed.open(&passphrase("open Sesame")).unwrap().is_none());
}

/// The wrapped bytes come from the reference implementation of Argon2 and from libsodium:
///
/// ```text
/// key  = argon2.low_level.hash_secret_raw(b"open sesame", b"\x01"*16, 3, 65536, 1, 32, Type.ID)
/// body = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(b"\x07"*32, header, b"\x02"*24, key)
/// ```
#[test]
fn the_format_stays_the_same() {
    let expected = "keystead-passphrase-key-v1\n\
                    id: 0123456789abcdef\n\
                    argon2id: m=65536,t=3,p=1\n\
                    salt: AQEBAQEBAQEBAQEBAQEBAQ==\n\
                    wrapped: AgICAgICAgICAgICAgICAgICAgICAgIC1g1+hX7cdW3WBJhnstm9I0+yYBG3Dul1Lp2cJkaCglLsFT0Ppz2sDUO+mBnfgO79\n";
    assert_eq!(text(&envelope()), expected);
}

#[test]
fn nothing_in_the_file_can_be_changed() {
    let good = text(&envelope());
    let changes = [
        ("0123456789abcdef", "1123456789abcdef"),
        ("t=3", "t=4"),
        ("m=65536", "m=65528"),
        ("p=1", "p=2"),
        ("salt: AQ", "salt: AA"),
        ("wrapped: AgI", "wrapped: AgM"),
    ];
    for (from, to) in changes {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good, "{from}");
        let parsed = Envelope::parse(changed.as_bytes()).unwrap();
        assert!(
            parsed.open(&passphrase("open sesame")).unwrap().is_none(),
            "{from}"
        );
    }
    let wrapped = envelope().wrapped;
    for i in [NONCE_LEN, NONCE_LEN + KEY_LEN, WRAPPED_LEN - 1] {
        let mut changed = envelope();
        changed.wrapped = wrapped;
        changed.wrapped[i] ^= 1;
        assert!(
            changed.open(&passphrase("open sesame")).unwrap().is_none(),
            "byte {i}"
        );
    }
}

#[test]
fn another_line_end_is_the_same_file() {
    let other = text(&envelope()).replace('\n', "\r\n");
    let parsed = Envelope::parse(other.as_bytes()).unwrap();
    assert!(parsed.open(&passphrase("open sesame")).unwrap().is_some());
}

#[test]
fn a_cost_out_of_bounds_is_not_computed() {
    let good = text(&envelope());
    for cost in [
        "m=4294967295,t=3,p=1",
        "m=65536,t=99999,p=1",
        "m=65536,t=3,p=0",
        "m=1048577,t=1,p=1",
    ] {
        let costly = good.replace("m=65536,t=3,p=1", cost);
        let why = why(Envelope::parse(costly.as_bytes()));
        assert!(why.contains("at most 1024 MiB"), "{why}");
    }
}

#[test]
fn what_is_no_such_file_is_refused() {
    let good = text(&envelope());
    let cases = [
        String::new(),
        good.replace("key-v1", "key-v2"),
        good.replace("id: 0123456789abcdef", "id: "),
        good.replace("id: 0123456789abcdef", "id: ä"),
        good.replace("argon2id", "argon2i"),
        good.replace("m=65536", "m=x"),
        good.replace("m=65536", "m=4294967296"),
        good.replace("salt: AQ", "salt: "),
        good.replace("wrapped: ", "wrapped: AAAA"),
        good.replace("wrapped: ", "wrapped: !"),
        good.lines().take(4).collect::<Vec<_>>().join("\n"),
        format!("{good}more: lines\n"),
        "keystead-master-key-v1:00".to_owned(),
    ];
    for case in cases {
        let why = why(Envelope::parse(case.as_bytes()));
        assert!(why.contains("does not hold"), "{case}");
    }
    assert!(Envelope::parse(b"\xff\xfe").is_err());
}
