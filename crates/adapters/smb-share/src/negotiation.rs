//! The first two messages of a connection, which the library does not get quite right.
//!
//! It offers the ciphers that it knows, but does not set the bit in the request's capabilities (MS-SMB2, section 2.2.3)
//! that says that it can encrypt. Samba believes the bit. And with a cipher of 256 bits it makes a signing key of 256 bits,
//! which no server does. So the bit is set and those ciphers are left out here, on the way out, and the hash over both
//! messages that the session's keys come from is made anew over what was really sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use smb2::client::Connection;
use smb2::crypto::kdf::PreauthHasher;
use smb2::msg::Header;
use smb2::msg::negotiate::{
    CIPHER_AES_128_CCM, CIPHER_AES_128_GCM, NegotiateContext, NegotiateRequest, NegotiateResponse,
};
use smb2::pack::{Pack, ReadCursor, Unpack, WriteCursor};
use smb2::transport::{ReceiveProgress, TcpTransport, TransportReceive, TransportSend};
use smb2::types::flags::Capabilities;

/// Where the command of a message stands in its header (section 2.2.1.2), and the command that begins a connection.
const COMMAND: std::ops::Range<usize> = 12..14;
const NEGOTIATE: [u8; 2] = [0, 0];

/// A TCP connection that says that this client can encrypt.
pub(crate) struct Negotiation {
    tcp: TcpTransport,
    request: Mutex<Option<Vec<u8>>>,
    answer: Mutex<Option<Vec<u8>>>,
}

impl Negotiation {
    pub(crate) fn over(tcp: TcpTransport) -> Arc<Self> {
        Arc::new(Self {
            tcp,
            request: Mutex::default(),
            answer: Mutex::default(),
        })
    }

    /// Tells the connection what was really sent. To be called between its negotiation and its sign-in.
    pub(crate) fn settle(&self, connection: &Connection) {
        let (request, answer) = (lock(&self.request), lock(&self.answer));
        if let (Some(request), Some(answer)) = (&*request, &*answer) {
            connection.with_preauth_hasher_mut(|hasher| {
                *hasher = PreauthHasher::new();
                hasher.update(request);
                hasher.update(answer);
            });
        }
    }

    /// What was sent and answered, as far as it can be understood.
    pub(crate) fn messages(&self) -> Option<(NegotiateRequest, NegotiateResponse)> {
        let (request, answer) = (lock(&self.request), lock(&self.answer));
        let body = |message: &Option<Vec<u8>>| Some(message.as_ref()?.get(Header::SIZE..)?.to_vec());
        let request = NegotiateRequest::unpack(&mut ReadCursor::new(&body(&request)?)).ok()?;
        let answer = NegotiateResponse::unpack(&mut ReadCursor::new(&body(&answer)?)).ok()?;
        Some((request, answer))
    }

    /// What the server's clock said, in units of 100 ns since 1601, if it told.
    pub(crate) fn server_time(&self) -> Option<u64> {
        let (_, answer) = self.messages()?;
        Some(answer.system_time).filter(|time| *time != 0)
    }
}

#[async_trait]
impl TransportSend for Negotiation {
    async fn send(&self, data: &[u8]) -> smb2::Result<()> {
        let begins = data.get(COMMAND) == Some(&NEGOTIATE[..]) && lock(&self.request).is_none();
        if !begins {
            return self.tcp.send(data).await;
        }
        // What cannot be understood goes out as it is, and nothing is encrypted.
        let request = saying_that_it_encrypts(data).unwrap_or_else(|| data.to_vec());
        *lock(&self.request) = Some(request.clone());
        self.tcp.send(&request).await
    }
}

#[async_trait]
impl TransportReceive for Negotiation {
    async fn receive(&self) -> smb2::Result<Vec<u8>> {
        let message = self.tcp.receive().await?;
        let mut answer = lock(&self.answer);
        if answer.is_none() {
            *answer = Some(message.clone());
        }
        drop(answer);
        Ok(message)
    }

    fn receive_progress(&self) -> Option<Arc<ReceiveProgress>> {
        self.tcp.receive_progress()
    }
}

fn saying_that_it_encrypts(request: &[u8]) -> Option<Vec<u8>> {
    let (header, body) = request.split_at_checked(Header::SIZE)?;
    let mut message = NegotiateRequest::unpack(&mut ReadCursor::new(body)).ok()?;
    message.capabilities = Capabilities::new(message.capabilities.bits() | Capabilities::ENCRYPTION);
    for context in &mut message.negotiate_contexts {
        if let NegotiateContext::Encryption { ciphers } = context {
            ciphers.retain(|cipher| matches!(*cipher, CIPHER_AES_128_CCM | CIPHER_AES_128_GCM));
        }
    }
    let mut body = WriteCursor::new();
    message.pack(&mut body);
    Some([header, &body.into_inner()].concat())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use smb2::msg::negotiate::{CIPHER_AES_256_GCM, HASH_ALGORITHM_SHA512};
    use smb2::pack::Guid;
    use smb2::types::flags::SecurityMode;
    use smb2::types::{Command, Dialect};

    use super::*;

    #[test]
    fn nothing_else_of_the_request_is_changed() {
        let preauth = NegotiateContext::PreauthIntegrity {
            hash_algorithms: vec![HASH_ALGORITHM_SHA512],
            salt: vec![7; 32],
        };
        let ciphers = |ciphers: &[u16]| NegotiateContext::Encryption {
            ciphers: ciphers.to_vec(),
        };
        let mut request = NegotiateRequest {
            security_mode: SecurityMode::new(SecurityMode::SIGNING_ENABLED),
            capabilities: Capabilities::new(Capabilities::LARGE_MTU),
            client_guid: Guid::default(),
            dialects: vec![Dialect::Smb2_1, Dialect::Smb3_1_1],
            negotiate_contexts: vec![
                preauth.clone(),
                ciphers(&[CIPHER_AES_256_GCM, CIPHER_AES_128_GCM]),
            ],
        };
        let packed = |request: &NegotiateRequest| {
            let mut cursor = WriteCursor::new();
            Header::new_request(Command::Negotiate).pack(&mut cursor);
            request.pack(&mut cursor);
            cursor.into_inner()
        };
        let sent = saying_that_it_encrypts(&packed(&request)).unwrap();
        request.capabilities = Capabilities::new(Capabilities::LARGE_MTU | Capabilities::ENCRYPTION);
        request.negotiate_contexts = vec![preauth, ciphers(&[CIPHER_AES_128_GCM])];
        assert_eq!(sent, packed(&request));
        assert_eq!(sent.get(COMMAND), Some(&NEGOTIATE[..]));
        assert_eq!(saying_that_it_encrypts(&sent[..70]), None);
    }
}
