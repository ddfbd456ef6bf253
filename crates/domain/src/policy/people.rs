//! What admins and owners do: people, organizations, and the rules that they are held to.
use super::{Action, require_admin, require_manager, require};
use crate::{
    Actor, Email, OrganizationId, PersonId, ReviewId,
    role::{Role, TenantRole},
    rule::Rules,
};
use serde_json::{Value, json};

actions! {
    /// Makes a person with a one-time link to set their password.
    CreatePerson = "person.create" on "tenant" (|_| String::new()) {
        /// Their address; belongs to one tenant only.
        email: Email,
        /// What people call them.
        name: String,
        /// What they are in the tenant.
        tenant_role: TenantRole,
    } if |_, actor| require_admin(actor),
      detail |a| json!({ "tenant_role": a.tenant_role }),
      personal |a| json!({ "email": a.email, "name": a.name }), step_up true;

    /// Makes a service account: an owner of keys that is no person and never signs in.
    CreateServiceAccount = "service_account.create" on "tenant" (|_| String::new()) {
        /// What people call it.
        name: String,
        /// The person who answers for what it does.
        responsible: PersonId,
    } if |_, actor| require_admin(actor), detail |a| json!({ "name": a.name, "responsible": a.responsible }),
      step_up true;

    /// Makes somebody else answer for a service account; who leaves an organization chooses somebody there with that.
    HandOnServiceAccount = "service_account.hand_on" on "person" (|a| a.account.to_string()) {
        /// Which.
        account: PersonId,
        /// Who answers for it now.
        responsible: PersonId,
        /// Who does from then on.
        successor: PersonId,
        /// Whether its keys are revoked at once: who answered for it may know them.
        revoke: bool,
    } if |_, actor| require_admin(actor), detail |a| json!({ "was": a.responsible, "successor": a.successor }), step_up true;

    /// Makes a new one-time link for a person to set their password with.
    IssuePasswordLink = "person.password_link" on "person" (|a| a.person.to_string()) {
        /// For whom.
        person: PersonId,
    } if |_, actor| require_admin(actor), step_up true;

    /// Changes what a person is in the tenant.
    SetTenantRole = "person.tenant_role" on "person" (|a| a.person.to_string()) {
        /// Whose.
        person: PersonId,
        /// What they become.
        tenant_role: TenantRole,
    } if |a, actor| {
        require_admin(actor)?;
        require(actor.person() != Some(a.person), "Another admin must change your own role.")
    }, detail |a| json!({ "tenant_role": a.tenant_role }), step_up true;

    /// Makes an organization.
    CreateOrganization = "organization.create" on "tenant" (|_| String::new()) {
        /// What people call it.
        name: String,
    } if |_, actor| require_admin(actor), detail |a| json!({ "name": a.name }), step_up true;

    /// Puts a person into an organization, or changes their role there.
    SetMembership = "membership.set" on "organization" (|a| a.organization.to_string()) {
        /// Where.
        organization: OrganizationId,
        /// Who.
        person: PersonId,
        /// As what.
        role: Role,
    } if |a, actor| require_manager(actor, a.organization), detail |a| json!({ "person": a.person, "role": a.role }), step_up true;

    /// Takes a person out of an organization.
    RemoveMembership = "membership.remove" on "organization" (|a| a.organization.to_string()) {
        /// Where.
        organization: OrganizationId,
        /// Who.
        person: PersonId,
        /// Who answers from now on for the service accounts that they answer for and that are in it.
        successor: Option<PersonId>,
    } if |a, actor| require_manager(actor, a.organization),
      detail |a| json!({ "person": a.person, "successor": a.successor }), step_up true, while_frozen true;

    /// Begins an access review: every right that somebody has now, to be kept or revoked one by one.
    StartReview = "review.start" on "tenant" (|_| String::new()) {
        /// Only the members of this organization, and their keys; everything, if none.
        organization: Option<OrganizationId>,
    } if |_, actor| require_admin(actor), detail |a| json!({ "organization": a.organization }), step_up true;

    /// Says of rights under review that they stay.
    KeepReviewed = "review.keep" on "review" (|a| a.review.to_string()) {
        /// In which review.
        review: ReviewId,
        /// Their numbers in it.
        items: Vec<i64>,
    } if |_, actor| require_admin(actor), detail |a| json!({ "items": a.items });

    /// Takes away a right under review; whoever does it must be allowed to do it without a review as well.
    RevokeReviewed = "review.revoke" on "review" (|a| a.review.to_string()) {
        /// In which review.
        review: ReviewId,
        /// Its number in it.
        item: i64,
    } if |_, actor| require_admin(actor), detail |a| json!({ "item": a.item }), step_up true;

    /// Ends a review in which everything is answered.
    FinishReview = "review.finish" on "review" (|a| a.review.to_string()) {
        /// Which.
        review: ReviewId,
    } if |_, actor| require_admin(actor);

    /// Changes the tenant's rules.
    ChangeRules = "rules.change" on "tenant" (|_| String::new()) {
        /// The new ones.
        rules: Rules,
        /// The version that was shown to the person who changed them.
        version: i64,
    } if |_, actor| require_admin(actor), detail |a| json!({ "rules": a.rules }), step_up true;
}
