use serde::Serialize;

use crate::Failure;
use crate::output::{Printer, SettingJson, printable, table};

#[derive(Serialize)]
struct SettingsJson {
    settings: Vec<SettingJson>,
}

pub(crate) fn show(printer: &Printer, settings: &[crate::Setting], origin: bool) -> Result<(), Failure> {
    let json = SettingsJson {
        settings: settings.iter().map(SettingJson::from).collect(),
    };
    printer.result(&json, || {
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
