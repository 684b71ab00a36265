use std::collections::BTreeMap;

use keystead_application::ports::{KeyCount, MasterKeyCensus, StoreError, UnstagedKey};
use keystead_domain::{Installation, KeysetId, SealedBytes};

use super::{State, conflict};

/// What a change of the master key needs.
impl State {
    pub(in crate::store) fn census(&self) -> MasterKeyCensus {
        MasterKeyCensus {
            sealed: count(self.rows.values().map(|row| &row.private_key)),
            staged: count(self.rows.values().filter_map(|row| row.staged.as_ref())),
        }
    }

    pub(in crate::store) fn unstaged(&self, after: Option<KeysetId>, limit: u32) -> Vec<UnstagedKey> {
        self.rows
            .iter()
            .filter(|(id, row)| row.staged.is_none() && after.is_none_or(|after| **id > after))
            .take(limit as usize)
            .map(|(id, row)| UnstagedKey {
                keyset: *id,
                fingerprint: row.columns.fingerprint,
                sealed: row.private_key.clone(),
            })
            .collect()
    }

    pub(in crate::store) fn stage(&mut self, staged: &[(KeysetId, SealedBytes)]) -> Result<(), StoreError> {
        for (id, sealed) in staged {
            let row = self
                .rows
                .get_mut(id)
                .ok_or_else(|| conflict("stage private key", format!("keyset {id} is gone")))?;
            row.staged = Some(sealed.clone());
        }
        Ok(())
    }

    pub(in crate::store) fn discard_staged(&mut self) {
        self.rows.values_mut().for_each(|row| row.staged = None);
    }

    pub(in crate::store) fn switch_master_key(
        &mut self,
        installation: &Installation,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "switch master key";
        if self.installation.is_none() {
            return Err(conflict(OPERATION, "there is no installation"));
        }
        for (id, row) in &mut self.rows {
            let staged = row.staged.take().ok_or_else(|| {
                conflict(
                    OPERATION,
                    format!("keyset {id} is not sealed under the next key yet"),
                )
            })?;
            if staged.master_key_id != *installation.master_key_id() {
                return Err(conflict(
                    OPERATION,
                    format!("keyset {id} is sealed under {} instead", staged.master_key_id),
                ));
            }
            row.private_key = staged;
        }
        self.installation = Some(installation.clone());
        Ok(())
    }
}

fn count<'a>(sealed: impl Iterator<Item = &'a SealedBytes>) -> Vec<KeyCount> {
    let mut counts = BTreeMap::new();
    for sealed in sealed {
        let count = counts
            .entry((sealed.master_key_id.as_str(), sealed.provider.as_str()))
            .or_insert_with(|| KeyCount {
                master_key_id: sealed.master_key_id.clone(),
                provider: sealed.provider.clone(),
                private_keys: 0,
            });
        count.private_keys += 1;
    }
    counts.into_values().collect()
}
