use serde::Serialize;

use crate::Failure;
use crate::context::Context;
use crate::output::{SettingJson, printable, table};

#[derive(Serialize)]
struct SettingsJson {
    settings: Vec<SettingJson>,
}

pub(crate) fn show(context: &Context<'_>, origin: bool) -> Result<(), Failure> {
    let settings = context.wiring.settings();
    let json = SettingsJson {
        settings: settings.iter().map(SettingJson::from).collect(),
    };
    context.printer.result(&json, || {
        let header: &[&str] = if origin {
            &["SETTING", "VALUE", "ORIGIN"]
        } else {
            &["SETTING", "VALUE"]
        };
        let row = |setting: &crate::Setting| {
            let mut row = vec![setting.key.clone(), printable(&setting.value)];
            row.extend(origin.then(|| setting.origin.clone()));
            row
        };
        table(header, settings.iter().map(row).collect())
    })
}
