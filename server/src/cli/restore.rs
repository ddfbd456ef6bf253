//! `castellan restore` command: restores a backup file, or continues after the database was restored by other means.
use super::{
    audit::{Acknowledgment, finding_data, restored},
    backup::{PassphraseFile, unless_interrupted},
};
use crate::{
    backup::{self, Source},
    config::Config,
    failure::Failure,
    keys::EnvironmentSecrets,
    output::Output,
    state::{App, IfMissing},
};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(super) struct Restore {
    /// File that `castellan backup` made. Without it, the command only records that the database was restored by other means
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    why: Acknowledgment,
    #[command(flatten)]
    passphrase: PassphraseFile,
}

pub(super) async fn run(
    command: Restore,
    config: Config,
    given: EnvironmentSecrets,
    output: Output,
) -> Result<(), Failure> {
    let Some(file) = command.file else {
        return restored(command.why, App::open(config, given, IfMissing::Fail).await?, output).await;
    };
    let reason = domain::text::name("reason", &command.why.reason, 500)?;
    let source = Source { file, reason, against: command.why.against };
    let restore = backup::restore(&config, given, &source, || command.passphrase.read(false));
    // Otherwise the decrypted keys of the backup would remain in the data folder.
    let restored = unless_interrupted(restore, "nothing was changed").await?;
    let mut lines: String = restored.findings.iter().map(|it| format!("{}{it}\n", it.prefix())).collect();
    for remark in &restored.remarks {
        lines.push_str(&format!("{remark}\n"));
    }
    if let Some(kept) = &restored.kept {
        lines.push_str(&format!("The former database is kept as {}.\n", kept.display()));
    }
    let data = json!({
        "created_at": restored.created_at,
        "previous_database": restored.kept,
        "warnings": restored.remarks,
        "acknowledged": restored.findings.iter().map(finding_data).collect::<Vec<_>>(),
    });
    let text = format!(
        "{lines}Restored the backup of {}, and recorded this in the audit log. The server can be started.",
        restored.created_at
    );
    output.print(&data, text)
}
