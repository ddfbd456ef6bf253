//! Group rules: from a provider's groups to roles in organizations, one per line: `group = Organization : role`.
use super::{Invalid, Role, text};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A rule that gives the members of a group a role in an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRule {
    /// Case-sensitive, as the provider spells it.
    pub group: String,
    /// The name of the organization.
    pub organization: String,
    pub role: Role,
}

impl FromStr for GroupRule {
    type Err = Invalid;

    fn from_str(line: &str) -> Result<Self, Invalid> {
        let invalid_line = || Invalid::new("groups", "must be lines such as: platform-team = Operations : approver");
        let (group, target) = line.rsplit_once('=').ok_or_else(invalid_line)?;
        let (organization, role) = target.rsplit_once(':').ok_or_else(invalid_line)?;
        let name = |text: &str| text::name("groups", text, 200).map_err(|_| invalid_line());
        let role = role.trim().parse::<Role>().map_err(|invalid| Invalid::new("groups", invalid.to_string()))?;
        Ok(Self { group: name(group)?, organization: name(organization)?, role })
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
    fn a_group_rule_round_trips() {
        let rule: GroupRule = "cn=ops,dc=acme = Operations: Night : approver".parse().unwrap();
        assert_eq!((rule.group.as_str(), rule.organization.as_str()), ("cn=ops,dc=acme", "Operations: Night"));
        assert_eq!(rule.to_string().parse(), Ok(rule));
        for bad in ["", "a", "a = b", "a = b : king", "= b : member", "a = : member"] {
            assert!(bad.parse::<GroupRule>().is_err(), "{bad:?}");
        }
    }
}
