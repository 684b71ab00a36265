//! Exports whose private keys come from a manager elsewhere.

use keystead_application::Status;
use keystead_application::ports::{EntryKind, LocatedShare, Replace, ShareWriter, WriteReceipt};
use keystead_application::use_cases::{ComparedFile, ExportProtection, KeysetError, check_destination};
use keystead_domain::SecretBytes;
use keystead_wire::routes::{EXPORT, EXPORT_TO_SHARE, KEYSETS, below};
use keystead_wire::{
    DamagedJson, ExportJson, ExportRequest, ExportToShareRequest, ExportedJson, KeysetJson, PromisesJson,
    SecretText,
};

use super::export::Made;
use crate::Failure;
use crate::context::Context;
use crate::output::{printable, short};
use crate::remote::{self, Call, Refusal, Remote};
use crate::secrets::{own_password, to_send};

/// An export that can begin.
pub(super) struct Export<'a> {
    remote: &'a Remote,
    keysets: Vec<KeysetJson>,
    damaged: Vec<DamagedJson>,
    to: Destination,
}

enum Destination {
    StandardOutput,
    /// On a share that the manager reaches; it writes there itself.
    Share {
        share: String,
        path: Option<String>,
        replace: Replace,
    },
    /// Where this machine writes: into each file the keysets with these numbers.
    Files {
        files: Vec<(LocatedShare, Vec<usize>)>,
        replace: Replace,
    },
}

impl<'a> Export<'a> {
    /// What is in the way is found out before any private key is asked for.
    pub(super) async fn prepare(
        context: &Context<'_>,
        remote: &'a Remote,
        keysets: &[String],
        to: &str,
        replace: Replace,
    ) -> Result<Self, Failure> {
        let (keysets, damaged) = chosen(remote, keysets).await?;
        let to = match (to, to.strip_prefix("share:")) {
            ("-", _) => Destination::StandardOutput,
            (_, Some(on_share)) => on_the_managers_share(on_share, replace),
            _ => files(context, &keysets, to, replace).await?,
        };
        Ok(Self {
            remote,
            keysets,
            damaged,
            to,
        })
    }

    pub(super) async fn run(
        self,
        context: &Context<'_>,
        protection: ExportProtection,
    ) -> Result<Made, Failure> {
        // The manager refuses it too; a passphrase that is refused need not travel.
        protection.check()?;
        let ids: Vec<String> = self.keysets.iter().map(|keyset| keyset.id.clone()).collect();
        let (passphrase, unprotected) = match &protection {
            ExportProtection::Unprotected => (None, true),
            ExportProtection::Passphrase(passphrase) => (Some(to_send(passphrase)?), false),
        };
        let mut request = ExportRequest {
            keysets: ids,
            passphrase,
            unprotected,
            password: None,
        };
        let (exported, content) = match &self.to {
            Destination::StandardOutput => {
                (Vec::new(), Some(fetch(context, self.remote, &mut request).await?))
            }
            Destination::Share { share, path, replace } => {
                let request = ExportToShareRequest {
                    keysets: request.keysets,
                    share: share.clone(),
                    path: path.clone(),
                    overwrite: *replace == Replace::Allowed,
                    passphrase: request.passphrase,
                    unprotected,
                    password: None,
                };
                let exported = to_share(context, self.remote, request).await?;
                (exported.exported, None)
            }
            Destination::Files { files, replace } => {
                (self.write_files(context, files, *replace, request).await?, None)
            }
        };
        Ok(Made {
            exported,
            content,
            damaged: self.damaged,
            is_recorded: matches!(self.to, Destination::Share { .. }),
        })
    }

    /// Files that were written before something failed stay.
    async fn write_files(
        &self,
        context: &Context<'_>,
        files: &[(LocatedShare, Vec<usize>)],
        replace: Replace,
        mut request: ExportRequest,
    ) -> Result<Vec<ExportedJson>, Failure> {
        let mut exported: Vec<ExportedJson> = Vec::new();
        for (located, numbers) in files {
            let keysets: Vec<&KeysetJson> = numbers.iter().filter_map(|at| self.keysets.get(*at)).collect();
            request.keysets = keysets.iter().map(|keyset| keyset.id.clone()).collect();
            let written = match fetch(context, self.remote, &mut request).await {
                Ok(content) => write(located, replace, &content).await,
                Err(failure) => Err(failure),
            };
            let receipt = written.map_err(|failure| cut_short(failure, &exported))?;
            exported.extend(keysets.into_iter().map(|keyset| ExportedJson {
                id: keyset.id.clone(),
                fingerprint: keyset.fingerprint.clone(),
                place: Some(receipt.place.clone()),
                verified: true,
                promises: Some(PromisesJson::from(receipt.promised)),
            }));
        }
        Ok(exported)
    }
}

/// The keysets that were named, each once; all of them when none was.
async fn chosen(remote: &Remote, named: &[String]) -> Result<(Vec<KeysetJson>, Vec<DamagedJson>), Failure> {
    if named.is_empty() {
        let list = remote::keysets(remote, None).await?;
        if list.keysets.is_empty() {
            return Err(KeysetError::Destination("there is no keyset to export".to_owned()).into());
        }
        return Ok((list.keysets, list.damaged));
    }
    let mut keysets: Vec<KeysetJson> = Vec::new();
    for text in named {
        let keyset: KeysetJson = remote.get(below(KEYSETS, text)).await?;
        if keysets.iter().all(|other| other.id != keyset.id) {
            keysets.push(keyset);
        }
    }
    Ok((keysets, Vec::new()))
}

fn on_the_managers_share(on_share: &str, replace: Replace) -> Destination {
    let (share, path) = match on_share.split_once('/') {
        Some((share, path)) => (share, Some(path).filter(|path| !path.is_empty())),
        None => (on_share, None),
    };
    Destination::Share {
        share: share.to_owned(),
        path: path.map(str::to_owned),
        replace,
    }
}

/// Into a folder, one file each; into a file, all of them.
async fn files(
    context: &Context<'_>,
    keysets: &[KeysetJson],
    to: &str,
    replace: Replace,
) -> Result<Destination, Failure> {
    let located = context
        .tools()
        .shares
        .locate(to)
        .await
        .map_err(KeysetError::from)?;
    let LocatedShare { share, path } = &located;
    let found = share.stat(path).await.map_err(KeysetError::from)?;
    let files = match found {
        Some(EntryKind::Folder) => {
            let file = |(at, keyset): (usize, &KeysetJson)| {
                let name = format!("keyset-{}.pem", short(&keyset.fingerprint));
                let located = LocatedShare {
                    share: std::sync::Arc::clone(share),
                    path: path.join(&name),
                };
                (located, vec![at])
            };
            keysets.iter().enumerate().map(file).collect()
        }
        None | Some(EntryKind::File | EntryKind::Other) => {
            let all = (0..keysets.len()).collect();
            vec![(located, all)]
        }
    };
    for (located, _) in &files {
        check_destination(located, replace).await?;
    }
    Ok(Destination::Files { files, replace })
}

/// Writes a file as every export is written: under a temporary name, renamed when it is whole, read back and compared.
async fn write(
    located: &LocatedShare,
    replace: Replace,
    content: &SecretBytes,
) -> Result<WriteReceipt, Failure> {
    // A leftover that cannot be taken away is no reason not to write.
    if let Err(error) = located.share.clean_up(&located.path).await {
        tracing::warn!(%error, "temporary files of broken writes could not be removed");
    }
    let file = ComparedFile::create(located, replace).await;
    let mut file = Box::new(file.map_err(KeysetError::from)?);
    if let Err(error) = file.write(content.expose()).await {
        file.discard().await;
        return Err(KeysetError::from(error).into());
    }
    Ok(file.publish().await.map_err(KeysetError::from)?)
}

async fn fetch(
    context: &Context<'_>,
    remote: &Remote,
    request: &mut ExportRequest,
) -> Result<SecretBytes, Failure> {
    let call = |request: &ExportRequest| -> Result<Call, Failure> {
        Ok(Call::post(EXPORT)
            .json(request)?
            .accepting("application/x-pem-file"))
    };
    let answer = match remote.call(call(request)?).await {
        Err(refusal) if request.password.is_none() && wants_password(&refusal) => {
            request.password = Some(password_for(context, refusal)?);
            remote.call(call(request)?).await?
        }
        answered => answered?,
    };
    Ok(SecretBytes::new(answer.bytes().to_vec()))
}

async fn to_share(
    context: &Context<'_>,
    remote: &Remote,
    mut request: ExportToShareRequest,
) -> Result<ExportJson, Failure> {
    let answer = match remote.call(Call::post(EXPORT_TO_SHARE).json(&request)?).await {
        Err(refusal) if wants_password(&refusal) => {
            request.password = Some(password_for(context, refusal)?);
            remote.call(Call::post(EXPORT_TO_SHARE).json(&request)?).await?
        }
        answered => answered?,
    };
    Ok(answer.json()?)
}

/// Nobody is asked for a password unless the manager wants it.
fn password_for(context: &Context<'_>, refusal: Refusal) -> Result<SecretText, Failure> {
    match own_password(context)? {
        Some(password) => to_send(&password),
        None => Err(refusal.into()),
    }
}

fn wants_password(refusal: &Refusal) -> bool {
    refusal.problem_code() == Some("password-needed")
}

/// The failure of an export of several files tells which of them are there.
fn cut_short(failure: Failure, exported: &[ExportedJson]) -> Failure {
    let places: Vec<String> = exported
        .iter()
        .filter_map(|one| one.place.as_deref())
        .map(printable)
        .collect();
    match places.is_empty() {
        true => failure,
        false => Failure::new(
            Status::Refused,
            "not all keysets were exported",
            format!("{}; exported before that: {}", failure.why, places.join(", ")),
            failure.fix,
        ),
    }
}
