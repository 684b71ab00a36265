use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keystead_application::ports::Replace;
use keystead_application::use_cases::{
    AccessError, BrowseKeysets, ExportDestination, ExportKeysets, ExportProtection, ExportReceipt,
    ImportKeysets, Principal,
};
use keystead_domain::{Fingerprint, Hint, KeysetReference, SecretBytes};
use keystead_wire::{
    ExportJson, ExportRequest, ExportToShareRequest, ImportJson, ImportRequest, InspectJson, InspectRequest,
    InspectedKeysetJson, SecretText,
};

use crate::caller::{Caller, May, to};
use crate::input::{Body, keyset, parsed, secret};
use crate::large::Large;
use crate::problem::{ApiProblem, Known};
use crate::service::Service;

/// How many keysets are named at most.
const MAX_NAMED: usize = 1000;
const MAX_SOURCE: usize = 200;

/// Exports keysets to the caller. The answer is the export file.
#[utoipa::path(post, path = "/v1/keysets/export", tag = "keysets", request_body = ExportRequest,
    responses((status = 200, description = "The export file, in PEM.", body = String, content_type = "application/x-pem-file")))]
pub(crate) async fn export_keysets(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ExportKeysets>,
    Body(request): Body<ExportRequest>,
) -> Result<Response, ApiProblem> {
    let ExportRequest {
        keysets,
        passphrase,
        unprotected,
        password,
    } = request;
    let protection = protection(passphrase.as_ref(), unprotected)?;
    let keysets = references(&keysets)?;
    confirm(&service, &caller, password.as_ref()).await?;
    let name = file_name(&service, &keysets).await?;
    let receipt = run(&service, &caller, keysets, protection, ExportDestination::Caller).await?;
    let content = receipt.content.ok_or(Known::Internal)?;
    let mut response = content.expose().to_vec().into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-pem-file"),
    );
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// Exports keysets to a share that the configuration of the manager names; the file is read back and compared.
#[utoipa::path(post, path = "/v1/keysets/export-to-share", tag = "keysets", request_body = ExportToShareRequest,
    responses((status = 200, description = "What was exported, and where.", body = ExportJson)))]
pub(crate) async fn export_keysets_to_share(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ExportKeysets>,
    Body(request): Body<ExportToShareRequest>,
) -> Result<Json<ExportJson>, ApiProblem> {
    let ExportToShareRequest {
        keysets,
        share,
        path,
        overwrite,
        passphrase,
        unprotected,
        password,
    } = request;
    let protection = protection(passphrase.as_ref(), unprotected)?;
    let keysets = references(&keysets)?;
    let location = location(&service, &share, path.as_deref())?;
    confirm(&service, &caller, password.as_ref()).await?;
    let exporter = exporter(&service, &caller);
    let located = exporter
        .locate(&caller.actor(), &service.tools.shares, &location)
        .await?;
    let replace = match overwrite {
        true => Replace::Allowed,
        false => Replace::Never,
    };
    let destination = ExportDestination::Share { located, replace };
    let receipt = run(&service, &caller, keysets, protection, destination).await?;
    Ok(Json(ExportJson::new(&receipt.exported, None)))
}

/// A place on a share that the configuration names. Nothing that a request says leads anywhere else.
pub(crate) fn location(service: &Service, share: &str, path: Option<&str>) -> Result<String, ApiProblem> {
    let configured = service.tools.shares.configured();
    if configured.iter().all(|known| known.name != share) {
        return Err(Known::NoSuchShare(share.chars().take(80).collect()).into());
    }
    match path {
        Some(path) => Ok(format!("share:{share}/{path}")),
        None => Ok(format!("share:{share}")),
    }
}

fn exporter<'a>(service: &'a Service, caller: &'a Caller) -> ExportKeysets<'a> {
    ExportKeysets {
        store: service.store.as_ref(),
        master_key: caller.view.master_key.as_ref(),
        rsa: service.tools.rsa.as_ref(),
        codec: Arc::clone(&service.tools.codec),
        clock: service.clock(),
        randomness: service.tools.randomness.as_ref(),
    }
}

async fn run(
    service: &Service,
    caller: &Caller,
    keysets: Vec<KeysetReference>,
    protection: ExportProtection,
    destination: ExportDestination,
) -> Result<ExportReceipt, ApiProblem> {
    let request = keystead_application::use_cases::ExportRequest {
        keysets,
        protection,
        destination,
    };
    let exporter = exporter(service, caller);
    Ok(exporter.run(&caller.actor(), request).await?)
}

fn protection(passphrase: Option<&SecretText>, unprotected: bool) -> Result<ExportProtection, ApiProblem> {
    match (passphrase, unprotected) {
        (Some(passphrase), false) => Ok(ExportProtection::Passphrase(Arc::new(secret(passphrase)))),
        (None, true) => Ok(ExportProtection::Unprotected),
        (Some(_), true) | (None, false) => Err(Known::NoProtection.into()),
    }
}

fn references(names: &[String]) -> Result<Vec<KeysetReference>, ApiProblem> {
    if names.len() > MAX_NAMED {
        return Err(crate::input::bad(
            "keysets",
            format!("at most {MAX_NAMED} can be named"),
        ));
    }
    names.iter().map(|name| keyset(name)).collect()
}

/// The name that the file has when a browser keeps it.
async fn file_name(service: &Service, keysets: &[KeysetReference]) -> Result<String, ApiProblem> {
    let [one] = keysets else {
        return Ok("keysets.pem".to_owned());
    };
    let browse = BrowseKeysets {
        store: service.store.as_ref(),
    };
    Ok(format!(
        "keyset-{}.pem",
        browse.show(one).await?.fingerprint().short()
    ))
}

/// A person gives the password again before private keys leave. A token was allowed to export when it was made.
pub(crate) async fn confirm(
    service: &Service,
    caller: &Caller,
    password: Option<&SecretText>,
) -> Result<(), ApiProblem> {
    let Principal::User { user, .. } = caller.principal.as_ref() else {
        return Ok(());
    };
    let password = password.ok_or(AccessError::PasswordNeeded)?;
    let sign_in = service.sign_in(&caller.view);
    Ok(sign_in.check_again(user, &secret(password), &caller.from).await?)
}

fn importer<'a>(service: &'a Service, caller: &'a Caller) -> ImportKeysets<'a> {
    ImportKeysets {
        store: service.store.as_ref(),
        master_key: caller.view.master_key.as_ref(),
        rsa: service.tools.rsa.as_ref(),
        codec: Arc::clone(&service.tools.codec),
        clock: service.clock(),
        randomness: service.tools.randomness.as_ref(),
    }
}

/// Looks into an export; stores nothing.
#[utoipa::path(post, path = "/v1/keysets/inspect", tag = "keysets", request_body = InspectRequest,
    responses((status = 200, description = "What is in the file.", body = InspectJson)))]
pub(crate) async fn inspect_export(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeKeysets>,
    _room: Large,
    Body(request): Body<InspectRequest>,
) -> Result<Json<InspectJson>, ApiProblem> {
    let InspectRequest { file, passphrase } = request;
    let passphrase = passphrase.as_ref().map(secret).map(Arc::new);
    let importer = importer(&service, &caller);
    let examined = importer
        .look(&caller.actor(), bytes(&file), "upload", passphrase)
        .await?;
    let mut keysets = Vec::with_capacity(examined.keysets.len());
    for keyset in &examined.keysets {
        let here = keyset.already_here(service.store.as_ref()).await?;
        keysets.push(InspectedKeysetJson::new(keyset, true, here));
    }
    Ok(Json(InspectJson { keysets }))
}

/// Imports the keysets of an export: all of them, or none. They are Inactive, and open their backups at once.
#[utoipa::path(post, path = "/v1/keysets/import", tag = "keysets", request_body = ImportRequest,
    responses((status = 201, description = "What was imported.", body = ImportJson)))]
pub(crate) async fn import_keysets(
    State(service): State<Arc<Service>>,
    May(caller, _): May<to::ChangeKeysets>,
    _room: Large,
    Body(request): Body<ImportRequest>,
) -> Result<(StatusCode, Json<ImportJson>), ApiProblem> {
    let ImportRequest {
        file,
        source,
        passphrase,
        hint,
        hints_for_nameless,
        expect_fingerprints,
    } = request;
    let mut nameless = std::collections::BTreeMap::new();
    for (fingerprint, hint) in &hints_for_nameless {
        let fingerprint: Fingerprint = parsed("hints_for_nameless", fingerprint)?;
        nameless.insert(fingerprint, parsed::<Hint>("hints_for_nameless", hint)?);
    }
    let expected = expect_fingerprints
        .iter()
        .map(|text| parsed("expect_fingerprints", text))
        .collect::<Result<_, _>>()?;
    let request = keystead_application::use_cases::ImportRequest {
        file: bytes(&file),
        source: match source {
            Some(source) => format!("upload: {}", source.chars().take(MAX_SOURCE).collect::<String>()),
            None => "upload".to_owned(),
        },
        passphrase: passphrase.as_ref().map(secret).map(Arc::new),
        hint: hint.as_deref().map(|hint| parsed("hint", hint)).transpose()?,
        hints_for_nameless: nameless,
        expected,
    };
    let imported = importer(&service, &caller).run(&caller.actor(), request).await?;
    Ok((StatusCode::CREATED, Json(ImportJson::new(&imported))))
}

fn bytes(text: &SecretText) -> SecretBytes {
    SecretBytes::new(text.expose().as_bytes().to_vec())
}
