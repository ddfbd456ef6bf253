//! Rules from a provider's groups to roles in organizations, one a line: `group = Organization : role`.
use super::{Invalid, Role, text};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Who is in the group is in the organization, as this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRule {
    /// The group, as the provider writes it: letter case counts.
    pub group: String,
    /// The organization's name.
    pub organization: String,
    /// The role there.
    pub role: Role,
}

impl FromStr for GroupRule {
    type Err = Invalid;

    fn from_str(line: &str) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("groups", "must be lines such as: platform-team = Operations : approver");
        let (group, place) = line.rsplit_once('=').ok_or_else(wrong)?;
        let (organization, role) = place.rsplit_once(':').ok_or_else(wrong)?;
        let named = |text: &str| text::name("groups", text, 200).map_err(|_| wrong());
        let role = role.trim().parse::<Role>().map_err(|invalid| Invalid::new("groups", invalid.to_string()))?;
        Ok(Self { group: named(group)?, organization: named(organization)?, role })
    }
}

impl fmt::Display for GroupRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {} : {}", self.group, self.organization, self.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        let rule: GroupRule = "cn=ops,dc=acme = Operations: Night : approver".parse().unwrap();
        assert_eq!((rule.group.as_str(), rule.organization.as_str()), ("cn=ops,dc=acme", "Operations: Night"));
        assert_eq!(rule.to_string().parse(), Ok(rule));
        for bad in ["", "a", "a = b", "a = b : king", "= b : member", "a = : member"] {
            assert!(bad.parse::<GroupRule>().is_err(), "{bad:?}");
        }
    }
}
