//! Administrative actions: people, service accounts, memberships, access reviews, rules.
use super::{Action, DenialReason, require, require_admin, require_manager};
use crate::{
    Actor, Email, OrganizationId, PersonId, Principal, ReviewId,
    role::{Role, TenantRole},
    rule::Rules,
};
use serde_json::{Value, json};

actions! {
    /// Creates a person and a one-time link to set their password.
    CreatePerson = "person.create" on "tenant" (|_| String::new()) {
        /// Unique across tenants.
        email: Email,
        name: String,
        tenant_role: TenantRole,
    } if |_, actor| require_admin(actor),
      detail |a| json!({ "tenant_role": a.tenant_role }),
      personal |a| json!({ "email": a.email, "name": a.name }), step_up true;

    /// Creates a service account: an owner of keys that never signs in.
    CreateServiceAccount = "service_account.create" on "tenant" (|_| String::new()) {
        name: String,
        responsible: PersonId,
    } if |_, actor| require_admin(actor), detail |a| json!({ "name": a.name, "responsible": a.responsible }),
      step_up true;

    /// Changes the responsible person of a service account. A person who leaves an organization chooses a successor
    /// there.
    TransferServiceAccount = "service_account.transfer" on "person" (|a| a.account.to_string()) {
        account: PersonId,
        /// The current responsible person.
        responsible: PersonId,
        successor: PersonId,
        /// Whether its keys are revoked at once: the former responsible person may know them.
        revoke: bool,
    } if |_, actor| require_admin(actor), detail |a| json!({ "was": a.responsible, "successor": a.successor }), step_up true;

    /// Creates a new one-time link for a person to set their password.
    IssuePasswordLink = "person.password_link" on "person" (|a| a.person.to_string()) {
        person: PersonId,
    } if |_, actor| require_admin(actor), step_up true;

    /// Changes a person's role in the tenant.
    SetTenantRole = "person.tenant_role" on "person" (|a| a.person.to_string()) {
        person: PersonId,
        tenant_role: TenantRole,
    } if |a, actor| {
        require_admin(actor)?;
        require(actor.person() != Some(a.person), DenialReason::OwnTenantRole)
    }, detail |a| json!({ "tenant_role": a.tenant_role }), step_up true;

    CreateOrganization = "organization.create" on "tenant" (|_| String::new()) {
        name: String,
    } if |_, actor| require_admin(actor), detail |a| json!({ "name": a.name }), step_up true;

    /// Adds a person to an organization, or changes their role in it.
    SetMembership = "membership.set" on "organization" (|a| a.organization.to_string()) {
        organization: OrganizationId,
        person: PersonId,
        role: Role,
    } if |a, actor| require_manager(actor, a.organization), detail |a| json!({ "person": a.person, "role": a.role }), step_up true;

    /// Removes a person from an organization.
    RemoveMembership = "membership.remove" on "organization" (|a| a.organization.to_string()) {
        organization: OrganizationId,
        person: PersonId,
        /// The new responsible person of the removed person's service accounts in the organization.
        successor: Option<PersonId>,
    } if |a, actor| require_manager(actor, a.organization),
      detail |a| json!({ "person": a.person, "successor": a.successor }), step_up true, while_frozen true;

    /// Starts an access review of all rights that exist now.
    StartReview = "review.start" on "tenant" (|_| String::new()) {
        /// Limits the review to the members of this organization and their keys; `None` for the whole tenant.
        organization: Option<OrganizationId>,
    } if |_, actor| require_admin(actor), detail |a| json!({ "organization": a.organization }), step_up true;

    /// Keeps rights under review.
    KeepReviewed = "review.keep" on "review" (|a| a.review.to_string()) {
        review: ReviewId,
        /// Item numbers in the review.
        items: Vec<i64>,
    } if |_, actor| require_admin(actor), detail |a| json!({ "items": a.items });

    /// Revokes a right under review; the actor must also be allowed to revoke it without a review.
    RevokeReviewed = "review.revoke" on "review" (|a| a.review.to_string()) {
        review: ReviewId,
        /// The item number in the review.
        item: i64,
    } if |_, actor| require_admin(actor), detail |a| json!({ "item": a.item }), step_up true;

    /// Finishes a review in which every item is decided.
    FinishReview = "review.finish" on "review" (|a| a.review.to_string()) {
        review: ReviewId,
    } if |_, actor| require_admin(actor);

    ChangeRules = "rules.change" on "tenant" (|_| String::new()) {
        rules: Rules,
        /// The version that was shown to the actor, for optimistic locking.
        version: i64,
    } if |_, actor| require_admin(actor), detail |a| json!({ "rules": a.rules }), step_up true;

    /// Erases the names and addresses that audit events contain about a person. The audit event lists the erased ones.
    ErasePersonalData = "audit.erase" on "person" (|a| a.person.to_string()) {
        person: PersonId,
        reason: String,
    } if |_, actor| require(actor.principal == Principal::Console, DenialReason::ConsoleOnly),
      detail |a| json!({ "reason": a.reason });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TenantId, Timestamp};
    use uuid::Uuid;

    #[test]
    fn d_06_only_the_console_erases_personal_data() {
        let erase = || ErasePersonalData { person: PersonId(Uuid::nil()), reason: "left the company".into() };
        let console = Actor::console(TenantId(Uuid::nil()), Timestamp(0));
        assert!(console.may(erase()).is_ok());
        let mut admin = console;
        (admin.principal, admin.tenant_role) = (Principal::Person(PersonId(Uuid::nil())), TenantRole::Admin);
        assert_eq!(admin.may(erase()).unwrap_err().reason, DenialReason::ConsoleOnly);
    }
}
