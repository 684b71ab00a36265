//! What is counted, for Prometheus: requests by route and outcome, and how long they took.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The type of the text that Prometheus reads.
pub(crate) const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Limits of the classes of durations, in seconds.
const SECONDS: [f64; 10] = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// The use case, by the name that it has in the description of the API.
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

/// The counters.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    durations: Family<OperationLabel, Histogram>,
    in_flight: Gauge<u64, AtomicU64>,
    jobs: Family<Labels, Counter>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("keystead");
        let (requests, jobs) = (
            Family::<Labels, Counter>::default(),
            Family::<Labels, Counter>::default(),
        );
        let durations = Family::<OperationLabel, Histogram>::new_with_constructor(|| Histogram::new(SECONDS));
        let in_flight = Gauge::<u64, AtomicU64>::default();
        registry.register("requests", "Requests by use case and outcome", requests.clone());
        registry.register(
            "request_duration_seconds",
            "How long requests took",
            durations.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests that are being answered",
            in_flight.clone(),
        );
        registry.register("jobs", "Jobs by kind and outcome", jobs.clone());
        Self {
            registry,
            requests,
            durations,
            in_flight,
            jobs,
        }
    }

    pub(crate) fn begun(&self) {
        self.in_flight.inc();
    }

    /// A request that was answered, or given up by who made it.
    pub(crate) fn ended(&self, operation: &'static str, status: Option<u16>, took: Duration) {
        self.in_flight.dec();
        let outcome = match status {
            None => "cut_off",
            Some(0..400) => "done",
            Some(400..500) => "refused",
            Some(_) => "failed",
        };
        self.requests.get_or_create(&Labels { operation, outcome }).inc();
        self.durations
            .get_or_create(&OperationLabel { operation })
            .observe(took.as_secs_f64());
    }

    pub(crate) fn job(&self, operation: &'static str, outcome: &'static str) {
        self.jobs.get_or_create(&Labels { operation, outcome }).inc();
    }

    pub(crate) fn text(&self) -> Option<String> {
        let mut text = String::new();
        encode(&mut text, &self.registry).ok()?;
        Some(text)
    }
}
