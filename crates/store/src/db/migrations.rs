//! Migrations of both databases, part of the program.
use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// The names of all migrations with their statements, in the order of their numbers. A new one is appended here.
macro_rules! migrations {
    ($database:literal) => {
        migrations!($database, "0001_first", "0002_rules", "0003_notifications")
    };
    ($database:literal, $($name:literal),+) => {
        [$(($name, include_str!(concat!("../../../../migrations/", $database, "/", $name, ".sql")))),+]
    };
}

pub(super) fn sqlite() -> Migrator {
    migrator(&migrations!("sqlite"))
}

pub(super) fn postgres() -> Migrator {
    migrator(&migrations!("postgres"))
}

fn migrator(files: &[(&'static str, &'static str)]) -> Migrator {
    let migration = |(version, (name, sql)): (i64, &(&'static str, &'static str))| {
        let description = name.split_once('_').map_or(*name, |(_, description)| description);
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations((1..).zip(files).map(migration).collect())
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    #[test]
    fn every_migration_file_is_embedded() {
        for (database, part) in [("sqlite", migrations!("sqlite")), ("postgres", migrations!("postgres"))] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(database);
            let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
            let files: BTreeSet<_> = std::fs::read_dir(folder).unwrap().map(name).collect();
            assert_eq!(files, part.iter().map(|(name, _)| format!("{name}.sql")).collect());
        }
    }
}
