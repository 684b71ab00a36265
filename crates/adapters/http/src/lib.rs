//! The API over HTTP: requests in, use cases called, JSON out. No rule lives here: who may do what is
//! [`keystead_domain::Role::may`], and what is done is a use case.
//!
//! Nothing that another process needs is kept in this one: users, sessions, tokens, codes, failures and jobs are records of
//! the store, so that any number of processes can serve one installation. What is kept here is only what can be thrown away
//! at any moment, and it is used only as long as the store says that nothing was changed.

mod caller;
mod cookies;
mod described;
mod handlers;
mod headers;
mod input;
mod large;
mod metrics;
mod observe;
mod problem;
mod routes;
mod runner;
mod service;
mod view;

pub use described::openapi_json;
pub use problem::{ProblemKind, every_problem};
pub use routes::{RouteAccess, router, routes_and_operations};
pub use runner::run_jobs;
pub use service::{Service, ServiceOptions};
