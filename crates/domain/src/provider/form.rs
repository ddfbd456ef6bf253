//! Input of the provider settings, from a form or the configuration file, and its validation.
use super::{GroupRule, Invalid, Kind, NewAccounts, Provider, issuer, text, visible};
use serde::{Deserialize, Serialize};

/// The maximum number of domains and of group rules.
const MAX_ENTRIES: usize = 100;

/// Unvalidated provider settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderForm {
    /// A spelling of [`Kind`].
    pub kind: String,
    /// Empty for the name of the kind.
    #[serde(default)]
    pub label: String,
    /// May be empty if the kind has a fixed issuer.
    #[serde(default)]
    pub issuer: String,
    pub client_id: String,
    /// Audiences that ID tokens may name beside the client, separated by commas or spaces.
    #[serde(default)]
    pub audiences: String,
    /// The text form of [`NewAccounts`]; empty means `nobody`.
    #[serde(default)]
    pub new_accounts: String,
    /// Separated by commas or spaces.
    #[serde(default)]
    pub domains: String,
    /// May be empty.
    #[serde(default)]
    pub groups_claim: String,
    /// One [`GroupRule`] per line.
    #[serde(default)]
    pub groups: String,
}

impl ProviderForm {
    /// Validates the settings and returns them as an enabled provider.
    ///
    /// # Errors
    /// Fails with the first invalid field.
    pub fn check(&self) -> Result<Provider, Invalid> {
        let kind: Kind = self.kind.parse()?;
        let label = match self.label.trim() {
            "" => default_label(kind).to_owned(),
            label => text::name("label", label, 40)?,
        };
        let new_accounts = match self.new_accounts.trim() {
            "" => NewAccounts::Nobody,
            text => text.parse()?,
        };
        let domains = self.domains()?;
        if new_accounts == NewAccounts::Domains && domains.is_empty() {
            return Err(Invalid::new(
                "domains",
                "must name at least one domain if new accounts are limited to domains",
            ));
        }
        let groups_claim = match self.groups_claim.trim() {
            "" => None,
            claim => Some(visible("groups_claim", claim, 100)?),
        };
        let groups = self.groups()?;
        if kind == Kind::Github && !(groups.is_empty() && groups_claim.is_none()) {
            return Err(Invalid::new("groups_claim", "must be empty because GitHub has no groups claim"));
        }
        if groups_claim.is_none() && !groups.is_empty() {
            return Err(Invalid::new("groups_claim", "is required for group rules"));
        }
        Ok(Provider {
            kind,
            label,
            issuer: issuer::check(kind, &self.issuer)?,
            client_id: visible("client_id", &self.client_id, 255)?,
            audiences: self.audiences(kind)?,
            new_accounts,
            domains,
            groups_claim,
            groups,
            enabled: true,
        })
    }

    fn audiences(&self, kind: Kind) -> Result<Vec<String>, Invalid> {
        let items = self.audiences.split(|c: char| c == ',' || c.is_whitespace()).filter(|item| !item.is_empty());
        let audiences = items.map(|item| visible("audiences", item, 255)).collect::<Result<Vec<_>, _>>()?;
        if audiences.len() > MAX_ENTRIES {
            return Err(Invalid::new("audiences", "must contain at most 100 audiences"));
        }
        if kind == Kind::Github && !audiences.is_empty() {
            return Err(Invalid::new("audiences", "must be empty because GitHub has no ID tokens"));
        }
        Ok(audiences)
    }

    fn domains(&self) -> Result<Vec<String>, Invalid> {
        let items = self.domains.split(|c: char| c == ',' || c.is_whitespace()).filter(|item| !item.is_empty());
        let domains: Vec<_> = items.map(str::to_lowercase).collect();
        let is_valid = |domain: &String| {
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
            domain.len() <= 253 && domain.chars().all(plain) && !domain.starts_with('.') && !domain.ends_with('.')
        };
        if domains.len() > MAX_ENTRIES || !domains.iter().all(is_valid) {
            return Err(Invalid::new(
                "domains",
                "must be domain names such as example.org, at most 100, without @ and *",
            ));
        }
        Ok(domains)
    }

    fn groups(&self) -> Result<Vec<GroupRule>, Invalid> {
        let lines = self.groups.lines().map(str::trim).filter(|line| !line.is_empty());
        let rules = lines.map(str::parse).collect::<Result<Vec<_>, _>>()?;
        if rules.len() > MAX_ENTRIES {
            return Err(Invalid::new("groups", "must have at most 100 lines"));
        }
        Ok(rules)
    }
}

impl From<&Provider> for ProviderForm {
    fn from(provider: &Provider) -> Self {
        let groups: Vec<_> = provider.groups.iter().map(ToString::to_string).collect();
        Self {
            kind: provider.kind.to_string(),
            label: provider.label.clone(),
            issuer: provider.issuer.clone(),
            client_id: provider.client_id.clone(),
            audiences: provider.audiences.join(", "),
            new_accounts: provider.new_accounts.to_string(),
            domains: provider.domains.join(", "),
            groups_claim: provider.groups_claim.clone().unwrap_or_default(),
            groups: groups.join("\n"),
        }
    }
}

const fn default_label(kind: Kind) -> &'static str {
    match kind {
        Kind::Google => "Google",
        Kind::Gitea => "Gitea",
        Kind::Github => "GitHub",
        Kind::Oidc => "single sign-on",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> ProviderForm {
        let mut form = ProviderForm { kind: "oidc".into(), client_id: "us".into(), ..ProviderForm::default() };
        form.issuer = "https://id.acme.example/realms/a".into();
        form
    }

    fn field(change: impl FnOnce(&mut ProviderForm)) -> String {
        let mut form = form();
        change(&mut form);
        form.check().unwrap_err().field
    }

    #[test]
    fn a_02_settings_round_trip_through_the_form() {
        let mut form = form();
        (form.new_accounts, form.domains) = ("domains".into(), "Acme.Example, b.example".into());
        form.audiences = "330000000000000001 other@project".into();
        (form.groups_claim, form.groups) = ("groups".into(), "a = Ops : owner\n\nb = Lab : viewer".into());
        let provider = form.check().unwrap();
        assert_eq!((provider.domains.len(), provider.groups.len(), provider.enabled), (2, 2, true));
        assert_eq!(ProviderForm::from(&provider).check(), Ok(provider));
    }

    #[test]
    fn a_02_an_invalid_field_is_named() {
        assert_eq!(field(|f| f.kind = "saml".into()), "kind");
        assert_eq!(field(|f| f.issuer = "http://id.acme.example".into()), "issuer");
        assert_eq!(field(|f| f.client_id = String::new()), "client_id");
        assert_eq!(field(|f| f.audiences = "ä".into()), "audiences");
        assert_eq!(field(|f| (f.kind, f.audiences) = ("github".into(), "a".into())), "audiences");
        assert_eq!(field(|f| f.new_accounts = "all".into()), "new_accounts");
        assert_eq!(field(|f| f.new_accounts = "domains".into()), "domains");
        assert_eq!(field(|f| f.domains = "*.example".into()), "domains");
        assert_eq!(field(|f| f.domains = "@acme.example".into()), "domains");
        assert_eq!(field(|f| f.groups = "a = Ops : owner".into()), "groups_claim");
        assert_eq!(field(|f| (f.kind, f.groups_claim) = ("github".into(), "groups".into())), "groups_claim");
    }
}
