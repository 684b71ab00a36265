use crate::{SealInfo, ServerId};

/// Which machine sealed a file, as its header says, seen from the backup server that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The server that asks.
    Own,
    /// The header names no server: it was sealed before the server was enrolled, or by another program.
    Unnamed,
    /// Another server: somebody copied the header.
    OtherServer(String),
}

/// Which files' keys may be given to the server that asks. Each includes the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Origins {
    /// Those that the server itself sealed.
    #[default]
    Own,
    /// Also those that name no server.
    OwnOrUnnamed,
    /// Those of any server.
    Any,
}

impl Origin {
    /// The origin of a file with this information in its header.
    #[must_use]
    pub fn of(info: Option<&SealInfo>, asking: ServerId) -> Self {
        match info.and_then(|info| info.server_id.as_deref()) {
            None => Self::Unnamed,
            Some(server) if server == asking.to_string() => Self::Own,
            Some(server) => Self::OtherServer(server.to_owned()),
        }
    }
}

impl Origins {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::Own, Self::OwnOrUnnamed, Self::Any];

    /// Whether a file of this origin is among them.
    #[must_use]
    pub fn include(self, origin: &Origin) -> bool {
        match origin {
            Origin::Own => true,
            Origin::Unnamed => self >= Self::OwnOrUnnamed,
            Origin::OtherServer(_) => self >= Self::Any,
        }
    }

    /// The word in statements and in the audit trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::OwnOrUnnamed => "own-or-unnamed",
            Self::Any => "any",
        }
    }

    /// The value of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|origins| origins.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FileId, Timestamp};

    fn sealed_by(server: Option<&str>) -> SealInfo {
        SealInfo {
            file_id: FileId::from_random_bytes([1; 16]),
            server_id: server.map(str::to_owned),
            sealed_at: Timestamp::from_micros(0).unwrap(),
            fingerprints: Vec::new(),
        }
    }

    #[test]
    fn a_copied_header_is_told_from_an_own_one() {
        let me = ServerId::from_random_bytes([7; 16]);
        let of = |server: Option<&str>| Origin::of(Some(&sealed_by(server)), me);
        assert_eq!(of(Some(&me.to_string())), Origin::Own);
        assert_eq!(of(Some("db2")), Origin::OtherServer("db2".into()));
        assert_eq!(of(None), Origin::Unnamed);
        assert_eq!(Origin::of(None, me), Origin::Unnamed);
    }

    #[test]
    fn each_permission_includes_the_one_before() {
        let other = Origin::OtherServer("db2".into());
        let allowed = Origins::ALL
            .map(|origins| [&Origin::Own, &Origin::Unnamed, &other].map(|origin| origins.include(origin)));
        assert_eq!(
            allowed,
            [[true, false, false], [true, true, false], [true, true, true]]
        );
        for origins in Origins::ALL {
            assert_eq!(Origins::from_word(origins.as_str()), Some(origins));
        }
    }
}
