//! Dependency rules between workspace members, and for the crates that only some members may use.

use crate::root::cargo;
use serde::Deserialize;

/// Member → the members it may depend on.
const MAY_IMPORT: [(&str, &[&str]); 14] = [
    ("domain", &[]),
    ("cose", &["domain"]),
    ("store", &["cose", "domain", "testkit"]),
    ("auth", &["cose", "domain", "outbound", "store"]),
    ("islands", &[]),
    ("app", &["auth", "domain", "islands", "store", "testkit"]),
    ("frontend", &["islands"]),
    ("outbound", &[]),
    ("wire", &[]),
    ("server", &["app", "auth", "domain", "outbound", "store", "testkit", "wire"]),
    ("runner", &["cose", "domain", "testkit", "wire"]),
    ("testkit", &["cose", "domain", "store"]),
    ("bench", &["domain", "store"]),
    ("xtask", &[]),
];

/// Crates that `domain` must not depend on: no I/O, no async, no clock, no randomness.
const NOT_IN_DOMAIN: [&str; 9] =
    ["chrono", "futures", "getrandom", "leptos", "rand", "reqwest", "rustix", "sqlx", "tokio"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// `None`, `"dev"` or `"build"`.
    kind: Option<String>,
}

fn members() -> Vec<Package> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1"]).output().unwrap();
    serde_json::from_slice::<Metadata>(&output.stdout).unwrap().packages
}

fn member(name: &str) -> Package {
    members().into_iter().find(|package| package.name == name).unwrap()
}

fn may_import(name: &str) -> &'static [&'static str] {
    MAY_IMPORT.iter().find(|(member, _)| *member == name).unwrap_or_else(|| panic!("{name} is missing in MAY_IMPORT")).1
}

#[test]
fn members_import_only_allowed_members() {
    for package in members() {
        let allowed = may_import(&package.name);
        for dependency in package.dependencies {
            let name = dependency.name.as_str();
            let is_member = MAY_IMPORT.iter().any(|(member, _)| *member == name);
            assert!(!is_member || allowed.contains(&name), "{} must not import {name}", package.name);
        }
    }
}

/// The test support is not part of the product.
#[test]
fn only_tests_import_the_testkit() {
    for package in members() {
        let imports = package.dependencies.iter().filter(|dependency| dependency.name == "testkit");
        for import in imports {
            assert_eq!(import.kind.as_deref(), Some("dev"), "{} must import testkit for its tests only", package.name);
        }
    }
}

/// The wasm file is served to everybody: no other member may be linked into it, above all not the store.
#[test]
fn the_wasm_file_contains_the_islands_only() {
    let members: Vec<_> = members().into_iter().map(|package| package.name).collect();
    let imports = |name: &str| {
        let dependencies = member(name).dependencies.into_iter().map(|dependency| dependency.name);
        dependencies.filter(|dependency| members.contains(dependency)).collect::<Vec<_>>()
    };
    assert_eq!(imports("frontend"), ["islands"]);
    assert!(imports("islands").is_empty(), "{:?}", imports("islands"));
}

/// Members that access a database: the store, and the benchmark that compares it with the database alone.
const SEES_SQLX: [&str; 2] = ["store", "bench"];

#[test]
fn only_the_store_sees_sqlx() {
    for package in members().into_iter().filter(|package| !SEES_SQLX.contains(&package.name.as_str())) {
        assert!(package.dependencies.iter().all(|its| its.name != "sqlx"), "{} must not see sqlx", package.name);
    }
}

#[test]
fn the_domain_does_no_input_and_output() {
    for dependency in member("domain").dependencies.into_iter().filter(|its| its.kind.is_none()) {
        assert!(!NOT_IN_DOMAIN.contains(&dependency.name.as_str()), "domain must not import {}", dependency.name);
    }
}
