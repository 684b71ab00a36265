use crate::Failure;
use crate::args::ServeArgs;
use crate::context::Context;
use crate::wiring::ServeOptions;

pub(crate) async fn run(context: &Context<'_>, args: ServeArgs) -> Result<(), Failure> {
    let ServeArgs { listen } = args;
    context.wiring.serve(&ServeOptions { listen }).await
}
