//! Import cycles: files of a crate that use items of each other, directly or through others.
//!
//! An import counts as a use of the file that defines the item; re-exports in between are followed and are no uses themselves.

use crate::root::{files_below, path};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};
use syn::{
    Item, UseTree, Visibility,
    visit::{self, Visit},
};

/// Cycles that remain, each with the crate, its files and the reason. The list may only shrink.
const REMAINING: &[(&str, &[&str], &str)] = &[
    (
        "crates/auth",
        &["error", "providers/failure"],
        "The error of a provider sign-in carries its failure, and a failure builds that error.",
    ),
    ("crates/domain", &["actor", "policy/mod"], "An actor asks the policy, and the policy decides about actors."),
];

const CRATES: [&str; 10] = [
    "app",
    "crates/auth",
    "crates/bench",
    "crates/cose",
    "crates/domain",
    "crates/islands",
    "crates/store",
    "crates/testkit",
    "runner",
    "server",
];

type Module = Vec<String>;

/// A file: what it defines, re-exports and uses, as paths from its own module.
#[derive(Default)]
struct File {
    name: String,
    reexports: BTreeMap<String, Vec<String>>,
    uses: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for File {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Use(import) => {
                let mut paths = vec![];
                flatten(&import.tree, &mut vec![], &mut paths);
                for (path, name) in paths {
                    self.reexports.insert(name, path.clone());
                    if matches!(import.vis, Visibility::Inherited) {
                        self.uses.push(path);
                    }
                }
            }
            Item::Mod(module) if module.ident == "tests" => {}
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 && matches!(segments[0].as_str(), "crate" | "super") {
            self.uses.push(segments);
        }
        visit::visit_path(self, path);
    }
}

/// Splits a tree of imports into its paths, each with the name that it has in the file.
fn flatten(tree: &UseTree, prefix: &mut Vec<String>, paths: &mut Vec<(Vec<String>, String)>) {
    match tree {
        UseTree::Path(step) => {
            prefix.push(step.ident.to_string());
            flatten(&step.tree, prefix, paths);
            prefix.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, paths)),
        UseTree::Name(name) if name.ident == "self" => {
            paths.push((prefix.clone(), prefix.last().cloned().unwrap_or_default()));
        }
        UseTree::Name(name) => {
            let path = prefix.iter().cloned().chain([name.ident.to_string()]).collect();
            paths.push((path, name.ident.to_string()));
        }
        UseTree::Rename(rename) => {
            let path = prefix.iter().cloned().chain([rename.ident.to_string()]).collect();
            paths.push((path, rename.rename.to_string()));
        }
        UseTree::Glob(_) => paths.push((prefix.clone(), "*".to_owned())),
    }
}

/// The modules of a crate by their paths; the root has the empty path.
struct Crate(BTreeMap<Module, File>);

impl Crate {
    fn read(source: &Path) -> Self {
        let mut modules = BTreeMap::new();
        for file in
            files_below(source).unwrap().into_iter().filter(|file| file.extension().is_some_and(|it| it == "rs"))
        {
            let relative = file.strip_prefix(source).unwrap().with_extension("");
            let mut module: Module = relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            if matches!(module.last().map(String::as_str), Some("mod" | "lib")) || module == ["main"] {
                module.pop();
            }
            let syntax = syn::parse_file(&std::fs::read_to_string(&file).unwrap()).unwrap();
            let mut parsed = File { name: relative.display().to_string(), ..File::default() };
            parsed.visit_file(&syntax);
            modules.entry(module).or_insert(parsed);
        }
        Self(modules)
    }

    /// Returns the module that defines what a path in `from` names; `None` if that is another crate.
    fn resolve(&self, from: &Module, path: &[String], depth: u8) -> Option<Module> {
        let mut current = match path.first()?.as_str() {
            "crate" | "super" | "self" => from.clone(),
            first => {
                let child: Module = from.iter().cloned().chain([first.to_owned()]).collect();
                let reexported =
                    self.0.get(from).is_some_and(|file| file.reexports.get(first).is_some_and(|to| to != path));
                (self.0.contains_key(&child) || reexported).then(|| from.clone())?
            }
        };
        for (number, segment) in path.iter().enumerate() {
            match segment.as_str() {
                "crate" => current.clear(),
                "super" => drop(current.pop()),
                "self" => {}
                name => {
                    let child: Module = current.iter().cloned().chain([name.to_owned()]).collect();
                    if self.0.contains_key(&child) {
                        current = child;
                        continue;
                    }
                    let reexport = self.0.get(&current).and_then(|file| file.reexports.get(name));
                    return match reexport.filter(|to| depth < 8 && to.as_slice() != path) {
                        Some(to) => {
                            let rest = path[number + 1..].iter().cloned();
                            self.resolve(&current, &to.iter().cloned().chain(rest).collect::<Vec<_>>(), depth + 1)
                        }
                        None => Some(current),
                    };
                }
            }
        }
        Some(current)
    }

    /// Returns the cycles: groups of files of which each reaches every other through imports.
    fn cycles(&self) -> BTreeSet<BTreeSet<String>> {
        let uses: BTreeMap<&Module, BTreeSet<Module>> = self
            .0
            .iter()
            .map(|(module, file)| {
                let used = file.uses.iter().filter_map(|path| self.resolve(module, path, 0));
                (module, used.filter(|used| used != module && self.0.contains_key(used)).collect())
            })
            .collect();
        let reached: BTreeMap<&Module, BTreeSet<&Module>> = uses
            .keys()
            .map(|module| {
                let (mut seen, mut next) = (BTreeSet::new(), vec![*module]);
                while let Some(module) = next.pop() {
                    next.extend(uses.get(module).into_iter().flatten().filter(|used| seen.insert(*used)));
                }
                (*module, seen)
            })
            .collect();
        let together = |module: &&Module| -> BTreeSet<String> {
            let others = reached[*module].iter().filter(|other| reached[**other].contains(*module));
            others.map(|other| self.0[*other].name.clone()).collect()
        };
        reached.keys().map(together).filter(|cycle| cycle.len() > 1).collect()
    }
}

#[test]
fn files_do_not_import_each_other_in_cycles() {
    let mut expected = BTreeSet::new();
    for (member, files, reason) in REMAINING {
        assert!(!reason.is_empty(), "{files:?} has no reason");
        expected.insert((*member, files.iter().map(|file| (*file).to_owned()).collect::<BTreeSet<_>>()));
    }
    let mut found = BTreeSet::new();
    for member in CRATES {
        let cycles = Crate::read(&path(member).join("src")).cycles();
        found.extend(cycles.into_iter().map(|cycle| (member, cycle)));
    }
    let new: Vec<_> = found.difference(&expected).collect();
    assert!(new.is_empty(), "these files import each other in cycles: {new:#?}");
    let gone: Vec<_> = expected.difference(&found).collect();
    assert!(gone.is_empty(), "these cycles are gone, remove them from the list: {gone:#?}");
}
