use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::context::Pkcs11;
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::MechanismType;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::RawAuthPin;
use keystead_domain::Passphrase;
use tokio::runtime::Handle;

use crate::module::Module;
use crate::pin::PinSource;
use crate::trouble::{Trouble, blames_the_pin, locked, no_user_pin, refused_login};

/// A token that is opened when it is needed for the first time. Calls come one at a time.
pub(crate) struct Token {
    module: PathBuf,
    label: String,
    pin: Arc<dyn PinSource>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    pins: Pins,
}

#[derive(Default)]
struct Pins {
    /// What opened the token; it is needed again when the session is lost.
    right: Option<Passphrase>,
    /// What the token refused. Trying it over and over, from a file that nobody corrects, would lock the token.
    refused: Option<Passphrase>,
}

/// A token with a user logged in.
pub(crate) struct Open {
    // Before the module: sessions end before that does.
    session: Session,
    slot: Slot,
    module: Module,
}

impl Token {
    pub(crate) fn new(module: PathBuf, label: String, pin: Arc<dyn PinSource>) -> Self {
        Self {
            module,
            label,
            pin,
            state: Mutex::default(),
        }
    }

    /// Works with the open token, where that does not hold up the runtime. What loses its session is done once more.
    pub(crate) async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Fn(&Open) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let token = Arc::clone(self);
        let runtime = Handle::current();
        let done = tokio::task::spawn_blocking(move || token.work(&runtime, work)).await;
        done.unwrap_or_else(|join| Err(Trouble::Why(join.to_string())))
    }

    fn work<T>(&self, runtime: &Handle, work: impl Fn(&Open) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let first = self.on_open(&mut state, runtime, &work);
        match first {
            Err(lost) if lost.is_lost_session() => {
                // The old session ends before the new one begins: a login counts for all of a process.
                state.open = None;
                self.on_open(&mut state, runtime, &work)
            }
            done => done,
        }
    }

    fn on_open<T>(
        &self,
        state: &mut State,
        runtime: &Handle,
        work: &impl Fn(&Open) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let State { open, pins } = state;
        let open = match open {
            Some(open) => open,
            none => none.insert(self.open(pins, runtime)?),
        };
        work(open)
    }

    fn open(&self, pins: &mut Pins, runtime: &Handle) -> Result<Open, Trouble> {
        let module = Module::acquire(&self.module)?;
        let (slot, info) = self.find(module.calls())?;
        if !info.user_pin_initialized() {
            return Err(no_user_pin(&self.label));
        }
        if info.user_pin_locked() {
            return Err(locked());
        }
        let session = module.calls().open_ro_session(slot)?;
        // The token has a keypad of its own otherwise.
        let logged_in = if info.protected_authentication_path() {
            session.login(UserType::User, None)
        } else {
            let pin = self.pin(pins, runtime)?;
            let given = RawAuthPin::new(Box::new(pin.expose().to_vec()));
            let logged_in = session.login_with_raw(UserType::User, &given);
            match &logged_in {
                Err(refused) if blames_the_pin(refused) => pins.refused = Some(pin),
                _ => pins.right = Some(pin),
            }
            logged_in
        };
        match logged_in {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(Open {
                session,
                slot,
                module,
            }),
            Err(refused) => {
                let info = module.calls().get_token_info(slot);
                let last_try = info.is_ok_and(|info| info.user_pin_final_try());
                Err(refused_login(refused, &self.label, last_try))
            }
        }
    }

    fn pin(&self, pins: &mut Pins, runtime: &Handle) -> Result<Passphrase, Trouble> {
        if let Some(right) = pins.right.take() {
            return Ok(right);
        }
        let given = runtime
            .block_on(self.pin.pin(&self.label))
            .map_err(Trouble::NotUnlocked)?;
        let is_refused = |refused: &Passphrase| refused.expose() == given.expose();
        if pins.refused.as_ref().is_some_and(is_refused) {
            return Err(Trouble::NotUnlocked(
                "the PIN is the one that the token refused before, so it was not tried again; give the right one".into(),
            ));
        }
        Ok(given)
    }

    fn find(&self, calls: &Pkcs11) -> Result<(Slot, TokenInfo), Trouble> {
        let mut tokens = Vec::new();
        for slot in calls.get_slots_with_token()? {
            // A token that cannot say what it is, is another one.
            if let Ok(info) = calls.get_token_info(slot)
                && info.token_initialized()
            {
                tokens.push((slot, info));
            }
        }
        let labels: Vec<_> = tokens
            .iter()
            .map(|(_, info)| format!("{:?}", info.label()))
            .collect();
        tokens.retain(|(_, info)| info.label() == self.label);
        match (tokens.pop(), tokens.is_empty()) {
            (Some(found), true) => Ok(found),
            (Some(_), false) => Err(Trouble::Why(format!(
                "several tokens have the label {:?}; give each another label",
                self.label
            ))),
            (None, _) if labels.is_empty() => Err(Trouble::Why(
                "the module finds no initialised token; check that it is connected and that this user may use it".into(),
            )),
            (None, _) => Err(Trouble::Why(format!(
                "there is no token with the label {:?}; connect it, or configure one of these: {}",
                self.label,
                labels.join(", ")
            ))),
        }
    }
}

impl Open {
    /// A session that reads and uses keys.
    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    /// A session that makes keys.
    pub(crate) fn writing_session(&self) -> Result<Session, Trouble> {
        Ok(self.module.calls().open_rw_session(self.slot)?)
    }

    /// That the token does what a key needs, before one is made.
    pub(crate) fn check_mechanisms(&self) -> Result<(), Trouble> {
        let found = self.module.calls().get_mechanism_list(self.slot)?;
        let needed = [
            (MechanismType::AES_KEY_GEN, "generate AES keys (CKM_AES_KEY_GEN)"),
            (MechanismType::AES_GCM, "encrypt with AES-GCM (CKM_AES_GCM)"),
        ];
        match needed.iter().find(|(mechanism, _)| !found.contains(mechanism)) {
            None => Ok(()),
            Some((_, what)) => Err(Trouble::Why(format!(
                "the token cannot {what}, which is needed; use another token or another master key provider"
            ))),
        }
    }
}
