use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};

use crate::trouble::Trouble;

/// A module is initialised once for a process, however many use it. It stays loaded: many modules do not survive being
/// unloaded.
static LOADED: Mutex<BTreeMap<PathBuf, Loaded>> = Mutex::new(BTreeMap::new());

struct Loaded {
    pkcs11: Pkcs11,
    users: usize,
    /// Whether it was initialised here, and not by another part of the program.
    ours: bool,
}

/// A module that is initialised until the last user drops it.
pub(crate) struct Module {
    path: PathBuf,
    pkcs11: Pkcs11,
}

impl Module {
    /// Loads and initialises it, if that was not done yet.
    pub(crate) fn acquire(path: &Path) -> Result<Self, Trouble> {
        // A bare name is looked up by the loader of the system.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut all = loaded();
        if !all.contains_key(&path) {
            let pkcs11 = Pkcs11::new(&path).map_err(|e| not_loaded(&path, &e))?;
            let new = Loaded {
                pkcs11,
                users: 0,
                ours: false,
            };
            all.insert(path.clone(), new);
        }
        let Some(module) = all.get_mut(&path) else {
            return Err(Trouble::Why("the module was lost".into()));
        };
        if module.users == 0 {
            module.ours = initialise(&module.pkcs11).map_err(|e| {
                Trouble::Why(format!(
                    "the module {} cannot be initialised: {e}",
                    path.display()
                ))
            })?;
        }
        module.users += 1;
        let pkcs11 = module.pkcs11.clone();
        Ok(Self { path, pkcs11 })
    }

    pub(crate) fn calls(&self) -> &Pkcs11 {
        &self.pkcs11
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if let Some(module) = loaded().get_mut(&self.path) {
            module.users = module.users.saturating_sub(1);
            if module.users == 0 && module.ours {
                // A module that does not let go is left to the end of the process.
                let _ = module.pkcs11.clone().finalize();
            }
        }
    }
}

/// Whether it was this call that did it.
fn initialise(pkcs11: &Pkcs11) -> Result<bool, Error> {
    match pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
        Ok(()) => Ok(true),
        Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn not_loaded(path: &Path, error: &Error) -> Trouble {
    let module = path.display();
    Trouble::Why(match error {
        Error::LibraryLoading(why) => {
            format!(
                "the module {module} cannot be loaded; check its path and that its packages are installed: {why}"
            )
        }
        Error::MissingSymbol(_) => {
            format!("{module} is not a PKCS#11 module; configure the one that came with the token")
        }
        other => format!("the module {module} cannot be used: {other}"),
    })
}

fn loaded() -> MutexGuard<'static, BTreeMap<PathBuf, Loaded>> {
    LOADED.lock().unwrap_or_else(PoisonError::into_inner)
}
