use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::output::write_out;
use crate::{Cli, Failure};

pub(crate) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "keystead", &mut script);
    write_out(&String::from_utf8_lossy(&script))
}

pub(crate) fn man(dir: Option<&Path>) -> Result<(), Failure> {
    let failed = |error| Failure::stdio("the manual pages were not written", &error);
    match dir {
        Some(dir) => clap_mangen::generate_to(Cli::command(), dir).map_err(failed),
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command())
                .render(&mut page)
                .map_err(failed)?;
            write_out(&String::from_utf8_lossy(&page))
        }
    }
}
