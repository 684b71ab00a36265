use keystead_application::use_cases::{OpenBackup, SlotView};
use keystead_wire::KeysetJson;
use std::sync::Arc;

use crate::Failure;
use crate::args::SlotsArgs;
use crate::context::Context;
use crate::input::open_input;
use crate::output::{SlotJson, SlotsJson, field_lines, moment, printable, state_words, table};

pub(crate) async fn run(context: &Context<'_>, args: SlotsArgs) -> Result<(), Failure> {
    let open = OpenBackup {
        format: Arc::clone(&context.tools().format),
    };
    let source = open
        .read_header(open_input(context, Some(&args.input)).await?.bytes)
        .await?;
    // A file can be looked at without an installation; which keysets are here is unknown then.
    let store = context.reading().await;
    let views = open
        .slots(&source.header, store.as_ref().ok().map(|store| store.as_ref()))
        .await?;

    let info = source.header.info.as_ref();
    let json = SlotsJson {
        file_id: info.map(|info| info.file_id.to_string()),
        sealed_at: info.map(|info| info.sealed_at.to_string()),
        server_id: info.and_then(|info| info.server_id.clone()),
        verified: false,
        looked_up: store.is_ok(),
        slots: views.iter().map(SlotJson::from).collect(),
    };
    context.printer.result(&json, || {
        let mut text = String::new();
        if let Some(info) = info {
            let fields = [
                ("file", info.file_id.to_string()),
                ("sealed", moment(info.sealed_at)),
                (
                    "server",
                    info.server_id
                        .as_deref()
                        .map_or_else(|| "none".to_owned(), printable),
                ),
            ];
            text = format!("{}\n\n", field_lines(&fields));
        }
        text + &table(&["SLOT", "OPENS WITH", "HERE"], views.iter().map(row).collect())
    })?;
    context
        .printer
        .remark("(unverified: the header is proven only when the file is opened)");
    if let Err(failure) = &store {
        context.printer.remark(&format!(
            "(which keysets are at hand is not known: {})",
            failure.why
        ));
    }
    Ok(())
}

fn row(view: &SlotView) -> Vec<String> {
    match view {
        SlotView::Keyset { slot, here } => {
            let fingerprint = slot
                .fingerprint
                .or_else(|| here.as_ref().map(|k| k.fingerprint()));
            let name = fingerprint.map_or_else(
                || "an RSA key that the file does not name".to_owned(),
                |f| f.short(),
            );
            let here = here.as_ref().map_or_else(
                || "no".to_owned(),
                |keyset| {
                    format!(
                        "yes: \"{}\", {}",
                        printable(keyset.hint().as_str()),
                        state_words(&KeysetJson::from(keyset.as_ref()))
                    )
                },
            );
            vec!["keyset".to_owned(), name, here]
        }
        SlotView::Password { hint } => {
            let hint = hint
                .as_ref()
                .map_or_else(String::new, |hint| format!(" (hint: \"{}\")", printable(hint)));
            vec![
                "password".to_owned(),
                format!("its password{hint}"),
                String::new(),
            ]
        }
        SlotView::Other(name) => vec!["other".to_owned(), printable(name), String::new()],
    }
}
