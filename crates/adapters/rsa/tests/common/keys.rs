use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Resize};
use crypto_primes::{Flavor, random_prime};
use keystead_application::ports::EncodedPrivateKey;
use keystead_domain::SecretBytes;
use pkcs1::{RsaPrivateKeyRef, UintRef};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Encode;
use pkcs8::der::asn1::OctetStringRef;
use rand_core::UnwrapErr;

/// The numbers of a private key, to be changed one by one and encoded without any check.
#[derive(Clone)]
pub struct Numbers {
    pub n: BoxedUint,
    pub e: BoxedUint,
    pub d: BoxedUint,
    pub p: BoxedUint,
    pub q: BoxedUint,
    pub d_p: BoxedUint,
    pub d_q: BoxedUint,
    pub q_inv: BoxedUint,
}

impl Numbers {
    /// A key of 2048 bits.
    pub fn good() -> Self {
        Self::of_prime_bits(1024, 1024)
    }

    /// A key whose primes have these lengths, and whose modulus has the sum of them.
    pub fn of_prime_bits(p_bits: u32, q_bits: u32) -> Self {
        loop {
            let (p, q) = (prime(p_bits), prime(q_bits));
            if p.concatenating_mul(&q).bit_width() != p_bits + q_bits || p == q {
                continue;
            }
            if let Some(key) = Self::of(p, q, 65_537, Order::Phi) {
                return key;
            }
        }
    }

    /// All that follows from two factors, whether they are prime or not; `None` when e has no inverse with these.
    pub fn of(p: BoxedUint, q: BoxedUint, e: u64, order: Order) -> Option<Self> {
        let (p_order, q_order) = (minus_one(&p), minus_one(&q));
        let phi = p_order.concatenating_mul(&q_order);
        let order = match order {
            Order::Phi => phi,
            Order::Lambda => {
                let width = phi.bits_precision();
                let common = gcd(p_order.clone(), q_order.clone()).resize_unchecked(width);
                phi.wrapping_div(&NonZero::new(common).unwrap())
            }
        };
        let e = BoxedUint::from(e);
        let d = e
            .clone()
            .resize_unchecked(order.bits_precision())
            .invert_mod(&NonZero::new(order).unwrap())
            .into_option()?;
        let q_mod_p = q.rem(&NonZero::new(p.clone()).unwrap());
        let q_inv = q_mod_p
            .resize_unchecked(p.bits_precision())
            .invert_mod(&NonZero::new(p.clone()).unwrap())
            .into_option()
            .unwrap_or_else(BoxedUint::one);
        Some(Self {
            n: p.concatenating_mul(&q),
            d_p: d.rem(&NonZero::new(p_order).unwrap()),
            d_q: d.rem(&NonZero::new(q_order).unwrap()),
            e,
            d,
            p,
            q,
            q_inv,
        })
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn pkcs1(&self) -> Vec<u8> {
        let numbers = [
            &self.n,
            &self.e,
            &self.d,
            &self.p,
            &self.q,
            &self.d_p,
            &self.d_q,
            &self.q_inv,
        ]
        .map(|number| number.to_be_bytes());
        let [n, e, d, p, q, d_p, d_q, q_inv] = &numbers;
        RsaPrivateKeyRef {
            modulus: UintRef::new(n).unwrap(),
            public_exponent: UintRef::new(e).unwrap(),
            private_exponent: UintRef::new(d).unwrap(),
            prime1: UintRef::new(p).unwrap(),
            prime2: UintRef::new(q).unwrap(),
            exponent1: UintRef::new(d_p).unwrap(),
            exponent2: UintRef::new(d_q).unwrap(),
            coefficient: UintRef::new(q_inv).unwrap(),
            other_prime_infos: None,
        }
        .to_der()
        .unwrap()
    }

    pub fn pkcs8(&self) -> Vec<u8> {
        let pkcs1 = self.pkcs1();
        PrivateKeyInfoRef::new(pkcs1::ALGORITHM_ID, OctetStringRef::new(&pkcs1).unwrap())
            .to_der()
            .unwrap()
    }
}

/// What d is the inverse of e modulo of.
pub enum Order {
    Phi,
    Lambda,
}

pub fn prime(bits: u32) -> BoxedUint {
    random_prime(&mut UnwrapErr(getrandom::SysRng), Flavor::Any, bits)
}

pub fn pkcs8(der: &[u8]) -> EncodedPrivateKey {
    EncodedPrivateKey::Pkcs8(SecretBytes::new(der.to_vec()))
}

pub fn pkcs1(der: &[u8]) -> EncodedPrivateKey {
    EncodedPrivateKey::Pkcs1(SecretBytes::new(der.to_vec()))
}

fn minus_one(number: &BoxedUint) -> BoxedUint {
    number.wrapping_sub(BoxedUint::one())
}

fn gcd(mut a: BoxedUint, mut b: BoxedUint) -> BoxedUint {
    while let Some(divisor) = NonZero::new(b.clone()).into_option() {
        (a, b) = (b, a.rem(&divisor));
    }
    a
}
