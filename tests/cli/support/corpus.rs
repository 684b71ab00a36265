//! Key files of every kind that OpenSSL makes, with the verdict on each.

use std::fs;
use std::path::PathBuf;

use super::tools::{openssl_fingerprint, run};

/// A file, and what is to come of it.
pub struct Case {
    pub name: &'static str,
    pub verdict: Verdict,
    pub passphrase: Option<&'static str>,
}

pub enum Verdict {
    /// Imported, under the fingerprint that OpenSSL computes.
    Accept { fingerprint: String },
    /// Refused with this exit status, and with these words in the reason.
    Refuse { status: i32, naming: &'static str },
}

/// Makes the files in a folder.
pub struct Corpus {
    pub folder: PathBuf,
    pub cases: Vec<Case>,
}

impl Corpus {
    pub fn make(mut self) -> Vec<Case> {
        self.plain();
        self.protected();
        self.wrong_kinds();
        self.damaged();
        self.numbers_that_do_not_belong_together();
        self.bombs();
        self.cases
    }

    fn plain(&mut self) {
        for (name, bits) in [
            ("p8-2048.pem", 2048),
            ("p8-2056.pem", 2056),
            ("p8-3072.pem", 3072),
        ] {
            self.key(name, bits);
            self.accept(name, name, None);
        }
        self.key("t.pem", 2048);
        let key = self.read("t.pem");
        let public = self.openssl(&["pkey", "-in", &self.at("t.pem"), "-pubout"]);
        let p1 = self.openssl(&["rsa", "-in", &self.at("t.pem"), "-traditional"]);
        let p1_public = self.openssl(&["rsa", "-in", &self.at("t.pem"), "-RSAPublicKey_out"]);
        let certificate = self.openssl(&[
            "req",
            "-x509",
            "-key",
            &self.at("t.pem"),
            "-subj",
            "/CN=x",
            "-days",
            "1",
        ]);
        let bag = "Bag Attributes\n    friendlyName: old escrow\nKey Attributes: <No Attributes>\n";
        let texts: [(&'static str, String); 10] = [
            ("p1-2048.pem", p1.clone()),
            ("both.pem", format!("{key}{public}")),
            ("both-reversed.pem", format!("{public}{key}")),
            ("p1-both.pem", format!("{p1_public}{p1}")),
            ("crlf.pem", key.replace('\n', "\r\n")),
            ("text-around.pem", format!("{bag}{key}\ntrailing words\n")),
            ("byte-order-mark.pem", format!("\u{feff}{key}")),
            ("trailing-blanks.pem", key.replace('\n', "  \n")),
            ("with-certificate.pem", format!("{certificate}{key}{certificate}")),
            ("no-last-newline.pem", key.trim_end().to_owned()),
        ];
        for (name, content) in texts {
            self.write(name, content);
            self.accept(name, "t.pem", None);
        }
    }

    fn protected(&mut self) {
        self.key("t.pem", 2048);
        let v2 = |cipher: &'static str, prf: &'static str| vec!["-v2", cipher, "-v2prf", prf];
        let schemes: [(&'static str, Vec<&str>, &'static str); 9] = [
            (
                "pbkdf2-600000.pem",
                [v2("aes-256-cbc", "hmacWithSHA256"), vec!["-iter", "600000"]].concat(),
                "pass-1",
            ),
            ("openssl-default.pem", vec!["-v2", "aes-128-cbc"], "pass-2"),
            ("scrypt.pem", vec!["-scrypt"], "pass-3"),
            ("utf8.pem", vec!["-v2", "aes-256-cbc"], "pässwörd ✓"),
            ("sha1.pem", v2("aes-192-cbc", "hmacWithSHA1"), "pass-5"),
            ("sha384.pem", v2("aes-256-cbc", "hmacWithSHA384"), "pass-6"),
            ("sha512.pem", v2("aes-256-cbc", "hmacWithSHA512"), "pass-7"),
            ("3des.pem", vec!["-v2", "des3"], "pass-8"),
            (
                "blanks-in-passphrase.pem",
                vec!["-v2", "aes-256-cbc"],
                " two  blanks ",
            ),
        ];
        for (name, scheme, passphrase) in schemes {
            let pass = format!("pass:{passphrase}");
            let (key, out) = (self.at("t.pem"), self.at(name));
            let args = [
                &["pkcs8", "-topk8", "-in", &key, "-passout", &pass, "-out", &out][..],
                &scheme,
            ]
            .concat();
            run("openssl", &args);
            self.accept(name, "t.pem", Some(passphrase));
        }
        fs::copy(
            self.folder.join("openssl-default.pem"),
            self.folder.join("wrong-passphrase.pem"),
        )
        .unwrap();
        self.refuse(
            "wrong-passphrase.pem",
            4,
            "passphrase is wrong, or the file is damaged",
            Some("wrong"),
        );
        let traditional = self.openssl(&[
            "rsa",
            "-in",
            &self.at("t.pem"),
            "-traditional",
            "-aes128",
            "-passout",
            "pass:x",
        ]);
        self.write("traditional-encryption.pem", traditional);
        self.refuse("traditional-encryption.pem", 1, "DEK-Info", Some("x"));
    }

    fn wrong_kinds(&mut self) {
        let rsa = |option: &'static str| {
            vec![
                "-algorithm",
                "RSA",
                "-pkeyopt",
                "rsa_keygen_bits:2048",
                "-pkeyopt",
                option,
            ]
        };
        let kinds: [(&'static str, Vec<&str>, &'static str); 7] = [
            (
                "weak-1024.pem",
                vec!["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
                "1024 bits",
            ),
            ("exponent-3.pem", rsa("rsa_keygen_pubexp:3"), "exponent 3"),
            ("three-primes.pem", rsa("rsa_keygen_primes:3"), "prime"),
            (
                "rsa-pss.pem",
                vec!["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
                "RSA-PSS",
            ),
            (
                "ec.pem",
                vec!["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                "EC",
            ),
            ("ed25519.pem", vec!["-algorithm", "ED25519"], "Ed25519"),
            ("x25519.pem", vec!["-algorithm", "X25519"], "X25519"),
        ];
        for (name, options, naming) in kinds {
            let out = self.at(name);
            run("openssl", &[&["genpkey", "-out", &out][..], &options].concat());
            self.refuse(name, 1, naming, None);
        }
        self.key("t.pem", 2048);
        self.key("u.pem", 2048);
        let (key, other) = (self.at("t.pem"), self.at("u.pem"));
        let texts: [(&'static str, String, &'static str); 6] = [
            (
                "public-only.pem",
                self.openssl(&["pkey", "-in", &key, "-pubout"]),
                "public key",
            ),
            (
                "mismatched.pem",
                self.read("t.pem") + &self.openssl(&["pkey", "-in", &other, "-pubout"]),
                "belongs to none of its private keys",
            ),
            (
                "certificate-only.pem",
                self.openssl(&["req", "-x509", "-key", &key, "-subj", "/CN=x", "-days", "1"]),
                "certificate",
            ),
            ("text.pem", "just text\n".into(), "text"),
            ("empty.pem", String::new(), "empty"),
            ("twice.pem", self.read("t.pem") + &self.read("t.pem"), "twice"),
        ];
        for (name, content, naming) in texts {
            self.write(name, content);
            self.refuse(name, 1, naming, None);
        }
    }

    fn damaged(&mut self) {
        self.key("t.pem", 2048);
        let key = self.read("t.pem");
        self.write("cut-off.pem", &key[..900]);
        self.refuse("cut-off.pem", 1, "cut off", None);
        let mut lines: Vec<&str> = key.lines().collect();
        let bad = lines[9].replacen(|_| true, "!", 1);
        lines[9] = &bad;
        self.write("bad-base64.pem", lines.join("\n"));
        self.refuse("bad-base64.pem", 1, "base64", None);
        let out = self.at("der.pem");
        run(
            "openssl",
            &["pkey", "-in", &self.at("t.pem"), "-outform", "DER", "-out", &out],
        );
        self.refuse("der.pem", 1, "DER", None);
        let noise: Vec<u8> = super::content(4096)
            .into_iter()
            .map(|b| if b == 0x30 { 0x31 } else { b })
            .collect();
        fs::write(self.folder.join("noise.pem"), noise).unwrap();
        self.refuse("noise.pem", 1, "no private key", None);
        let utf16: Vec<u8> = std::iter::once(0xfeff)
            .chain(key.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        fs::write(self.folder.join("utf-16.pem"), utf16).unwrap();
        self.refuse("utf-16.pem", 1, "UTF-16", None);
    }

    /// Changes one number of a PKCS#1 key after the other: each is found.
    fn numbers_that_do_not_belong_together(&mut self) {
        self.key("t.pem", 2048);
        let der = {
            let out = self.at("t.der");
            run(
                "openssl",
                &[
                    "rsa",
                    "-in",
                    &self.at("t.pem"),
                    "-traditional",
                    "-outform",
                    "DER",
                    "-out",
                    &out,
                ],
            );
            fs::read(out).unwrap()
        };
        // RSAPrivateKey: sequence, version, n, e, d, p, q, dP, dQ, qInv; the middle of each number is changed.
        let fields = integers(&der);
        let names: [(&'static str, usize); 7] = [
            ("wrong-n.pem", 1),
            ("wrong-d.pem", 3),
            ("wrong-p.pem", 4),
            ("wrong-q.pem", 5),
            ("wrong-dp.pem", 6),
            ("wrong-dq.pem", 7),
            ("wrong-qinv.pem", 8),
        ];
        for (name, field) in names {
            let mut changed = der.clone();
            let (start, len) = fields[field];
            changed[start + len / 2] ^= 0x5a;
            fs::write(self.at("t.der"), changed).unwrap();
            let base64 = String::from_utf8(run("openssl", &["base64", "-in", &self.at("t.der")])).unwrap();
            self.write(
                name,
                format!("-----BEGIN RSA PRIVATE KEY-----\n{base64}-----END RSA PRIVATE KEY-----\n"),
            );
            self.refuse(name, 1, "damaged", None);
        }
    }

    fn bombs(&mut self) {
        let many = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n".repeat(200_000);
        self.write("200000-blocks.pem", many);
        self.refuse("200000-blocks.pem", 1, "blocks", None);
        // Within the limit on blocks, but keys by the hundred and iterations by the billion.
        self.key("t.pem", 2048);
        let (key, out) = (self.at("t.pem"), self.at("t.enc"));
        let scheme = ["-v2", "aes-256-cbc", "-iter", "9000000"];
        run(
            "openssl",
            &[
                &["pkcs8", "-topk8", "-in", &key, "-passout", "pass:x", "-out", &out][..],
                &scheme,
            ]
            .concat(),
        );
        self.write("billions-of-iterations.pem", self.read("t.enc").repeat(200));
        self.refuse("billions-of-iterations.pem", 1, "key derivation", Some("x"));
    }

    fn key(&self, name: &str, bits: u32) {
        let bits = format!("rsa_keygen_bits:{bits}");
        run(
            "openssl",
            &[
                "genpkey",
                "-algorithm",
                "RSA",
                "-pkeyopt",
                &bits,
                "-out",
                &self.at(name),
            ],
        );
    }

    fn openssl(&self, args: &[&str]) -> String {
        String::from_utf8(run("openssl", args)).unwrap()
    }

    fn accept(&mut self, name: &'static str, same_key: &str, passphrase: Option<&'static str>) {
        let fingerprint = openssl_fingerprint(&self.folder.join(same_key), None);
        self.cases.push(Case {
            name,
            verdict: Verdict::Accept { fingerprint },
            passphrase,
        });
    }

    fn refuse(
        &mut self,
        name: &'static str,
        status: i32,
        naming: &'static str,
        passphrase: Option<&'static str>,
    ) {
        self.cases.push(Case {
            name,
            verdict: Verdict::Refuse { status, naming },
            passphrase,
        });
    }

    fn at(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.join(name), content).unwrap();
    }
}

/// The places and lengths of the INTEGERs of a DER sequence.
fn integers(der: &[u8]) -> Vec<(usize, usize)> {
    let (mut at, _) = value(der, 0);
    let mut found = Vec::new();
    while at < der.len() {
        let (start, len) = value(der, at);
        found.push((start, len));
        at = start + len;
    }
    found
}

/// Where the value of the element at `at` begins, and its length.
fn value(der: &[u8], at: usize) -> (usize, usize) {
    match der[at + 1] {
        short @ 0..=0x7f => (at + 2, short.into()),
        long => {
            let digits = usize::from(long & 0x7f);
            let len = der[at + 2..at + 2 + digits]
                .iter()
                .fold(0, |n, b| n << 8 | usize::from(*b));
            (at + 2 + digits, len)
        }
    }
}
