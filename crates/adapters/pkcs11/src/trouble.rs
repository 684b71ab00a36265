use cryptoki::error::{Error, RvError};
use keystead_application::ports::MasterKeyError;

/// Why something with a token did not work.
pub(crate) enum Trouble {
    /// There is a key already.
    Exists,
    /// The bytes are not those that were encrypted.
    Damaged,
    /// The PIN is wrong, was not given, or does not count any more: what was found, and what to do.
    NotUnlocked(String),
    /// What was found, and what to do.
    Why(String),
    /// A call failed.
    Call(Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl Trouble {
    pub(crate) fn at(self, place: String) -> MasterKeyError {
        match self {
            Self::Exists => MasterKeyError::Exists(place),
            Self::Damaged => MasterKeyError::Damaged,
            Self::NotUnlocked(why) => MasterKeyError::NotUnlocked { place, why },
            Self::Why(why) => MasterKeyError::Unusable { place, why },
            Self::Call(error) => MasterKeyError::Unusable {
                place,
                why: explain(&error),
            },
        }
    }

    /// Whether a new session may help.
    pub(crate) fn is_lost_session(&self) -> bool {
        matches!(self, Self::Call(Error::Pkcs11(code, _)) if matches!(
            code,
            RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::UserNotLoggedIn
                | RvError::DeviceRemoved
                | RvError::DeviceError
                | RvError::TokenNotPresent
                | RvError::SlotIdInvalid
                | RvError::CryptokiNotInitialized
                // What an earlier call that was cut short has left behind.
                | RvError::OperationActive
        ))
    }

    /// Whether a decryption failed because of what was given to it. Tokens do not agree on the code for a wrong tag.
    pub(crate) fn blames_the_data(&self) -> Blame {
        let Self::Call(Error::Pkcs11(code, _)) = self else {
            return Blame::Other;
        };
        match code {
            RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::DataInvalid
            | RvError::DataLenRange
            | RvError::SignatureInvalid => Blame::Data,
            RvError::GeneralError
            | RvError::FunctionFailed
            | RvError::ArgumentsBad
            | RvError::MechanismParamInvalid => Blame::Unclear,
            _ => Blame::Other,
        }
    }

    /// Whether an attribute of a new key is what the token does not take.
    pub(crate) fn blames_the_template(&self) -> bool {
        matches!(self, Self::Call(Error::Pkcs11(code, _)) if matches!(
            code,
            RvError::AttributeTypeInvalid
                | RvError::AttributeValueInvalid
                | RvError::AttributeReadOnly
                | RvError::TemplateInconsistent
        ))
    }
}

/// What a failed decryption tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    Data,
    Unclear,
    Other,
}

/// A login that the token refused.
pub(crate) fn refused_login(error: Error, token: &str, last_try: bool) -> Trouble {
    let why = match error {
        _ if blames_the_pin(&error) && last_try => {
            "the token refused the PIN, and locks at the next wrong one; find the right PIN before you try again".into()
        }
        _ if blames_the_pin(&error) => {
            "the token refused the PIN: it is wrong; tokens lock after a few wrong ones, so check it before you try again".into()
        }
        Error::Pkcs11(RvError::PinLocked, _) => return locked(),
        Error::Pkcs11(RvError::PinExpired, _) => {
            "the PIN has expired; set a new one with the tools of the token".into()
        }
        Error::Pkcs11(RvError::UserPinNotInitialized, _) => return no_user_pin(token),
        other => return Trouble::Call(other),
    };
    Trouble::NotUnlocked(why)
}

/// Whether a login failed because the PIN is not the right one.
pub(crate) fn blames_the_pin(error: &Error) -> bool {
    let wrong = [RvError::PinIncorrect, RvError::PinInvalid, RvError::PinLenRange];
    matches!(error, Error::Pkcs11(code, _) if wrong.contains(code))
}

pub(crate) fn locked() -> Trouble {
    Trouble::NotUnlocked(
        "the PIN is locked after too many wrong ones; the security officer of the token can set a new one"
            .into(),
    )
}

pub(crate) fn no_user_pin(token: &str) -> Trouble {
    Trouble::Why(format!(
        "the token has no user PIN yet; its security officer sets one, for example with: pkcs11-tool --module MODULE \
         --token-label '{token}' --login --login-type so --init-pin"
    ))
}

/// Several key objects that nothing tells apart: which of them sealed, and which of them a tool deletes, is chance.
pub(crate) fn ambiguous(label: &str, id: &[u8], count: usize) -> Trouble {
    Trouble::Why(format!(
        "{count} key objects on the token have the label {label:?} and the id (CKA_ID) {}, and only one of them is the key; \
         delete none by its label or id, that may hit the right one: back the token up, then give all but one another label \
         with the tools of its maker, and if this installation does not open then, exchange their labels",
        hex(id)
    ))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn explain(error: &Error) -> String {
    let Error::Pkcs11(code, call) = error else {
        return format!("the module did not do as it should: {error}");
    };
    match code {
        RvError::DeviceRemoved | RvError::TokenNotPresent | RvError::SlotIdInvalid => {
            "the token was removed; put it back and try again".into()
        }
        RvError::SessionHandleInvalid
        | RvError::SessionClosed
        | RvError::UserNotLoggedIn
        | RvError::CryptokiNotInitialized => {
            format!("the token ended the session, and a new one as well ({call}: {code:?}); try again")
        }
        RvError::MechanismInvalid | RvError::MechanismParamInvalid | RvError::FunctionNotSupported => {
            format!(
                "the token does not do what is needed ({call}: {code:?}); it has to generate AES keys and use them with AES-GCM"
            )
        }
        RvError::TokenWriteProtected | RvError::SessionReadOnly => {
            "the token is write-protected; take the protection off to make a key".into()
        }
        RvError::DeviceMemory => "the token is full; delete what is not needed from it".into(),
        RvError::KeyFunctionNotPermitted => {
            "the key may not encrypt and decrypt; it was not made by this program".into()
        }
        RvError::SessionCount => "the token has no free session; end other programs that use it".into(),
        _ => format!("the token refused ({call}: {code:?}); look into the log of its module"),
    }
}

#[cfg(test)]
mod tests {
    use cryptoki::context::Function;

    use super::*;

    fn failed(code: RvError) -> Error {
        Error::Pkcs11(code, Function::Login)
    }

    /// SoftHSM never locks and cannot be pulled out, so what hardware says is tried here.
    #[test]
    fn what_only_hardware_says_is_told() {
        let locked = [
            (RvError::PinIncorrect, "it is wrong"),
            (RvError::PinLocked, "security officer"),
            (RvError::PinExpired, "expired"),
        ];
        for (code, told) in locked {
            match refused_login(failed(code), "t", false).at("here".into()) {
                MasterKeyError::NotUnlocked { why, .. } => assert!(why.contains(told), "{why}"),
                other => panic!("{code:?}: {other:?}"),
            }
        }
        let unusable = [
            (RvError::UserPinNotInitialized, "--init-pin"),
            (RvError::DeviceRemoved, "removed"),
            (RvError::TokenNotPresent, "removed"),
            (RvError::SessionHandleInvalid, "ended the session"),
            (RvError::MechanismInvalid, "AES-GCM"),
            (RvError::DeviceMemory, "full"),
            (RvError::FunctionRejected, "FunctionRejected"),
        ];
        for (code, told) in unusable {
            match refused_login(failed(code), "t", false).at("here".into()) {
                MasterKeyError::Unusable { why, .. } => assert!(why.contains(told), "{why}"),
                other => panic!("{code:?}: {other:?}"),
            }
        }
        let last = refused_login(failed(RvError::PinIncorrect), "t", true).at("here".into());
        assert!(last.to_string().contains("locks at the next wrong one"), "{last}");
    }

    #[test]
    fn a_refused_pin_is_no_lost_session() {
        for code in [RvError::PinIncorrect, RvError::PinLocked, RvError::GeneralError] {
            assert!(!Trouble::Call(failed(code)).is_lost_session());
        }
        for code in [
            RvError::DeviceRemoved,
            RvError::SessionHandleInvalid,
            RvError::UserNotLoggedIn,
        ] {
            assert!(Trouble::Call(failed(code)).is_lost_session());
        }
    }
}
