//! Labels of domain values: roles, scopes, network policies, rule effects, tools.
use domain::{
    network::NetworkPolicy,
    role::{Role, TenantRole},
    rule::Effect,
    scope::Scope,
    task::Tool,
};

pub fn role(role: Role) -> String {
    match role {
        Role::Viewer => t!("role-viewer"),
        Role::Member => t!("role-member"),
        Role::Approver => t!("role-approver"),
        Role::Owner => t!("role-owner"),
    }
}

/// Returns the label of a role with what it allows.
pub fn role_in_full(role: Role) -> String {
    match role {
        Role::Viewer => t!("role-viewer-full"),
        Role::Member => t!("role-member-full"),
        Role::Approver => t!("role-approver-full"),
        Role::Owner => t!("role-owner-full"),
    }
}

pub fn tenant_role(role: TenantRole) -> String {
    match role {
        TenantRole::Person => t!("tenant-role-person"),
        TenantRole::Auditor => t!("tenant-role-auditor"),
        TenantRole::Admin => t!("tenant-role-admin"),
    }
}

/// Returns the label of a tenant role with what it allows.
pub fn tenant_role_in_full(role: TenantRole) -> String {
    match role {
        TenantRole::Person => t!("tenant-role-person-full"),
        TenantRole::Auditor => t!("tenant-role-auditor-full"),
        TenantRole::Admin => t!("tenant-role-admin-full"),
    }
}

pub fn scope(scope: Scope) -> String {
    match scope {
        Scope::TasksRead => t!("scope-tasks-read"),
        Scope::TasksSubmit => t!("scope-tasks-submit"),
        Scope::TasksCancel => t!("scope-tasks-cancel"),
        Scope::ApprovalsRead => t!("scope-approvals-read"),
        Scope::ApprovalsDecide => t!("scope-approvals-decide"),
        Scope::AuditRead => t!("scope-audit-read"),
    }
}

pub fn network(policy: NetworkPolicy) -> String {
    match policy {
        NetworkPolicy::Isolated => t!("network-isolated"),
        NetworkPolicy::AllowList => t!("network-allow-list"),
        NetworkPolicy::Proxy => t!("network-proxy"),
        NetworkPolicy::Unrestricted => t!("network-unrestricted"),
    }
}

pub fn effect(effect: Effect) -> String {
    match effect {
        Effect::Run => t!("effect-run"),
        Effect::Ask => t!("effect-ask"),
        Effect::Refuse => t!("effect-refuse"),
    }
}

pub fn tool(tool: Tool) -> String {
    match tool {
        Tool::Bash => t!("tool-bash"),
    }
}
