use std::time::Duration;

use keystead_application::use_cases::{ManagePolicy, ShowPolicy};
use keystead_domain::RecoveryPolicy;
use keystead_wire::routes::POLICY;
use keystead_wire::{ChangePolicyRequest, PolicyJson};

use crate::Failure;
use crate::args::{PolicyCommand, PolicySetArgs};
use crate::commands::officer::tell_if_too_few;
use crate::context::Context;
use crate::output::field_lines;

pub(crate) async fn run(context: &Context<'_>, command: PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::Show => tell(context, &policy(context).await?),
        PolicyCommand::Set(args) => {
            let policy = set(context, args).await?;
            tell(context, &policy)?;
            tell_if_too_few(context).await.map(|_| ())
        }
    }
}

/// The rules that hold.
pub(crate) async fn policy(context: &Context<'_>) -> Result<PolicyJson, Failure> {
    if let Some(remote) = context.remote() {
        return remote.get(POLICY).await;
    }
    let store = context.reading().await?;
    let show = ShowPolicy {
        store: store.as_ref(),
    };
    Ok(PolicyJson::new(&show.run().await?))
}

fn tell(context: &Context<'_>, policy: &PolicyJson) -> Result<(), Failure> {
    context.printer.result(policy, || {
        field_lines(&[
            ("approvals needed", policy.approvals.to_string()),
            ("responses hold", format!("{} hours", policy.response_hours)),
            ("requests per day and server", policy.requests_per_day.to_string()),
        ])
    })
}

async fn set(context: &Context<'_>, args: PolicySetArgs) -> Result<PolicyJson, Failure> {
    let PolicySetArgs {
        approvals,
        response_hours,
        requests_per_day,
    } = args;
    if let Some(remote) = context.remote() {
        let request = ChangePolicyRequest {
            approvals,
            response_hours,
            requests_per_day,
        };
        return remote.patch(POLICY, &request).await;
    }
    let lifetime = response_hours.map(|hours| Duration::from_secs(u64::from(hours) * 3600));
    let change = |before: &RecoveryPolicy| {
        RecoveryPolicy::new(
            approvals.unwrap_or(before.approvals()),
            lifetime.unwrap_or(before.response_lifetime()),
            requests_per_day.unwrap_or(before.requests_per_day()),
        )
    };
    let opened = context.installation().await?;
    let manage = ManagePolicy {
        store: opened.store.as_ref(),
        register: context.register(&opened),
        clock: context.tools().clock.as_ref(),
    };
    Ok(PolicyJson::new(&manage.set(&context.actor(), change).await?))
}
