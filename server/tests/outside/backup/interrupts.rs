//! Interrupts at the terminal: an interrupted restore leaves no decrypted keys, and after a prompt the terminal echoes its input again.
use super::{PASSPHRASE, WITH_KEYS, beside};
use crate::{
    program::Program,
    recovery::begin,
    timeouts::{DEFAULT_TIMEOUT, until},
};
use rustix::{
    fs::{Mode, OFlags, open},
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};
use std::{
    fs::{self, File},
    io::{Read, Write},
    process::{Command, Stdio},
    time::Duration,
};

/// Returns a stopped deployment and its backup with the keys.
async fn scene() -> (Program, String) {
    let mut program = Program::sqlite();
    program.configure("[local_runner]\nenabled = false\n");
    begin(&mut program).await;
    program.stop(DEFAULT_TIMEOUT).await;
    let file = beside(&program, "with-keys.tar").display().to_string();
    program.cli(&[&["backup", &file], &WITH_KEYS[..]].concat(), PASSPHRASE);
    (program, file)
}

/// A terminal with one program.
struct Terminal {
    master: File,
    slave: File,
}

impl Terminal {
    fn open() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = open(ptsname(&master, vec![]).unwrap(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        Self { master: master.into(), slave: slave.into() }
    }

    fn attach(&self, command: &mut Command) {
        let end = || Stdio::from(self.slave.try_clone().unwrap());
        command.stdin(end()).stdout(Stdio::null()).stderr(end());
    }

    /// Reads until the program prints this text, and returns everything up to there.
    fn read_until(&mut self, text: &str) -> String {
        let (mut read, mut buffer) = (String::new(), [0; 256]);
        while !read.contains(text) {
            let length = self.master.read(&mut buffer).unwrap();
            read.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        read
    }

    fn is_echoing(&self) -> bool {
        tcgetattr(&self.slave).unwrap().local_modes.contains(LocalModes::ECHO)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_ctrl_c_at_the_passphrase_prompt_ends_the_command_and_restores_the_echo() {
    let (program, file) = scene().await;
    let empty = Program::sqlite();
    let backup = beside(&program, "other.tar").display().to_string();
    for (program, arguments) in
        [(&program, &["backup", &backup, "--with-keys"][..]), (&empty, &["restore", &file, "--reason", "drill"])]
    {
        let mut terminal = Terminal::open();
        let mut command = program.command(arguments);
        terminal.attach(&mut command);
        let mut child = command.spawn().unwrap();
        terminal.read_until("Passphrase for the keys: ");
        until("the terminal does not echo", async || (!terminal.is_echoing()).then_some(())).await;
        terminal.master.write_all(b"tidal\x03").unwrap();
        let status = until("the command ends", async || child.try_wait().unwrap()).await;
        assert_eq!(status.code(), Some(1));
        assert!(terminal.is_echoing());
        let printed = terminal.read_until("interrupted");
        assert!(!printed.contains("tidal"), "{printed}");
    }
    assert!(!fs::exists(backup).unwrap() && !empty.data().join("restore").exists());

    // Without an interrupt, the passphrase is accepted.
    let mut terminal = Terminal::open();
    let mut command = empty.command(&["restore", &file, "--reason", "drill"]);
    terminal.attach(&mut command);
    let mut child = command.spawn().unwrap();
    terminal.read_until("Passphrase for the keys: ");
    until("the terminal does not echo", async || (!terminal.is_echoing()).then_some(())).await;
    terminal.master.write_all(format!("{PASSPHRASE}\n").as_bytes()).unwrap();
    let status = until("the command ends", async || child.try_wait().unwrap()).await;
    assert!(status.success() && terminal.is_echoing());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_13_an_interrupted_restore_leaves_no_decrypted_keys() {
    const ROUNDS: u32 = 12;
    let (_program, file) = scene().await;
    let mut interrupted = 0;
    let mut whole = Duration::from_secs(2);
    for round in 0..=ROUNDS {
        let empty = Program::sqlite();
        let passphrase = beside(&empty, "passphrase");
        fs::write(&passphrase, PASSPHRASE).unwrap();
        let passphrase = passphrase.display().to_string();
        let mut command = empty.command(&["restore", &file, "--reason", "drill", "--passphrase-file", &passphrase]);
        let began = std::time::Instant::now();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The first one is not interrupted, and shows how long it takes.
        if round > 0 {
            std::thread::sleep(whole * round / ROUNDS);
            let _ = kill_process(Pid::from_child(&child), Signal::INT); // it may have ended
        }
        let status = child.wait().unwrap();
        if round == 0 {
            whole = began.elapsed();
            assert!(status.success());
        }
        interrupted += u32::from(!status.success());
        assert!(!empty.data().join("restore").exists(), "round {round}, {status}");
        assert_eq!(status.success(), empty.data().join("castellan.db").exists(), "round {round}, {status}");
    }
    assert!(interrupted > 0);
}
