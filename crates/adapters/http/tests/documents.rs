//! The description of the API and the list of problems are kept with the documentation, and say what the program says.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

use std::path::PathBuf;

fn document(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../docs")
        .join(name)
}

/// Compares a document with what the program makes; `just api-documents` writes it instead.
fn same(name: &str, made: &str) {
    if std::env::var_os("KEYSTEAD_WRITE_DOCUMENTS").is_some() {
        std::fs::write(document(name), made).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(document(name)).unwrap_or_default();
    assert!(
        kept == made,
        "docs/{name} is not what the program says; renew it with: just api-documents"
    );
}

#[test]
fn the_description_of_the_api_is_the_one_in_the_documentation() {
    same("openapi.json", &keystead_http::openapi_json());
}

#[test]
fn every_problem_is_listed() {
    let mut text = String::from(
        "# Problems\n\nEvery error of the API is a problem (RFC 9457): a JSON object of the type `application/problem+json`, \
         with\n\n\
         - `type`: `urn:keystead:problem:` and the code. It never changes its meaning; programs go by it.\n\
         - `title`: what happened. `detail`: why. `fix`: what to do. `cli_fix`: the same for the command line, where that \
         says more.\n\
         - `status`: the HTTP status. `exit_status`: how the command line ends on it. `request_id`: the request in the log \
         of the service.\n\nWith 429 and 503 the header `Retry-After` says when to try again.\n\n\
         | code | status | what to do |\n|---|---|---|\n",
    );
    for kind in keystead_http::every_problem() {
        text.push_str(&format!("| `{}` | {} | {} |\n", kind.code, kind.status, kind.fix));
    }
    same("problems.md", &text);
}

#[test]
fn every_route_of_the_description_is_one_of_the_table() {
    let api: serde_json::Value = serde_json::from_str(&keystead_http::openapi_json()).unwrap();
    let paths = api["paths"].as_object().unwrap();
    let described: usize = paths.values().map(|path| path.as_object().unwrap().len()).sum();
    assert_eq!(described, keystead_http::routes_and_operations().count());
    for (method, path, _) in keystead_http::routes_and_operations() {
        let operation = &api["paths"][path][method.to_lowercase()];
        assert!(operation["operationId"].is_string(), "{method} {path}");
        assert!(operation["responses"]["default"].is_object(), "{method} {path}");
    }
}
