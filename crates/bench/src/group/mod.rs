//! Benchmark groups, one file each.
pub mod burst;
pub mod changes;
pub mod claims;
pub mod output;
pub mod pages;
pub mod sign_in;
pub mod size;
pub mod tasks;

use crate::{figure::Figure, program::Program, raw::sandbox::Sandboxes};
use anyhow::Result;
use std::path::PathBuf;

/// The context of every group.
#[derive(Debug)]
pub struct Bench {
    pub binaries: PathBuf,
    pub data: PathBuf,
    pub short: bool,
    pub sandboxes: Sandboxes,
    pub figures: Vec<Figure>,
}

/// The database that a group is measured on.
#[derive(Clone, Copy, Debug)]
pub enum On<'a> {
    Sqlite,
    Postgres(&'a str),
}

impl On<'_> {
    /// What a figure is called there.
    pub fn name(self, name: &str) -> String {
        match self {
            Self::Sqlite => name.to_owned(),
            Self::Postgres(_) => format!("PostgreSQL: {name}"),
        }
    }

    /// The address of an empty database; on SQLite the program makes its own.
    ///
    /// # Errors
    /// When the cluster refuses.
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
    /// The number to use: the first, or the second where it is to be short.
    pub fn count<T>(&self, usual: T, short: T) -> T {
        if self.short { short } else { usual }
    }

    pub fn add(&mut self, figure: Figure) {
        println!("  {figure}");
        self.figures.push(figure);
    }

    /// A program on an empty database.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn program(&self, on: On<'_>) -> Result<Program> {
        Program::new(&self.binaries, &self.data, on.database()?)
    }
}
