//! Path rule: every path that the developer documentation names exists.

use crate::root::path;

/// Prefixes of paths in the tree.
const ROOTS: [&str; 11] = [
    "app/",
    "crates/",
    "deploy/",
    "docs/",
    "end2end/",
    "fuzz/",
    "migrations/",
    "runner/",
    "server/",
    "style/",
    "xtask/",
];

#[test]
fn every_path_in_the_developer_documentation_exists() {
    for page in ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md", "docs/glossary.md"] {
        let text = std::fs::read_to_string(path(page)).unwrap();
        let quoted = text.split('`').skip(1).step_by(2);
        let paths = quoted.filter(|name| ROOTS.iter().any(|root| name.starts_with(root)));
        let missing: Vec<_> = paths
            .filter(|name| !name.contains(|c: char| c.is_whitespace() || "{*".contains(c)) && !name.contains("FEATURE"))
            .filter(|name| !path(name).exists())
            .collect();
        assert!(missing.is_empty(), "{page} names missing paths: {missing:?}");
    }
}
