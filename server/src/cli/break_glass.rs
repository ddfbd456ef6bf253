//! `castellan admin break-glass` command: time-limited, audited break-glass access for one admin.
use super::targets::{console, find_person};
use crate::{failure::Failure, output::Output, state::App};
use domain::policy::{CloseBreakGlass, OpenBreakGlass};
use serde_json::json;
use std::time::Duration;

const MAX_BREAK_GLASS_DURATION: Duration = Duration::from_hours(24);

#[derive(Debug, clap::Args)]
pub(super) struct BreakGlass {
    /// Open break-glass access
    #[arg(long, requires_all = ["user", "reason"], conflicts_with = "off")]
    on: bool,
    /// Close break-glass access of one admin, or without --user of all
    #[arg(long)]
    off: bool,
    /// Email address of the admin
    #[arg(long)]
    user: Option<String>,
    /// Name or ID of the admin's tenant; required if people of several tenants have the address
    #[arg(long, requires = "user")]
    tenant: Option<String>,
    /// Duration in minutes or hours, at most 24h
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration, default_value = "1h")]
    span: Duration,
    /// Reason, recorded in the audit log
    #[arg(long)]
    reason: Option<String>,
}

pub(super) async fn run(command: BreakGlass, app: &App, output: Output) -> Result<(), Failure> {
    let person = match &command.user {
        Some(user) => Some(find_person(app, user, command.tenant.as_deref()).await?),
        None => None,
    };
    match (person, command.on, command.off) {
        (Some(known), true, _) => open(app, &known, command.span, command.reason.unwrap_or_default(), output).await,
        (person, _, true) => close(app, person, output).await,
        _ => show(app, output).await,
    }
}

async fn open(
    app: &App,
    known: &store::Credential,
    span: Duration,
    reason: String,
    output: Output,
) -> Result<(), Failure> {
    if let Some(at) = known.locked_at {
        return Err(Failure::new(format!(
            "this person has been locked since {at} and could not sign in; unlock them first: castellan admin unlock-user --user EMAIL"
        )));
    }
    if known.password_hash.is_none() {
        return Err(Failure::new("this person has no password; an admin must first create a link to set one"));
    }
    let (console, until) = (console(app, known.tenant_id), app.store.now().after(span));
    let proof = app.store.authorize(&console, OpenBreakGlass { person: known.id, until, reason }).await?;
    let mut write = app.store.write(&console).await?;
    match write.open_break_glass(proof).await {
        Err(store::Error::NotFound) => return Err(Failure::new("break-glass access is only for admins of a tenant")),
        opened => opened?,
    }
    write.commit().await?;
    output.print(&json!({ "until": until }), format_args!("Break-glass access enabled until {until}."))
}

async fn close(app: &App, person: Option<store::Credential>, output: Output) -> Result<(), Failure> {
    let mut closed = 0;
    for tenant in app.store.system().tenants().await? {
        let console = console(app, tenant.id);
        let open = app.store.read(&console).await?.break_glass(app.store.now()).await?;
        for access in open.iter().filter(|access| person.as_ref().is_none_or(|person| person.id == access.person_id)) {
            let proof = app.store.authorize(&console, CloseBreakGlass { person: access.person_id }).await?;
            let mut write = app.store.write(&console).await?;
            write.close_break_glass(proof).await?;
            write.commit().await?;
            closed += 1;
        }
    }
    let admins = if closed == 1 { "admin" } else { "admins" };
    output.print(&json!({ "closed": closed }), format_args!("Break-glass access disabled for {closed} {admins}."))
}

async fn show(app: &App, output: Output) -> Result<(), Failure> {
    let (mut data, mut text) = (vec![], String::new());
    for tenant in app.store.system().tenants().await? {
        let open = app.store.read(&console(app, tenant.id)).await?.break_glass(app.store.now()).await?;
        for access in open {
            text.push_str(&format!("{}\tuntil {}\t{}\n", access.email, access.expires_at, access.reason));
            let (email, until, reason) = (access.email, access.expires_at, access.reason);
            data.push(json!({ "tenant": tenant.name, "email": email, "until": until, "reason": reason }));
        }
    }
    output.print(&json!({ "break_glass": data }), text)
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be minutes or hours, such as 30m or 2h, at most 24h".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let span = match unit {
        "m" => number.checked_mul(60),
        "h" => number.checked_mul(3_600),
        _ => None,
    };
    let span = span.map(Duration::from_secs).ok_or_else(wrong)?;
    if span.is_zero() || span > MAX_BREAK_GLASS_DURATION { Err(wrong()) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_minutes_or_hours_up_to_one_day() {
        assert_eq!(parse_duration("30m"), Ok(Duration::from_mins(30)));
        assert_eq!(parse_duration("24h"), Ok(MAX_BREAK_GLASS_DURATION));
        for bad in ["", "0m", "25h", "1d", "h", "-1h", "1", "99999999999999999999h", "1ü"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
