//! The one direction of dependencies: domain ← application ← {contract, adapters} ← keystead.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that cannot go on has failed.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// The part of the architecture that a package of the workspace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Domain,
    Application,
    Contract,
    Adapter,
    /// Technology that adapters share.
    Technology,
    /// A backend of somebody else's, to show how one is made.
    Example,
    /// What tests start.
    TestServers,
    Binary,
}

impl Part {
    fn of(package: &Package) -> Self {
        let folder = package.manifest_path.parent().unwrap();
        match (
            folder.file_name().unwrap(),
            folder.parent().unwrap().file_name().unwrap(),
        ) {
            ("domain", "crates") => Self::Domain,
            ("application", "crates") => Self::Application,
            ("contract", "crates") => Self::Contract,
            ("https" | "listener" | "wire", "crates") => Self::Technology,
            ("keystead", "crates") => Self::Binary,
            (_, "adapters") => Self::Adapter,
            (_, "examples") => Self::Example,
            ("servers", "tests") => Self::TestServers,
            other => panic!("{other:?} has no place in the architecture"),
        }
    }

    fn may_use(self, other: Self, kind: DependencyKind) -> bool {
        use Part::{Adapter, Application, Binary, Contract, Domain, Example, Technology, TestServers};
        let test_only = kind == DependencyKind::Development;
        match (self, other) {
            (Application, Domain) | (Contract | Adapter | Example | Technology, Domain | Application) => true,
            (Adapter, Technology) => true,
            (Binary, Domain | Application | Adapter | Technology) => true,
            // An adapter proves itself with the contract; a use case is tested with the reference adapter.
            (Adapter | Example, Contract) | (Application | Adapter, Adapter) => test_only,
            (Adapter | Binary, TestServers) => test_only,
            (_, _) => false,
        }
    }
}

#[test]
fn dependencies_point_one_way() {
    let metadata = MetadataCommand::new().manifest_path(manifest()).exec().unwrap();
    let members = metadata.workspace_packages();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for package in &members {
        let part = Part::of(package);
        seen.insert(part);
        for dependency in &package.dependencies {
            // A package may name itself, to be tested with its own features.
            if dependency.name == package.name.as_str() {
                continue;
            }
            let Some(other) = members.iter().find(|p| p.name.as_str() == dependency.name) else {
                continue;
            };
            if !part.may_use(Part::of(other), dependency.kind) {
                wrong.push(format!("{} uses {}", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(seen.len(), 8, "every part was looked at");
}

#[test]
fn the_domain_does_not_wait_serialise_or_reach_out() {
    let metadata = MetadataCommand::new().manifest_path(manifest()).exec().unwrap();
    let allowed = |crate_name: &str, allowed: &[&str]| {
        let package = metadata
            .packages
            .iter()
            .find(|p| p.name.as_str() == crate_name)
            .unwrap();
        let normal = package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal);
        let strangers: Vec<_> = normal
            .filter(|d| !allowed.contains(&d.name.as_str()))
            .map(|d| &d.name)
            .collect();
        assert!(strangers.is_empty(), "{crate_name}: {strangers:?}");
    };
    allowed(
        "keystead-domain",
        &["base64", "jiff", "sha2", "thiserror", "uuid", "zeroize"],
    );
    let application = [
        "async-trait",
        "base64",
        "keystead-domain",
        "mockall",
        "serde",
        "serde_json",
        "thiserror",
        "tokio",
        "tracing",
        "zeroize",
    ];
    allowed("keystead-application", &application);
}

#[test]
fn anyhow_is_for_the_binary_alone() {
    let metadata = MetadataCommand::new().manifest_path(manifest()).exec().unwrap();
    for package in metadata.workspace_packages() {
        let uses = package.dependencies.iter().any(|d| d.name == "anyhow");
        assert!(!uses || Part::of(package) == Part::Binary, "{}", package.name);
    }
}

#[test]
fn every_test_file_belongs_to_a_target() {
    let metadata = MetadataCommand::new().manifest_path(manifest()).exec().unwrap();
    let targets: BTreeSet<String> = metadata
        .workspace_packages()
        .iter()
        .flat_map(|p| &p.targets)
        .map(|t| std::fs::canonicalize(&t.src_path).unwrap().display().to_string())
        .collect();
    let root = metadata.workspace_root.as_std_path().join("tests");
    for folder in ["cli", "architecture"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path().canonicalize().unwrap();
            let is_test = path.extension().is_some_and(|e| e == "rs");
            assert!(
                !is_test || targets.contains(path.to_str().unwrap()),
                "{} is never compiled",
                path.display()
            );
        }
    }
}

fn manifest() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")
}
