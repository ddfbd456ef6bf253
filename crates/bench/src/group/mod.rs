//! Benchmark groups, one file each.
pub mod burst;
pub mod changes;
pub mod claims;
pub mod output;
pub mod pages;
pub mod sign_in;
pub mod size;
pub mod tasks;

use crate::{figure::Figure, program::Program};
use anyhow::Result;
use std::path::PathBuf;

/// The context of every group.
#[derive(Debug)]
pub struct Bench {
    pub binaries: PathBuf,
    pub data: PathBuf,
    pub short: bool,
    pub figures: Vec<Figure>,
}

/// The database that a group is measured on.
#[derive(Clone, Copy, Debug)]
pub enum BenchDatabase<'a> {
    Sqlite,
    Postgres(&'a str),
}

impl BenchDatabase<'_> {
    /// Returns the name of a figure on this database.
    pub fn name(self, name: &str) -> String {
        match self {
            Self::Sqlite => name.to_owned(),
            Self::Postgres(_) => format!("PostgreSQL: {name}"),
        }
    }

    /// Returns the URL of an empty database; on SQLite the program creates its own.
    ///
    /// # Errors
    /// Fails if the database cannot be created.
    pub fn database(self) -> Result<Option<String>> {
        match self {
            Self::Sqlite => Ok(None),
            Self::Postgres(cluster) => {
                tokio::runtime::Runtime::new()?.block_on(crate::raw::postgres::database(cluster)).map(Some)
            }
        }
    }
}

impl Bench {
    /// Returns `full`, or `short` for a short run.
    pub fn count<T>(&self, full: T, short: T) -> T {
        if self.short { short } else { full }
    }

    pub fn add(&mut self, figure: Figure) {
        println!("  {figure}");
        self.figures.push(figure);
    }

    /// Returns a program on an empty database.
    ///
    /// # Errors
    /// Fails if it cannot be set up.
    pub fn program(&self, on: BenchDatabase<'_>) -> Result<Program> {
        Program::new(&self.binaries, &self.data, on.database()?)
    }
}
