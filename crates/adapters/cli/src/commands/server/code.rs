//! One-time codes that enrol backup servers over the network.

use keystead_application::use_cases::{BrowseServers, MadeCode, MakeServerCode};
use keystead_domain::{Fingerprint, Passphrase};
use keystead_wire::routes::SERVER_CODES;
use keystead_wire::{SecretText, ServerCodeJson, ServerCodeRequest};
use zeroize::Zeroizing;

use super::server_name;
use crate::Failure;
use crate::context::Context;
use crate::output::{field_lines, groups, moment, write_out};

pub(super) async fn run(
    context: &Context<'_>,
    name: Option<String>,
    again: Option<String>,
) -> Result<(), Failure> {
    let made = match context.remote() {
        Some(remote) => {
            if let Some(name) = &name {
                server_name(name)?;
            }
            remote
                .post(SERVER_CODES, &ServerCodeRequest { name, again })
                .await?
        }
        None => make_here(context, name.as_deref(), again.as_deref()).await?,
    };
    if context.printer.is_json() {
        return context.printer.result(&made, String::new);
    }
    // The code alone goes to standard output, so that it can be redirected to a file.
    write_out(&Zeroizing::new(format!("{}\n", made.code.expose())))?;
    context.printer.remark(&field_lines(&[
        ("holds until", moment(&made.expires_at)),
        ("manager's fingerprint", groups(&made.manager)),
    ]));
    context.printer.remark(
        "next: on the backup server run: keystead server enroll --manager URL\n      it asks for the code, and whether the fingerprint is the same",
    );
    Ok(())
}

async fn make_here(
    context: &Context<'_>,
    name: Option<&str>,
    again: Option<&str>,
) -> Result<ServerCodeJson, Failure> {
    let name = name.map(server_name).transpose()?;
    let opened = context.installation().await?;
    let again = match again {
        Some(reference) => {
            let browse = BrowseServers {
                store: opened.store.as_ref(),
            };
            Some(browse.show(reference).await?.id)
        }
        None => None,
    };
    let make = MakeServerCode {
        records: context.records(&opened),
        randomness: context.tools().randomness.as_ref(),
    };
    let MadeCode { text, code } = make.run(&context.actor(), name, again).await?;
    let text = Passphrase::new(Zeroizing::new(text.expose().to_vec()));
    Ok(ServerCodeJson {
        code: SecretText::from(&text),
        expires_at: code.expires_at.to_string(),
        manager: Fingerprint::of_ed25519(&opened.installation.identity.public_key).to_string(),
    })
}
