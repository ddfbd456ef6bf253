//! Sign-in with identity providers, including a hostile one; every refusal has a matching success.
mod admission;
mod callbacks;
pub(crate) mod fake_provider;
mod flow;
mod gitea;
mod github;
mod linking;
mod primary_provider;
mod settings;
mod step_up;

use crate::program::Program;
use fake_provider::Provider;
use testkit::ADAM;

/// Starts a deployment with the tenant `acme`, the admin Ada and these providers. `more` is added to the table of each
/// provider, `auth` to the section `[auth]`.
pub async fn with_providers(program: &mut Program, providers: &[(&str, &Provider)], auth: &str, more: &str) {
    configure(program, "oidc", providers, auth, more);
    program.tenant("acme");
    program.person_named("ada", ADAM, "acme");
    program.start().await;
}

/// Writes the configuration file for providers of this kind.
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

/// Allows new accounts of acme.example.
pub const DOMAIN: &str = "new_accounts = \"domains\"\ndomains = [\"acme.example\"]";
