//! Who may import whom: the map "May import" of ARCHITECTURE.md, and the crates that stay behind one wall.

use serde::Deserialize;

use crate::root::cargo;

/// Member → the members it may depend on. Everything else is forbidden.
const MAY_IMPORT: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("auth", &["domain", "store"]),
    ("app", &["auth", "domain", "store"]),
    ("frontend", &["app"]),
    ("wire", &[]),
    ("server", &["app", "auth", "domain", "store", "wire"]),
    ("runner", &["domain", "wire"]),
    ("bench", &["domain", "runner", "store"]),
    ("xtask", &[]),
];

/// What `app` has on the server but never in the browser.
const NOT_IN_THE_BROWSER: &str = "cfg(not(target_family = \"wasm\"))";

/// What `domain` must stay free of: no I/O, no async, no clock, no randomness.
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
    /// The condition under which it is there.
    target: Option<String>,
}

fn members() -> Vec<Package> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1"]).output().unwrap();
    serde_json::from_slice::<Metadata>(&output.stdout).unwrap().packages
}

fn member(name: &str) -> Package {
    members().into_iter().find(|package| package.name == name).unwrap()
}

fn may_import(name: &str) -> &'static [&'static str] {
    MAY_IMPORT.iter().find(|(member, _)| *member == name).unwrap_or_else(|| panic!("{name} is not on the map")).1
}

#[test]
fn members_import_only_what_the_map_allows() {
    for package in members() {
        let allowed = may_import(&package.name);
        for dependency in package.dependencies {
            let name = dependency.name.as_str();
            let is_member = MAY_IMPORT.iter().any(|(member, _)| *member == name);
            assert!(!is_member || allowed.contains(&name), "{} must not import {name}", package.name);
        }
    }
}

#[test]
fn store_and_auth_are_not_in_the_wasm_file() {
    let app = member("app");
    for server_only in app.dependencies.iter().filter(|its| ["auth", "store"].contains(&its.name.as_str())) {
        assert_eq!(server_only.target.as_deref(), Some(NOT_IN_THE_BROWSER));
    }
}

/// Who speaks to a database: the store, and what holds it against the database alone.
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
