use keystead_domain::{
    CLOCK_TOLERANCE, FileKey, Fingerprint, MAX_RESPONSE_LIFETIME, NotValidNow, RequestId, SecretBytes,
    Sha256Digest, Timestamp, Validity,
};

use super::ServerError;
use super::home::{Home, OwnFile, OwnRequest, Progressed};
use crate::exchange::{DocumentError, FileKeys, Response, ResponseDocument, UnopenedFile};
use crate::ports::{Clock, MessageCipher, ServerFolder, SshSignatureError, SshSignatures};

/// Applies the response to a request of this machine: keeps the file keys, and opens files with them until their time is over.
pub struct ApplyResponse<'a> {
    /// Where requests and keys are kept.
    pub folder: &'a dyn ServerFolder,
    /// Opens the response.
    pub cipher: &'a dyn MessageCipher,
    /// Verifies it.
    pub ssh: &'a dyn SshSignatures,
    /// Tells the time.
    pub clock: &'a dyn Clock,
}

/// A response that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenResponse {
    /// The request that it answers.
    pub request: RequestId,
    /// How many files it opens.
    pub keys: usize,
    /// The files that it does not open.
    pub unopened: Vec<UnopenedFile>,
    /// Until when its keys can be used.
    pub until: Timestamp,
    /// Whether its keys were here already.
    pub again: bool,
}

/// The keys of a request that are here.
pub struct KeptKeys {
    /// The request.
    pub request: RequestId,
    /// Until when they can be used.
    pub until: Timestamp,
    /// Each file that has a key.
    pub files: Vec<KeptKey>,
}

/// A file and its key.
pub struct KeptKey {
    /// Its place in the request, from 0.
    pub file: u32,
    /// Where it was read when the request was made.
    pub place: Option<String>,
    /// The digest of its header.
    pub header: Sha256Digest,
    /// Its key.
    pub key: FileKey,
    /// The digests of the places that it was opened to.
    pub opened_to: Vec<Sha256Digest>,
}

/// A request of this machine, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRequest {
    /// The request.
    pub request: OwnRequest,
    /// How far it has come.
    pub progressed: Progressed,
}

impl ApplyResponse<'_> {
    /// Takes in a response: verifies it, keeps all its file keys encrypted to this machine's identity in one step, and only
    /// then destroys the key that opened it. Taken in again, it changes nothing.
    ///
    /// # Errors
    /// When it is not from the trusted manager, or not for this machine or a request of it, or does not hold now.
    pub async fn take(&self, text: &str) -> Result<TakenResponse, ServerError> {
        let home = Home(self.folder);
        self.destroy_expired(home).await?;
        let _lock = home.lock().await?;
        let response = self.verified(text).await?;
        let now = self.clock.now();
        let id = response.request;
        response.validity.check(now, MAX_RESPONSE_LIFETIME)?;
        let request = home.request(id).await?.ok_or(ServerError::OtherRequest(id))?;
        check_same(&response, &request)?;
        let (kept, again) = match home.progressed(id).await? {
            Progressed::Finished => return Err(ServerError::Finished(id)),
            Progressed::Keys => {
                // A crash may have come between keeping the keys and destroying the one that opened them.
                home.destroy_response_key(id).await?;
                (self.kept(home, id).await?, true)
            }
            Progressed::Waiting | Progressed::Over => (self.keep(home, &response, &request).await?, false),
        };
        if !again {
            let what = format!(
                "response to request {id} taken in, file keys: {}",
                kept.keys.len()
            );
            home.note(now, &what).await?;
        }
        Ok(TakenResponse {
            request: id,
            keys: kept.keys.len(),
            unopened: response.unopened,
            until: kept.until,
            again,
        })
    }

    async fn verified(&self, text: &str) -> Result<Response, ServerError> {
        let manager = Home(self.folder)
            .manager()
            .await?
            .ok_or(ServerError::NotEnrolled)?;
        let document = ResponseDocument::from_text(text).map_err(ServerError::Response)?;
        let signer = document
            .claimed_key(self.ssh)
            .map_err(ServerError::Response)?
            .ed25519();
        let signer = signer.ok_or(DocumentError::Signature(SshSignatureError::BadSignature));
        let signer = signer.map_err(ServerError::Response)?;
        if signer != manager.public_key {
            return Err(ServerError::OtherManager {
                found: Fingerprint::of_ed25519(&signer),
                trusted: manager.fingerprint(),
            });
        }
        let response = document
            .verified(&manager.public_key, self.ssh)
            .map_err(ServerError::Response)?;
        let is_for_us = (response.installation, response.server) == (manager.installation, manager.server);
        match is_for_us {
            true => Ok(response),
            false => Err(ServerError::OtherServer(response.server.to_string())),
        }
    }

    async fn keep(
        &self,
        home: Home<'_>,
        response: &Response,
        request: &OwnRequest,
    ) -> Result<FileKeys, ServerError> {
        let id = request.id;
        let key = home
            .response_key(id)
            .await?
            .ok_or(ServerError::NoResponseKey(id))?;
        let message = self.cipher.decrypt(&key, &response.encrypted)?;
        let keys = FileKeys::from_bytes(&message)?;
        let is_bound = keys.request == id
            && keys.digest == request.digest
            && keys.until == response.validity.expires_at
            && keys
                .keys
                .iter()
                .all(|key| (key.file as usize) < request.files.len());
        if !is_bound {
            return Err(ServerError::ChangedRequest(id));
        }
        let identity = home.identity().await?.ok_or(ServerError::NoIdentity)?;
        let sealed = self.cipher.encrypt(&identity.keys.encryption, &message)?;
        home.keep_file_keys(id, &identity.keys.fingerprint(), &sealed)
            .await?;
        home.destroy_response_key(id).await?;
        Ok(keys)
    }

    /// The keys of a request that are here, to open files with.
    ///
    /// # Errors
    /// When there are none, or their time is over; they are destroyed then.
    pub async fn keys(&self, id: RequestId) -> Result<KeptKeys, ServerError> {
        let home = Home(self.folder);
        let not_found = || ServerError::NoSuchRequest(id.to_string());
        let request = home.request(id).await?.ok_or_else(not_found)?;
        let kept = match home.progressed(id).await? {
            Progressed::Finished => {
                self.destroy_expired(home).await?;
                return Err(ServerError::Finished(id));
            }
            Progressed::Keys => self.kept(home, id).await?,
            Progressed::Waiting => return Err(ServerError::NoResponseYet(id)),
            Progressed::Over => return Err(ServerError::Over(id)),
        };
        if kept.until <= self.clock.now() {
            self.destroy_expired(home).await?;
            return Err(ServerError::KeysExpired(id, kept.until));
        }
        let opened = home.opened(id).await?;
        let with_file = |key: crate::exchange::RecoveredKey| {
            let OwnFile { place, header } = request.files.get(key.file as usize)?.clone();
            let to = opened.iter().filter(|(file, _)| *file == key.file);
            Some(KeptKey {
                file: key.file,
                place,
                header,
                key: key.key,
                opened_to: to.map(|(_, place)| *place).collect(),
            })
        };
        Ok(KeptKeys {
            request: id,
            until: kept.until,
            files: kept.keys.into_iter().filter_map(with_file).collect(),
        })
    }

    /// The kept key for a file with this header, whatever request it came with; `None` when there is none.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn key_for(&self, header: Sha256Digest) -> Result<Option<(RequestId, KeptKey)>, ServerError> {
        let home = Home(self.folder);
        for id in home.requests().await? {
            if home.progressed(id).await? != Progressed::Keys {
                continue;
            }
            // What is over or damaged is not the key of this file, as far as anybody can tell.
            let Ok(kept) = self.keys(id).await else {
                continue;
            };
            if let Some(key) = kept.files.into_iter().find(|file| file.header == header) {
                return Ok(Some((id, key)));
            }
        }
        Ok(None)
    }

    /// Takes note that a file was opened to a place.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub async fn mark_opened(&self, id: RequestId, file: u32, place: &str) -> Result<(), ServerError> {
        Home(self.folder).mark_opened(id, file, place).await
    }

    /// Destroys the keys of a request when every file that has one was opened; tells whether it did.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub async fn finish_if_all_open(&self, id: RequestId) -> Result<bool, ServerError> {
        let home = Home(self.folder);
        let _lock = home.lock().await?;
        let kept = self.keys(id).await?;
        if kept.files.iter().any(|file| file.opened_to.is_empty()) {
            return Ok(false);
        }
        home.finish(id).await?;
        home.note(
            self.clock.now(),
            &format!("all files of request {id} opened, keys destroyed"),
        )
        .await?;
        Ok(true)
    }

    /// The requests of this machine, and how far each has come, the newest first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub async fn list(&self) -> Result<Vec<ListedRequest>, ServerError> {
        let home = Home(self.folder);
        let mut list = Vec::new();
        for id in home.requests().await? {
            if let Some(request) = home.request(id).await? {
                let progressed = home.progressed(id).await?;
                list.push(ListedRequest { request, progressed });
            }
        }
        list.sort_by_key(|listed| std::cmp::Reverse(listed.request.validity.created_at));
        Ok(list)
    }

    /// Destroys file keys whose time is over, and the keys for responses that can come no more.
    async fn destroy_expired(&self, home: Home<'_>) -> Result<(), ServerError> {
        let now = self.clock.now();
        let mut over = Vec::new();
        for id in home.requests().await? {
            let is_over = match home.progressed(id).await? {
                // What is damaged does not keep another response from being applied.
                Progressed::Keys => self.kept(home, id).await.is_ok_and(|kept| kept.until <= now),
                Progressed::Waiting => home
                    .request(id)
                    .await?
                    .is_some_and(|request| request.validity.expires_at.after(MAX_RESPONSE_LIFETIME) <= now),
                // A kill may have come between the last file and the end of its key.
                Progressed::Finished => home.file_keys(id).await?.is_some(),
                Progressed::Over => false,
            };
            if is_over {
                over.push(id);
            }
        }
        if over.is_empty() {
            return Ok(());
        }
        let _lock = home.lock().await?;
        for id in over {
            home.give_up(id).await?;
            home.note(now, &format!("the time of request {id} was over, keys destroyed"))
                .await?;
        }
        Ok(())
    }

    async fn kept(&self, home: Home<'_>, id: RequestId) -> Result<FileKeys, ServerError> {
        let missing = || ServerError::NoResponseYet(id);
        let (identity, sealed) = home.file_keys(id).await?.ok_or_else(missing)?;
        let identity = home.identity_of(&identity).await?;
        let message: SecretBytes = self.cipher.decrypt(&identity.encryption, &sealed)?;
        let keys = FileKeys::from_bytes(&message)?;
        match keys.request == id {
            true => Ok(keys),
            false => Err(ServerError::ChangedRequest(id)),
        }
    }
}

/// The response is to this very request, and was not made before it.
fn check_same(response: &Response, request: &OwnRequest) -> Result<(), ServerError> {
    if response.digest != request.digest {
        return Err(ServerError::ChangedRequest(request.id));
    }
    let Validity { created_at, .. } = response.validity;
    if created_at.after(CLOCK_TOLERANCE) < request.validity.created_at {
        return Err(NotValidNow::Clock(created_at, request.validity.created_at).into());
    }
    Ok(())
}
