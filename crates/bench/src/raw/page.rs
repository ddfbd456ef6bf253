//! Leptos baseline: a page with a table, rendered for every request, without a database or a session.
use anyhow::{Context, Result};
use axum::{Router, routing::get};
use leptos::prelude::*;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};
use tokio::net::TcpListener;

/// A server of bare pages in its own process, so that it can be pinned to one CPU like the program.
#[derive(Debug)]
pub struct BarePage {
    child: Child,
    pub host: String,
}

impl BarePage {
    /// Starts the server.
    ///
    /// # Errors
    /// Fails if it cannot be started.
    pub fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bare-page"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut host = String::new();
        BufReader::new(child.stdout.take().context("a child without output")?).read_line(&mut host)?;
        Ok(Self { child, host: host.trim().to_owned() })
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for BarePage {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Serves pages with the number of rows in the path, until standard input ends.
///
/// # Errors
/// Fails if no port is available.
#[expect(clippy::disallowed_methods, reason = "a minimal server for the benchmark only")]
pub async fn serve() -> Result<()> {
    any_spawner::Executor::init_tokio()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let show = |axum::extract::Path(rows): axum::extract::Path<usize>, request: axum::extract::Request| {
        leptos_axum::render_app_async(move || page(rows))(request)
    };
    let serving = axum::serve(listener, Router::new().route("/{rows}", get(show)));
    let orphaned = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    tokio::select! {
        served = serving => Ok(served?),
        _ = orphaned => Ok(()),
    }
}

fn page(rows: usize) -> impl IntoView {
    let row = |number: usize| {
        view! {
            <tr>
                <td><a href=format!("/rows/{number}")>{format!("Row number {number} of a table")}</a></td>
                <td><span class="badge">{if number.is_multiple_of(3) { "failed" } else { "succeeded" }}</span></td>
                <td>{format!("Organization {}", number % 7)}</td>
                <td>{format!("Person {}", number % 13)}</td>
                <td><span class="muted">"isolated"</span></td>
                <td><time datetime="2026-03-01T14:05:09Z">"1 March 2026, 14:05"</time></td>
            </tr>
        }
    };
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <title>"A bare page"</title>
            </head>
            <body>
                <main>
                    <h1>"A bare page"</h1>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col">"Title"</th>
                                <th scope="col">"State"</th>
                            </tr>
                        </thead>
                        <tbody>{(0..rows).map(row).collect_view()}</tbody>
                    </table>
                </main>
            </body>
        </html>
    }
}
