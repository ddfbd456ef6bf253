//! Configuration tests: settings that an operator writes, and the resulting values or errors.

use super::*;
use std::{io::Write, time::Duration};

fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    load_from(None, variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

fn with_file(text: &str) -> Result<Config, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    load_from(Some(file.path()), std::iter::empty())
}

fn refusal(result: Result<Config, ConfigError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn the_printed_file_contains_the_defaults() {
    let from_file = with_file(&default_config()).unwrap();
    let from_nothing = with(&[]).unwrap();
    assert_eq!(format!("{from_file:?}"), format!("{from_nothing:?}"));
    assert_eq!(from_nothing.listen.to_string(), "127.0.0.1:9876");
    assert_eq!(from_nothing.runner_listen.to_string(), "127.0.0.1:9090");
    assert_eq!(from_nothing.database().expose(), "sqlite:./data/castellan.db");
    assert_eq!(from_nothing.sessions.idle, Duration::from_secs(12 * 3_600));
    assert_eq!(from_nothing.sessions.absolute, Duration::from_hours(7 * 24));
    assert!(from_nothing.local_runner.enabled);
    assert!(!from_nothing.secure());
}

#[test]
fn d_13_scheduled_backups_of_postgresql_are_refused_with_what_to_do_instead() {
    let (folder, postgres) = (("CASTELLAN_BACKUP_FOLDER", "/b"), ("CASTELLAN_DATABASE_URL", "postgres://c@h/c"));
    let text = refusal(with(&[folder, postgres]));
    for part in ["`backup.folder`", "remove it", "pg_dump", "“Backup and restore”", "docs/backup.md"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(with(&[folder]).is_ok() && with(&[postgres]).is_ok());
    assert!(with(&[folder, ("CASTELLAN_DATABASE_URL", "sqlite:/d/c.db")]).is_ok());
}

#[test]
fn every_example_in_the_printed_file_is_valid() {
    let text: String = default_config()
        .lines()
        // The scheduled backups of another example are for SQLite.
        .filter(|line| !line.starts_with("# [CASTELLAN_") && !line.starts_with("# database_url"))
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let config = with_file(&text).unwrap();
    assert!(config.public_url.is_some() && config.tls.certificate.is_some());
}

#[test]
fn a_variable_overrides_the_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"listen = \"127.0.0.1:1111\"\n[sessions]\nidle = \"1h\"\n").unwrap();
    let variables = [("CASTELLAN_LISTEN".to_owned(), "127.0.0.1:2222".to_owned())];
    let config = load_from(Some(file.path()), variables.into_iter()).unwrap();
    assert_eq!(config.listen.port(), 2222);
    assert_eq!(config.sessions.idle, Duration::from_hours(1));
}

#[test]
fn an_unknown_key_is_reported_in_any_section() {
    assert!(refusal(with_file("lisetn = \"127.0.0.1:1\"")).contains("`lisetn`"));
    assert!(refusal(with_file("[tls]\ncert = \"a.pem\"")).contains("`tls.cert`"));
    assert!(refusal(with_file("[nothing]\nx = 1")).contains("`nothing`"));
    assert!(refusal(with_file("[listen]\nx = 1")).contains("`listen"));
    assert!(refusal(with(&[("CASTELLAN_LISTEM", "x")])).contains("`CASTELLAN_LISTEM`"));
    with(&[("CASTELLAN_SERVICE_HOST", "10.0.0.1"), ("CASTELLAN_PORT_80_TCP", "tcp://10.0.0.1:80")]).unwrap();
}

#[test]
fn an_invalid_value_is_reported_with_its_key_source_and_allowed_values() {
    let message = refusal(with(&[("CASTELLAN_LISTEN", "everywhere")]));
    for part in ["`listen`", "the variable CASTELLAN_LISTEN", "“everywhere”", "127.0.0.1:9876"] {
        assert!(message.contains(part), "{part} is missing in: {message}");
    }
    for (variable, value) in [
        ("CASTELLAN_LOCAL_RUNNER_ENABLED", "maybe"),
        ("CASTELLAN_SESSIONS_IDLE", "12 parsecs"),
        ("CASTELLAN_SESSIONS_IDLE", "0s"),
        ("CASTELLAN_SESSIONS_IDLE", "99999999999999999999d"),
        ("CASTELLAN_SESSIONS_IDLE", ""),
        ("CASTELLAN_SESSIONS_IDLE", "1€"),
        ("CASTELLAN_LIMITS_CONNECTIONS", "0"),
        ("CASTELLAN_LIMITS_CONNECTIONS", "-1"),
        ("CASTELLAN_LIMITS_CONNECTIONS", "many"),
        ("CASTELLAN_QUOTAS_TASKS_PER_PERSON", "0"),
        ("CASTELLAN_QUOTAS_STORED_MIB_PER_TENANT", "4 GiB"),
        ("CASTELLAN_TRUSTED_PROXIES", "10.0.0.0/8,everybody"),
        ("CASTELLAN_PUBLIC_URL", "https://castellan.example.org/path"),
        ("CASTELLAN_PUBLIC_URL", "http://castellan.example.org"),
        ("CASTELLAN_PUBLIC_URL", "ftp://castellan.example.org"),
        ("CASTELLAN_PUBLIC_URL", ""),
        ("CASTELLAN_DATA_DIR", ""),
        ("CASTELLAN_LOG_LEVEL", "loud"),
        ("CASTELLAN_LOG_FORMAT", "xml"),
        ("CASTELLAN_AUTH_SECOND_FACTOR", "sometimes"),
        ("CASTELLAN_MAIL_SMTP", "smtp://mail.example.org"),
        ("CASTELLAN_MAIL_FROM", "castellan"),
    ] {
        assert!(refusal(with(&[(variable, value)])).contains(variable), "{variable}={value}");
    }
}

#[test]
fn a_wrong_database_url_is_not_repeated_in_the_message() {
    let message = refusal(with(&[("CASTELLAN_DATABASE_URL", "mysql://root:hunter2@db/castellan")]));
    assert!(message.contains("`database_url`") && !message.contains("hunter2"), "{message}");
    let config = with(&[("CASTELLAN_DATABASE_URL", "postgres://root:hunter2@db/castellan")]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn lists_are_read_from_a_variable_with_commas() {
    let config = with(&[("CASTELLAN_TRUSTED_PROXIES", "10.0.0.0/8, ::1")]).unwrap();
    assert_eq!(config.trusted_proxies.len(), 2);
}

///
#[test]
fn a_listener_beyond_loopback_without_tls_is_refused_with_the_fix() {
    for listen in ["0.0.0.0:9876", "[::]:9876", "192.0.2.1:80"] {
        let message = refusal(with(&[("CASTELLAN_LISTEN", listen)]));
        for part in [listen, "tls.certificate", "tls_terminated_by_proxy", "127.0.0.1"] {
            assert!(message.contains(part), "{part} is missing in: {message}");
        }
    }
    let files = [("CASTELLAN_TLS_CERTIFICATE", "c.pem"), ("CASTELLAN_TLS_KEY", "k.pem")];
    assert!(with(&[("CASTELLAN_LISTEN", "0.0.0.0:9876"), files[0], files[1]]).unwrap().secure());
    let declared = ("CASTELLAN_TLS_TERMINATED_BY_PROXY", "true");
    assert!(with(&[("CASTELLAN_LISTEN", "0.0.0.0:9876"), declared]).unwrap().secure());
    with(&[("CASTELLAN_LISTEN", "127.8.9.10:80")]).unwrap();
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    assert!(refusal(with(&[("CASTELLAN_TLS_KEY", "k.pem")])).contains("tls.certificate"));
    assert!(refusal(with(&[("CASTELLAN_PUBLIC_URL", "https://castellan.example.org")])).contains("public_url"));
    let long = [("CASTELLAN_SESSIONS_IDLE", "8d"), ("CASTELLAN_SESSIONS_ABSOLUTE", "7d")];
    assert!(refusal(with(&long)).contains("sessions.idle"));
    let same = [("CASTELLAN_LISTEN", "127.0.0.1:9090")];
    assert!(refusal(with(&same)).contains("runner_listen"));
}

#[test]
fn a_named_configuration_file_must_exist() {
    let missing = load_from(Some(std::path::Path::new("/nowhere/castellan.toml")), std::iter::empty());
    assert!(refusal(missing).contains("/nowhere/castellan.toml"));
    assert!(refusal(with_file("listen = ")).contains("cannot be read"));
}
