use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keystead_application::use_cases::TestShare;
use keystead_wire::{ShareTestJson, SharesJson};

use super::exports::location;
use crate::caller::{May, to};
use crate::input::Path;
use crate::problem::{ApiProblem, Known};
use crate::service::Service;

/// Lists the shares that exports can go to. They are configured on the manager.
#[utoipa::path(get, path = "/v1/shares", tag = "shares",
    responses((status = 200, description = "The shares.", body = SharesJson)))]
pub(crate) async fn list_shares(
    State(service): State<Arc<Service>>,
    _: May<to::UseShares>,
) -> Json<SharesJson> {
    Json(SharesJson::from(service.tools.shares.configured()))
}

/// Tries a share out: writes, reads back, compares, renames and deletes a small file.
#[utoipa::path(post, path = "/v1/shares/{share}/test", tag = "shares", params(("share" = String, Path, description = "Its name.")),
    responses((status = 200, description = "How each step went.", body = ShareTestJson)))]
pub(crate) async fn test_share(
    State(service): State<Arc<Service>>,
    _: May<to::UseShares>,
    Path(share): Path,
) -> Result<Json<ShareTestJson>, ApiProblem> {
    let location = location(&service, &share, None)?;
    let tools = &service.tools;
    let test = TestShare {
        shares: &tools.shares,
        clock: tools.clock.as_ref(),
        randomness: tools.randomness.as_ref(),
        temporaries: &tools.temporaries,
    };
    let tested = test.run(&location).await.map_err(|_| Known::Internal)?;
    let mut json = ShareTestJson::from(&tested);
    json.problem = tested
        .into_failure()
        .map(|failure| *ApiProblem::from(failure).problem);
    Ok(Json(json))
}
