//! The verbs of WebDAV, sent to one server.

use std::sync::Arc;
use std::time::SystemTime;

use keystead_application::ports::{EntryKind, ShareAddress, ShareError, ShareErrorKind};
use keystead_domain::SecretBytes;
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, LOCATION,
    WWW_AUTHENTICATE,
};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};

use crate::error::Step;
use crate::multistatus::{self, Entry};

/// The largest answer to PROPFIND that is read: a folder of some ten thousand files.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;
const LOOK: &str = r#"<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getlastmodified/></prop></propfind>"#;
const ROOM: &str = r#"<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><quota-available-bytes/></prop></propfind>"#;

/// A server, and who signs in there.
pub(crate) struct Client {
    http: reqwest::Client,
    origin: Url,
    address: ShareAddress,
    user: Option<User>,
}

/// Who signs in.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: Option<Arc<SecretBytes>>,
}

/// What tells one state of a file from another, as far as the server says it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks {
    pub(crate) etag: Option<String>,
    pub(crate) length: Option<u64>,
    pub(crate) modified: Option<String>,
}

impl Marks {
    /// Whether the file is another one or was changed, by what is said of both.
    pub(crate) fn differ_from(&self, other: &Self) -> bool {
        fn differ<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
            one.is_some() && other.is_some() && one != other
        }
        differ(&self.etag, &other.etag)
            || differ(&self.length, &other.length)
            || differ(&self.modified, &other.modified)
    }
}

/// One file or folder of the server.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) url: Url,
    /// Without credentials.
    pub(crate) shown: String,
}

impl Target {
    pub(crate) fn step(&self, operation: &'static str) -> Step {
        let place = self.shown.clone();
        Step { operation, place }
    }
}

impl Client {
    /// A client for an address whose `origin` is its scheme, host and port. Nothing is sent yet.
    pub(crate) fn new(origin: Url, address: ShareAddress, user: Option<User>, http: reqwest::Client) -> Self {
        Self {
            http,
            origin,
            address,
            user,
        }
    }

    /// The file or folder that these names lead to from the top of the share.
    pub(crate) fn target<S: AsRef<str>>(&self, names: &[S]) -> Target {
        let address = self.address.below(names);
        let mut url = self.origin.clone();
        url.set_path(&address.encoded_path());
        Target {
            url,
            shown: address.to_string(),
        }
    }

    /// What is at a place; `None` when nothing is.
    pub(crate) async fn look(&self, at: &Target, step: &Step) -> Result<Option<EntryKind>, ShareError> {
        let answer = self.propfind(at, "0", LOOK, step).await?;
        let status = answer.status();
        if is_folders_address(at, &answer) {
            return Ok(Some(EntryKind::Folder));
        }
        match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => self.look_simply(at, step).await,
            _ => {
                let entries = entries(answer, step).await?;
                let found = entries.into_iter().find(|entry| !entry.is_missing);
                Ok(found.map(|entry| match entry.is_folder {
                    true => EntryKind::Folder,
                    false => EntryKind::File,
                }))
            }
        }
    }

    /// For servers that take and give files and know no PROPFIND. Whether it is a folder shows in a redirect at best.
    async fn look_simply(&self, at: &Target, step: &Step) -> Result<Option<EntryKind>, ShareError> {
        let answer = self.send(self.request(Method::HEAD, at), step).await?;
        match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            _ if is_folders_address(at, &answer) => Ok(Some(EntryKind::Folder)),
            status if status.is_success() => Ok(Some(EntryKind::File)),
            status => Err(step.refused(status)),
        }
    }

    /// How long a file is, where the server says so.
    pub(crate) async fn length(&self, at: &Target, step: &Step) -> Result<Option<u64>, ShareError> {
        Ok(self.marks(at, step).await?.and_then(|marks| marks.length))
    }

    /// The state of a file; `None` when there is none. Where the server does not tell, it has no marks.
    pub(crate) async fn marks(&self, at: &Target, step: &Step) -> Result<Option<Marks>, ShareError> {
        let request = self.request(Method::HEAD, at).header(ACCEPT_ENCODING, "identity");
        let answer = self.send(request, step).await?;
        let text = |name: HeaderName| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        let marks = Marks {
            etag: text(ETAG),
            length: text(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            modified: text(LAST_MODIFIED),
        };
        Ok(match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => None,
            status if status.is_success() => Some(marks),
            _ => Some(Marks::default()),
        })
    }

    /// Whether a folder is there. A server that cannot be asked is taken at the word that it gives when it is written to.
    pub(crate) async fn has_folder(&self, at: &Target, step: &Step) -> Result<bool, ShareError> {
        let answer = self.propfind(&as_folder(at), "0", LOOK, step).await?;
        match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(false),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Ok(true),
            _ => {
                let entries = entries(answer, step).await?;
                Ok(entries.iter().any(|entry| entry.is_folder && !entry.is_missing))
            }
        }
    }

    /// What is in a folder, and the time of the server; `None` when there is no such folder.
    pub(crate) async fn list(
        &self,
        at: &Target,
        step: &Step,
    ) -> Result<Option<(Vec<Entry>, Option<SystemTime>)>, ShareError> {
        let answer = self.propfind(&as_folder(at), "1", LOOK, step).await?;
        let now = time(answer.headers());
        match answer.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED => Ok(Some((Vec::new(), now))),
            _ => Ok(Some((entries(answer, step).await?, now))),
        }
    }

    /// How many bytes may still be stored in a folder, where the server says so (RFC 4331).
    pub(crate) async fn room(&self, at: &Target, step: &Step) -> Option<u64> {
        let answer = self.propfind(&as_folder(at), "0", ROOM, step).await.ok()?;
        let entries = entries(answer, step).await.ok()?;
        entries.into_iter().find_map(|entry| entry.available)
    }

    /// Begins to get a file.
    pub(crate) async fn get(&self, at: &Target, step: &Step) -> Result<Response, ShareError> {
        let request = self.request(Method::GET, at).header(ACCEPT_ENCODING, "identity");
        let answer = self.send(request, step).await?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status => Err(step.refused(status)),
        }
    }

    /// Stores a file where none is.
    pub(crate) async fn put(
        &self,
        at: &Target,
        body: reqwest::Body,
        step: &Step,
    ) -> Result<StatusCode, ShareError> {
        let request = self.request(Method::PUT, at).header("If-None-Match", "*");
        Ok(self.send(request.body(body), step).await?.status())
    }

    /// Gives a file another name.
    pub(crate) async fn rename(
        &self,
        from: &Target,
        to: &Target,
        replace: bool,
        step: &Step,
    ) -> Result<StatusCode, ShareError> {
        let request = self
            .request(verb("MOVE"), from)
            .header("Destination", to.url.as_str())
            .header("Overwrite", if replace { "T" } else { "F" });
        Ok(self.send(request, step).await?.status())
    }

    /// Removes a file. It is no error when there is none.
    pub(crate) async fn delete(&self, at: &Target, step: &Step) -> Result<(), ShareError> {
        match self.send(self.request(Method::DELETE, at), step).await?.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(()),
            // Some files of a folder could not be removed, or Go's server was not let.
            StatusCode::MULTI_STATUS | StatusCode::METHOD_NOT_ALLOWED => {
                Err(step.refused(StatusCode::FORBIDDEN))
            }
            status if status.is_success() => Ok(()),
            status => Err(step.refused(status)),
        }
    }

    async fn propfind(
        &self,
        at: &Target,
        depth: &'static str,
        wanted: &'static str,
        step: &Step,
    ) -> Result<Response, ShareError> {
        let request = self
            .request(verb("PROPFIND"), at)
            .header("Depth", depth)
            .header("Content-Type", "application/xml; charset=utf-8")
            .body(wanted);
        self.send(request, step).await
    }

    fn request(&self, method: Method, at: &Target) -> RequestBuilder {
        let request = self.http.request(method, at.url.clone());
        match &self.user {
            None => request,
            Some(User { name, password }) => {
                let password = password.as_ref().map(|p| String::from_utf8_lossy(p.expose()));
                request.basic_auth(name, password)
            }
        }
    }

    /// Sends a request. That the server does not know the user is an error whatever was asked for.
    async fn send(&self, request: RequestBuilder, step: &Step) -> Result<Response, ShareError> {
        let answer = request.send().await.map_err(|e| step.broken(&e))?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            return Err(self.not_signed_in(answer.headers(), step));
        }
        Ok(answer)
    }

    fn not_signed_in(&self, headers: &HeaderMap, step: &Step) -> ShareError {
        let mut ways = headers.get_all(WWW_AUTHENTICATE).iter();
        let takes_basic = ways.any(|way| way.as_bytes().to_ascii_lowercase().starts_with(b"basic"));
        let why = match &self.user {
            None => "the server wants a user name and a password, and no user name is set",
            Some(User { password: None, .. }) => "the server wants a password, and none is set",
            Some(_) if takes_basic => "the server did not take the user name and password",
            Some(_) => {
                "the server takes no user name and password in the Basic way, which is all there is here"
            }
        };
        step.error(ShareErrorKind::NotSignedIn, why)
    }
}

/// Whether the answer to a file's address is that it needs a slash at its end: then it is a folder's.
fn is_folders_address(at: &Target, answer: &Response) -> bool {
    if !answer.status().is_redirection() {
        return false;
    }
    let location = answer
        .headers()
        .get(LOCATION)
        .and_then(|location| location.to_str().ok());
    let other = location.and_then(|location| at.url.join(location).ok());
    // It may name another host or scheme, when the server does not know how it is reached; nothing goes there.
    other.is_some_and(|other| other.path() == as_folder(at).url.path())
}

fn as_folder(at: &Target) -> Target {
    let mut folder = at.clone();
    if !at.url.path().ends_with('/') {
        folder.url.set_path(&format!("{}/", at.url.path()));
    }
    folder
}

async fn entries(mut answer: Response, step: &Step) -> Result<Vec<Entry>, ShareError> {
    if answer.status() != StatusCode::MULTI_STATUS {
        return Err(match answer.status().is_success() {
            true => no_webdav(step),
            false => step.refused(answer.status()),
        });
    }
    let mut xml = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|e| step.broken(&e))? {
        if xml.len() + piece.len() > LARGEST_ANSWER {
            let error = step.error(
                ShareErrorKind::Unsupported,
                "the server's answer is larger than 8 MiB",
            );
            return Err(error.advising("use a folder with fewer files"));
        }
        xml.extend_from_slice(&piece);
    }
    multistatus::parse(&xml).map_err(|_| no_webdav(step))
}

fn no_webdav(step: &Step) -> ShareError {
    let why = "the server's answer is not that of a WebDAV server";
    step.error(ShareErrorKind::Unsupported, why)
        .advising("check the path of the address")
}

fn time(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

/// A verb that HTTP itself does not have.
fn verb(name: &'static str) -> Method {
    Method::from_bytes(name.as_bytes()).unwrap_or_default()
}
