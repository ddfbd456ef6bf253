//! Signing in by identity providers, one of which lies in every way: each refusal beside its positive twin.
mod callbacks;
mod admission;
mod gitea;
mod github;
mod fake_provider;
mod linking;
mod primary_provider;
mod step_up;
mod settings;
mod flow;

use crate::program::Program;
use fake_provider::Provider;

/// A deployment with a tenant `acme`, whose admin is Ada, that knows these providers by these ids; `more` is written into each
/// of their tables, `auth` into the section above them.
pub async fn with_providers(program: &mut Program, providers: &[(&str, &Provider)], auth: &str, more: &str) {
    configure(program, "oidc", providers, auth, more);
    program.tenant("acme");
    program.person("ada", "acme", "admin");
    program.start().await;
}

/// Writes the file alone, for providers of this kind.
pub fn configure(program: &Program, kind: &str, providers: &[(&str, &Provider)], auth: &str, more: &str) {
    let mut toml = format!("[auth]\n{auth}\n");
    for (id, provider) in providers {
        toml.push_str(&format!(
            "[[auth.provider]]\nid = \"{id}\"\nkind = \"{kind}\"\nlabel = \"{id} ID\"\nissuer = \"{}\"\n\
             client_id = \"castellan\"\nclient_secret = \"{}\"\n{more}\n",
            provider.issuer,
            fake_provider::SECRET,
        ));
    }
    program.configure(&toml);
}

/// Newcomers of acme.example come in.
pub const DOMAIN: &str = "newcomers = \"domains\"\ndomains = [\"acme.example\"]";
