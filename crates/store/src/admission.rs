//! Admission by an identity provider: new accounts, and the roles that its group rules give at each sign-in.
use crate::{
    Conflict, Error, NewIdentity, Result, Topic, Write,
    db::{column::row_type, conn::tenant_query, id::new_id, insert::insert},
    search_text::search_text,
};
use domain::{
    Allowed, OrganizationId, PersonId,
    account::AccountChange,
    audit::Outcome,
    policy::{AdmitPerson, SyncProviderRoles},
    role::{Role, TenantRole},
    text,
};
use serde_json::json;

row_type! {
    /// An organization in which a role was granted.
    pub struct Given {
        pub organization_id: OrganizationId,
        pub role: Role,
    }
}

impl Write {
    /// Creates an account for a person with the identity that they signed in with. An address that is in use in the
    /// tenant is a conflict: identities are never linked by address.
    pub async fn admit_person(&mut self, proof: Allowed<AdmitPerson>, identity: NewIdentity) -> Result<PersonId> {
        let id = PersonId(new_id());
        let AdmitPerson { email, name, .. } = proof.action();
        let made = insert!(self, "person" {
            id: id,
            email: email.clone(),
            name: text::name("name", name, 80)?,
            search_text: search_text(name, email),
            tenant_role: TenantRole::Person,
            created_at: self.now,
        },
            "on conflict (tenant_id, email) do nothing"
        )?;
        if made == 0 {
            return Err(Error::Conflict(Conflict::AccountExists));
        }
        self.insert_identity(id, identity).await?;
        let entry = self.entry(&proof)?.on("person", id.to_string());
        self.record(entry).await?;
        self.publish(Topic::People, id.0);
        Ok(id)
    }

    /// Applies the roles of a provider's group rules and removes roles that the same provider gave earlier. Roles given by
    /// people and the last owner of an organization remain. Returns whether anything changed.
    pub async fn sync_roles_from_provider(&mut self, proof: Allowed<SyncProviderRoles>) -> Result<bool> {
        let SyncProviderRoles { person, provider, tenant_role, roles } = proof.action();
        let (person, mut changed) = (*person, 0);
        self.conn.lift_deadline().await?; // the person can have thousands of waiting tasks
        // Recorded at the end: memberships are always locked before the audit log.
        let (mut entries, mut withdrawn, mut revoked, mut became_approver) = (vec![], vec![], 0, false);
        let given = tenant_query!(
            self,
            Given,
            fetch_all,
            "select organization_id, role from membership where tenant_id = $1 and person_id = $2 and provider = $3",
            person,
            provider.clone()
        )?;
        for &Given { organization_id, .. } in &given {
            let Some(roles) = roles else { break };
            if roles.iter().any(|(organization, _)| *organization == organization_id) {
                continue;
            }
            withdrawn.extend(self.withdraw_confirmations(person, Some(organization_id)).await?);
            match self.keep_last_owner(organization_id, person, None).await {
                Err(Error::Conflict(_)) => continue,
                kept => kept?,
            }
            self.store_former_role(organization_id, person).await?;
            // A person may have set this role since it was read.
            const TAKE: &str = "delete from membership where tenant_id = $1 and organization_id = $2 and person_id = $3
                and provider = $4";
            let taken = tenant_query!(self, execute, TAKE, organization_id, person, provider.clone())?;
            if taken == 0 {
                continue;
            }
            changed += taken;
            let (stopped, keys) = self.end_former_member_access(organization_id, person).await?;
            entries.extend(stopped);
            revoked += keys;
        }
        for (organization, role) in roles.iter().flatten() {
            let has = given.iter().find(|given| given.organization_id == *organization).map(|given| given.role);
            if has == Some(*role) {
                continue;
            }
            match self.keep_last_owner(*organization, person, Some(*role)).await {
                Err(Error::Conflict(_)) => continue,
                kept => kept?,
            }
            if has.is_some_and(|has| *role < has) {
                self.store_former_role(*organization, person).await?;
            }
            let set = tenant_query!(
                self,
                execute,
                "insert into membership (tenant_id, organization_id, person_id, role, provider, created_at)
                 select p.tenant_id, o.id, p.id, $4, $5, $6 from person p join organization o on o.tenant_id = p.tenant_id
                 where p.tenant_id = $1 and o.id = $2 and p.id = $3 and (o.archived_at is null or $7)
                 on conflict (tenant_id, organization_id, person_id) do update set role = excluded.role
                 where membership.provider = excluded.provider and membership.role <> excluded.role",
                *organization,
                person,
                *role,
                provider.clone(),
                self.now,
                // An archived organization grants no roles but still loses them.
                has.is_some_and(|has| *role < has)
            )?;
            became_approver |= set > 0 && *role >= Role::Approver && has.is_none_or(|has| has < *role);
            changed += set;
        }
        if *tenant_role == TenantRole::Admin {
            const SQL: &str =
                "update person set tenant_role = 'admin' where tenant_id = $1 and id = $2 and tenant_role <> 'admin'";
            let set = tenant_query!(self, execute, SQL, person)?;
            became_approver |= set > 0;
            changed += set;
        }
        if changed == 0 && withdrawn.is_empty() {
            return Ok(false);
        }
        self.rotate_session_tokens(person).await?;
        let cancelled = json!(entries.len());
        self.delete_void_invitations(person).await?;
        if became_approver {
            self.revoke_open_access(person).await?;
        }
        let entry = self.entry(&proof)?.with_detail("cancelled", cancelled).with_detail("keys_revoked", json!(revoked));
        entries.push(entry);
        entries.extend(withdrawn);
        self.record_all(entries).await?;
        if became_approver {
            let (managers, maker) = (self.managers().await?, self.maker());
            self.follow_account_change(person, AccountChange::Role, &maker, &managers).await?;
        }
        Ok(true)
    }

    /// Records that a provider sent no list of groups, so that its rules were not applied.
    pub async fn note_missing_groups(&mut self, person: PersonId, provider: &str) -> Result<()> {
        let detail = json!({ "provider": provider, "reason": "groups_missing" });
        self.note("person.follow_provider", ("person", person.to_string()), Outcome::Refused, detail).await
    }

    /// Records that a provider authenticated a person who is not admitted. `reason` is our own text, never the provider's.
    pub async fn note_refused_identity(&mut self, provider: &str, reason: &str) -> Result<()> {
        let detail = json!({ "reason": reason });
        self.note("browser_session.open", ("provider", provider.to_owned()), Outcome::Refused, detail).await
    }
}
