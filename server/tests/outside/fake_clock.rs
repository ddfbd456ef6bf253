//! Fake clock of a deployment: its programs run at another time than the machine (libfaketime).
use crate::program::Program;
use std::{fs, path::PathBuf};

/// The clock of the commands and the server of a deployment, and optionally of its local runner. A file controls it.
pub struct FakeClock {
    file: PathBuf,
}

impl FakeClock {
    /// Installs a clock that shows the time of the machine.
    pub fn install(program: &mut Program, runner_too: bool) -> Self {
        let folder = program.data().parent().unwrap().to_owned();
        let clock = Self { file: folder.join("clock") };
        clock.move_by("+0");
        let variables = [
            format!("LD_PRELOAD={}", library().display()),
            format!("FAKETIME_TIMESTAMP_FILE={}", clock.file.display()),
            "FAKETIME_NO_CACHE=1".to_owned(),
            // Only the wall clock jumps; the monotonic clock does not.
            "FAKETIME_DONT_FAKE_MONOTONIC=1".to_owned(),
            "NO_FAKE_STAT=1".to_owned(),
        ];
        let mut prefix = vec!["env"];
        prefix.extend(variables.iter().map(String::as_str));
        program.run_commands_within(&prefix);
        if runner_too {
            program.wrap_runner_command(&format!("exec env {} ", variables.join(" ")));
        }
        clock
    }

    /// Sets the difference to the time of the machine, for example `+2h` or `-90`, which are seconds.
    pub fn move_by(&self, span: &str) {
        let draft = self.file.with_extension("draft");
        fs::write(&draft, format!("{span}\n")).unwrap();
        fs::rename(draft, &self.file).unwrap();
    }
}

fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten().map(|entry| entry.path());
    let mut found = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).filter(|file| file.is_file());
    found.next().expect("libfaketime is needed: run cargo xtask test, which installs it")
}
