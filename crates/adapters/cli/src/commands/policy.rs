use std::time::Duration;

use keystead_application::use_cases::ManagePolicy;
use keystead_domain::RecoveryPolicy;

use crate::Failure;
use crate::args::{PolicyCommand, PolicySetArgs};
use crate::context::Context;
use crate::output::{PolicyJson, field_lines};

pub(crate) async fn run(context: &Context<'_>, command: PolicyCommand) -> Result<(), Failure> {
    let (store, _) = context.looking().await?;
    let manage = ManagePolicy {
        store: store.as_ref(),
        clock: context.tools().clock.as_ref(),
    };
    let policy = match command {
        PolicyCommand::Show => manage.show().await?,
        PolicyCommand::Set(PolicySetArgs {
            approvals,
            response_hours,
            requests_per_day,
        }) => {
            let lifetime = response_hours.map(|hours| Duration::from_secs(u64::from(hours) * 3600));
            let change = |before: &RecoveryPolicy| {
                RecoveryPolicy::new(
                    approvals.unwrap_or(before.approvals()),
                    lifetime.unwrap_or(before.response_lifetime()),
                    requests_per_day.unwrap_or(before.requests_per_day()),
                )
            };
            manage.set(&context.actor(), change).await?
        }
    };
    context.printer.result(&PolicyJson::new(&policy), || {
        field_lines(&[
            ("approvals needed", policy.approvals().to_string()),
            (
                "responses hold",
                format!("{} hours", policy.response_lifetime().as_secs() / 3600),
            ),
            (
                "requests per day and server",
                policy.requests_per_day().to_string(),
            ),
        ])
    })
}
