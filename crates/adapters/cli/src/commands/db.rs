use keystead_application::audit::checkpoint_key;
use keystead_application::use_cases::InstallationError;
use keystead_domain::{Fingerprint, Installation};
use serde::Serialize;

use crate::Failure;
use crate::context::Context;
use crate::output::{DbStatusJson, field_lines};

#[derive(Serialize)]
struct MigratedJson {
    applied: Vec<String>,
}

pub(crate) async fn status(context: &Context<'_>) -> Result<(), Failure> {
    let status = context
        .wiring
        .schema()
        .status()
        .await
        .map_err(InstallationError::from)?;
    // The installation can be read only when the schema is what this program knows.
    let readable = status.exists && status.pending.is_empty() && status.unknown.is_empty();
    let installation = if readable {
        installation(context).await?
    } else {
        None
    };
    let json = DbStatusJson::new(&status, installation.as_ref());
    context.printer.result(&json, || {
        let state = match (
            status.exists,
            status.unknown.is_empty(),
            status.pending.is_empty(),
        ) {
            (false, _, _) => "there is no database yet; keystead init makes it".to_owned(),
            (true, false, _) => "made by a newer version of keystead".to_owned(),
            (true, true, false) => format!("behind by {}; run keystead db migrate", status.pending.len()),
            (true, true, true) => "up to date".to_owned(),
        };
        let mut fields = vec![
            ("engine", status.engine.clone()),
            ("place", status.place.clone()),
            ("schema", state),
            ("migrations", list(&status.applied)),
            ("pending", list(&status.pending)),
        ];
        if let Some(installation) = &installation {
            fields.push(("installation", installation.id.to_string()));
            fields.push(("master key", installation.key_check.master_key_id.to_string()));
            let identity = Fingerprint::of_ed25519(&installation.identity.public_key);
            fields.push(("fingerprint", identity.in_groups()));
            if let Ok(key) = checkpoint_key(installation) {
                fields.push(("verifier key", key.to_string()));
            }
        }
        field_lines(&fields)
    })
}

pub(crate) async fn migrate(context: &Context<'_>) -> Result<(), Failure> {
    let schema = context.wiring.schema();
    let status = schema.status().await.map_err(InstallationError::from)?;
    if !status.exists {
        return Err(InstallationError::NotInitialised.into());
    }
    let applied = schema.migrate().await.map_err(InstallationError::from)?;
    let json = MigratedJson { applied };
    context.printer.result(&json, || match json.applied.is_empty() {
        true => "nothing was to be done: the schema is up to date".to_owned(),
        false => format!("done: {}", json.applied.join(", ")),
    })
}

async fn installation(context: &Context<'_>) -> Result<Option<Installation>, Failure> {
    let foundation = context.wiring.open().await?;
    let mut snapshot = foundation
        .store
        .snapshot()
        .await
        .map_err(InstallationError::from)?;
    Ok(snapshot.installation().await.map_err(InstallationError::from)?)
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
