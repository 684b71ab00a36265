//! What a request needs: which keysets, and which of its files may be opened.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use keystead_domain::{
    Fingerprint, Keyset, KeysetId, Origin, Origins, RecipientTag, RecoveryRequest, RequestedFile, ServerId,
};

use super::RecoveryError;
use crate::exchange::WhyUnopened;
use crate::ports::{ParsedHeader, SealedFormat, SealedHeader, Store};
use crate::use_cases::shared::{all_keysets, off_runtime};
use crate::use_cases::slots::{MAX_SAME_TAG, by_tag, fitting, is_possible};

/// How many keysets are looked up one by one.
const MAX_LOOK_UPS: usize = 100;
/// How many keyset slots a header has at most. More is a made-up one.
const MAX_SLOTS: usize = 64;
/// How many wrapped keys of one file are tried. More than one fits only by accident or by design.
const MAX_TRIES: usize = 4;

/// A request with all that can be told about it before any private key is used.
#[derive(Debug, Clone)]
pub struct Examination {
    /// Its files, in their order.
    pub files: Vec<ExaminedFile>,
    /// The keysets that it needs, those that are missing first.
    pub keysets: Vec<NeededKeyset>,
    /// The keysets here that may open something of it.
    pub(super) candidates: Vec<Keyset>,
}

/// A file of a request. What its header says is not verified.
#[derive(Debug, Clone)]
pub struct ExaminedFile {
    /// What the server calls it.
    pub name: Option<String>,
    /// Who sealed it.
    pub origin: Origin,
    /// What it can be opened with, or why it cannot.
    pub prospect: Prospect,
}

/// What can be done with a file.
#[derive(Debug, Clone)]
pub enum Prospect {
    /// A keyset that is here may open it.
    Opens {
        /// Its header.
        header: Arc<SealedHeader>,
        /// The wrapped keys to try, each with its keyset.
        tries: Vec<(KeysetId, Vec<u8>)>,
    },
    /// It cannot be opened.
    Unopened(WhyUnopened),
}

/// A keyset that files of a request need.
#[derive(Debug, Clone)]
pub struct NeededKeyset {
    /// Its fingerprint; `None` when the headers do not name it.
    pub fingerprint: Option<Fingerprint>,
    /// The keyset, when it is here.
    pub here: Option<Keyset>,
    /// How many files need it.
    pub files: u32,
}

/// The keysets that are missing, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingKeysets {
    /// Each with the number of files that need it.
    pub missing: Vec<(Option<Fingerprint>, u32)>,
    /// The number of all files.
    pub files: u32,
}

impl fmt::Display for MissingKeysets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        let word = |(fingerprint, files): &(Option<Fingerprint>, u32)| match fingerprint {
            Some(fingerprint) => format!(
                "keyset {fingerprint} (files that need it: {files} of {})",
                self.files
            ),
            None => format!(
                "a keyset that is not named (files that need it: {files} of {})",
                self.files
            ),
        };
        let words: Vec<String> = self.missing.iter().take(SHOWN).map(word).collect();
        write!(f, "not here: {}", words.join(", "))?;
        match self.missing.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, ", and {more} more"),
        }
    }
}

impl Examination {
    /// Looks at every file of a request.
    pub(super) async fn of(
        request: RecoveryRequest,
        format: &Arc<dyn SealedFormat>,
        store: &dyn Store,
    ) -> Result<Self, RecoveryError> {
        let (server, files) = (request.server, request.files);
        let format = Arc::clone(format);
        // Thousands of headers take a moment.
        let parsed: Vec<ParsedFile> = off_runtime(move || {
            let parse = |file: RequestedFile| ParsedFile::of(file, server, format.as_ref());
            files.into_iter().map(parse).collect()
        })
        .await?;
        let here = KeysetsHere::find(&parsed, store).await?;
        let files: Vec<ExaminedFile> = parsed.into_iter().map(|file| here.examined(file)).collect();
        let keysets = here.needed(&files);
        Ok(Self {
            files,
            keysets,
            candidates: here.0.into_values().flatten().collect(),
        })
    }

    /// Why a file may not be opened even though a keyset is here, by what the officers allow.
    pub(super) fn refusal(file: &ExaminedFile, allowed: Origins) -> Option<WhyUnopened> {
        match &file.prospect {
            Prospect::Unopened(why) => Some(why.clone()),
            Prospect::Opens { .. } if allowed.include(&file.origin) => None,
            Prospect::Opens { .. } => Some(match &file.origin {
                Origin::OtherServer(server) => WhyUnopened::OtherServer(server.clone()),
                Origin::Unnamed | Origin::Own => WhyUnopened::Unnamed,
            }),
        }
    }

    /// The keysets that are missing; `None` when all are here.
    #[must_use]
    pub fn missing(&self) -> Option<MissingKeysets> {
        let missing: Vec<_> = self
            .keysets
            .iter()
            .filter(|keyset| keyset.here.is_none())
            .map(|keyset| (keyset.fingerprint, keyset.files))
            .collect();
        (!missing.is_empty()).then(|| MissingKeysets {
            missing,
            files: u32::try_from(self.files.len()).unwrap_or(u32::MAX),
        })
    }
}

/// A file whose header was read, as far as that went.
struct ParsedFile {
    name: Option<String>,
    origin: Origin,
    header: Result<SealedHeader, WhyUnopened>,
}

impl ParsedFile {
    fn of(file: RequestedFile, asking: ServerId, format: &dyn SealedFormat) -> Self {
        let header = match format.parse_header(&file.header) {
            Ok(ParsedHeader::Complete { header, len })
                if len == file.header.len() && header.keysets.len() <= MAX_SLOTS =>
            {
                Ok(*header)
            }
            _ => Err(WhyUnopened::NotSealed),
        };
        let info = header.as_ref().ok().and_then(|header| header.info.as_ref());
        let origin = Origin::of(info, asking);
        let is_other_file = info.map(|info| info.file_id) != file.file_id;
        Self {
            name: file.name,
            origin,
            header: header.and_then(|header| match is_other_file {
                true => Err(WhyUnopened::OtherFile),
                false => Ok(header),
            }),
        }
    }
}

/// The keysets of this installation that the slots may belong to, by their tags.
struct KeysetsHere(HashMap<RecipientTag, Vec<Keyset>>);

impl KeysetsHere {
    async fn find(files: &[ParsedFile], store: &dyn Store) -> Result<Self, RecoveryError> {
        let headers = files.iter().filter_map(|file| file.header.as_ref().ok());
        let tags: HashSet<RecipientTag> = headers
            .flat_map(|header| &header.keysets)
            .filter(|slot| is_possible(slot))
            .map(|slot| slot.tag)
            .collect();
        let mut by_tag: HashMap<RecipientTag, Vec<Keyset>> = HashMap::new();
        let mut snapshot = store.snapshot().await?;
        if tags.len() <= MAX_LOOK_UPS {
            for tag in tags {
                by_tag.insert(tag, snapshot.find_by_tag(tag, MAX_SAME_TAG).await?);
            }
            return Ok(Self(by_tag));
        }
        // A made-up request can name more keysets than there are; then those that there are are looked through once.
        for keyset in all_keysets(&mut *snapshot).await?.0 {
            let tag = keyset.public_key().tag();
            if tags.contains(&tag) {
                by_tag.entry(tag).or_default().push(keyset);
            }
        }
        Ok(Self(by_tag))
    }

    fn examined(&self, file: ParsedFile) -> ExaminedFile {
        let ParsedFile { name, origin, header } = file;
        let prospect = match header {
            Ok(header) => self.prospect(header),
            Err(why) => Prospect::Unopened(why),
        };
        ExaminedFile {
            name,
            origin,
            prospect,
        }
    }

    fn prospect(&self, header: SealedHeader) -> Prospect {
        let mut tries = Vec::new();
        for slots in by_tag(&header) {
            for keyset in self.0.get(&slots[0].tag).into_iter().flatten() {
                // A slot that names another keyset with the same tag is not for this one.
                let fits = fitting(&slots, keyset.public_key())
                    .into_iter()
                    .filter(|slot| slot.fingerprint.is_none_or(|named| named == keyset.fingerprint()));
                tries.extend(fits.map(|slot| (keyset.id(), slot.wrapped.clone())));
            }
        }
        tries.truncate(MAX_TRIES);
        match tries.is_empty() {
            true => {
                let named = header.keysets.iter().filter_map(|slot| slot.fingerprint);
                Prospect::Unopened(WhyUnopened::NoKeyset(named.collect()))
            }
            false => Prospect::Opens {
                header: Arc::new(header),
                tries,
            },
        }
    }

    fn needed(&self, files: &[ExaminedFile]) -> Vec<NeededKeyset> {
        let here: HashMap<KeysetId, &Keyset> = self
            .0
            .values()
            .flatten()
            .map(|keyset| (keyset.id(), keyset))
            .collect();
        let mut used: BTreeMap<KeysetId, u32> = BTreeMap::new();
        let mut missing: BTreeMap<Option<Fingerprint>, u32> = BTreeMap::new();
        for file in files {
            match &file.prospect {
                Prospect::Opens { tries, .. } => {
                    if let Some((keyset, _)) = tries.first() {
                        *used.entry(*keyset).or_default() += 1;
                    }
                }
                Prospect::Unopened(WhyUnopened::NoKeyset(named)) if named.is_empty() => {
                    *missing.entry(None).or_default() += 1;
                }
                Prospect::Unopened(WhyUnopened::NoKeyset(named)) => {
                    for fingerprint in named {
                        *missing.entry(Some(*fingerprint)).or_default() += 1;
                    }
                }
                Prospect::Unopened(_) => {}
            }
        }
        let missing = missing.into_iter().map(|(fingerprint, files)| NeededKeyset {
            fingerprint,
            here: None,
            files,
        });
        let used = used.into_iter().filter_map(|(id, files)| {
            let keyset = here.get(&id)?;
            Some(NeededKeyset {
                fingerprint: Some(keyset.fingerprint()),
                here: Some((*keyset).clone()),
                files,
            })
        });
        missing.chain(used).collect()
    }
}
