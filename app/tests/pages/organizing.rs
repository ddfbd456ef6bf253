//! D-03: an organization's page, its settings, leaving it, and asking to be let in.
use crate::house::House;
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::{
    policy::CreateServiceAccount,
    policy::SetMembership,
    role::{Role, TenantRole},
};

#[tokio::test]
async fn d_03_only_who_manages_an_organization_finds_the_ways_to_change_it() {
    let house = House::new().await;
    let olga = house.person("olga", TenantRole::Person, Some(Role::Owner)).await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let at = format!("/organizations/{}", house.ops);
    let hers = house.get(Some(&olga), &at).await;
    hers.says("Make invitation").says("Add to organization").says("Remove…").says(&format!("{at}/settings"));
    hers.says("Who can reach this?").says(&format!("href=\"{at}/access\""));
    let his = house.get(Some(&mel), &at).await;
    his.hides("Make invitation").hides("Remove…").hides("/settings").says("Leave this organization…");
    his.hides("Who can reach this?").hides("/reach");
    let asked = house.get(Some(&mel), &format!("{at}/access")).await;
    assert_eq!(asked.status, StatusCode::FORBIDDEN);
    let audrey = house.person("audrey", TenantRole::Auditor, None).await;
    house.get(Some(&audrey), &at).await.says(&format!("{at}/access")).hides(&format!("{at}/settings"));
    assert_eq!(house.get(Some(&mel), &format!("{at}/settings")).await.status, StatusCode::FORBIDDEN);
    let removing = format!("{at}/members/{}", olga.person().unwrap());
    assert_eq!(house.get(Some(&mel), &removing).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn d_03_an_archived_organization_is_offered_nowhere_and_can_be_brought_back() {
    let house = House::new().await;
    let olga = house.person("olga", TenantRole::Person, Some(Role::Owner)).await;
    let ops = house.ops.to_string();
    let at = format!("/organizations/{ops}");
    let task = [("organization", ops.as_str()), ("script", "true"), ("network_policy", "unrestricted")];
    house.act(Some(&olga), "/actions/tasks/submit", &task).await.unwrap();
    let settings = format!("{at}/settings");
    house.get(Some(&olga), &settings).await.says("One task runs or waits here").says("state=awaiting_approval");
    let fields = [("organization", ops.as_str())];
    let shown = house.send(Some(&olga), &settings, "/actions/organizations/archive", &fields).await;
    assert_eq!(shown.status, StatusCode::CONFLICT);
    shown.says("One task runs or waits in this organization. Let it end or stop it");
    house.act(Some(&olga), "/actions/emergency/stop-tasks", &fields).await.unwrap();
    let done = house.act(Some(&olga), "/actions/organizations/archive", &fields).await.unwrap();
    assert_eq!(done, Done::GoTo(at.clone()));

    house.get(Some(&olga), &at).await.says("archived").hides("Make invitation").hides("Add to organization");
    house.get(Some(&olga), "/organizations").await.says("Archived organizations");
    house.get(Some(&olga), "/tasks/new").await.says("You cannot submit tasks yet");
    house.get(Some(&olga), "/search?q=opera").await.says("archived");
    house.get(Some(&olga), &settings).await.says("Bring it back");
    house.act(Some(&olga), "/actions/organizations/restore", &fields).await.unwrap();
    house.get(Some(&olga), "/organizations").await.hides("Archived organizations");
}

#[tokio::test]
async fn d_03_what_becomes_of_what_somebody_has_is_said_before_they_go() {
    let house = House::new().await;
    let olga = house.person("olga", TenantRole::Person, Some(Role::Owner)).await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let (ops, id) = (house.ops.to_string(), mel.person().unwrap());
    let adam = house.person("adam", TenantRole::Admin, None).await;
    let mut write = house.store.write(&adam).await.unwrap();
    let robot = adam.may(CreateServiceAccount { name: "Robot".into(), responsible: id }).unwrap();
    let person = write.create_service_account(robot).await.unwrap();
    let join = SetMembership { organization: house.ops, person, role: Role::Member };
    write.set_membership(adam.may(join).unwrap()).await.unwrap();
    write.commit().await.unwrap();
    let task = [("organization", ops.as_str()), ("script", "true"), ("network_policy", "unrestricted")];
    house.act(Some(&mel), "/actions/tasks/submit", &task).await.unwrap();

    let account = format!("/keys/service-accounts/{person}");
    house.get(Some(&mel), &account).await.says("It has no key yet").hides("Who answers for it");
    let key = [("name", "Nightly build"), ("scopes[]", "tasks:read"), ("days", "30"), ("owner", &person.to_string())];
    house.act(Some(&mel), "/actions/keys/create", &key).await.unwrap();
    house.get(Some(&mel), &account).await.says("Nightly build").says("/keys/new?owner=").hides("It has no key yet");
    house.get(Some(&adam), &account).await.says("Nightly build").says("Who answers for it from now on");
    let shown = house.get(Some(&adam), &format!("/organizations/{ops}")).await;
    shown.says("(service account)").hides("service.invalid");
    shown.says(&format!("/organizations/{ops}/access")).says(&format!("/organizations/{ops}/settings"));

    let at = format!("/organizations/{ops}/members/{id}");
    let shown = house.get(Some(&olga), &at).await;
    shown.says("Remove mel from Operations").says("One task that waits or is queued is cancelled.");
    shown.says("One service account goes to whom you choose:").says("Robot").says("olga (olga@example.org)");
    house.get(Some(&mel), &at).await.says("Leave Operations").hides("name=\"person\"");
    let fields = [("organization", ops.as_str()), ("person", &id.to_string()), ("successor", "")];
    let refused = house.send(Some(&olga), &at, "/actions/organizations/remove-member", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.says("Choose who answers for the service accounts from now on.");
    let successor = olga.person().unwrap().to_string();
    let fields = [("organization", ops.as_str()), ("person", &id.to_string()), ("successor", &successor)];
    house.act(Some(&olga), "/actions/organizations/remove-member", &fields).await.unwrap();
    house.get(Some(&olga), "/keys/service-accounts").await.says("Robot").says("olga");
    let fields = [("organization", ops.as_str())];
    let last = house.act(Some(&olga), "/actions/organizations/leave", &fields).await.unwrap_err();
    assert_eq!(last.kind, Kind::Conflict);
}

#[tokio::test]
async fn d_03_somebody_asks_to_join_and_sees_what_came_of_it() {
    let house = House::new().await;
    let olga = house.person("olga", TenantRole::Person, Some(Role::Owner)).await;
    let sam = house.person("sam", TenantRole::Person, None).await;
    let ops = house.ops.to_string();
    house.get(Some(&sam), "/organizations").await.hides("Ask to join…");
    let open = [("organization", ops.as_str()), ("open", "true")];
    house.act(Some(&olga), "/actions/organizations/requests", &open).await.unwrap();
    house.get(Some(&sam), "/organizations").await.says("Ask to join…").says("Operations");
    let ask = [("organization", ops.as_str()), ("reason", "I run the backups")];
    house.act(Some(&sam), "/actions/join-requests/ask", &ask).await.unwrap();
    house.get(Some(&sam), "/organizations").await.says("waiting").says("Withdraw…").hides("Ask to join…");
    house.get(Some(&olga), "/").await.says("Somebody asks to join Operations");
    let page = house.get(Some(&olga), &format!("/organizations/{ops}")).await;
    page.says("People who ask to join").says("I run the backups");
    let request = page.html.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let decline = [("organization", ops.as_str()), ("request", &request), ("reason", "")];
    let at = format!("/organizations/{ops}");
    house.send(Some(&olga), &at, "/actions/join-requests/decline", &decline).await.says("Say why, so that they know.");
    let decline = [("organization", ops.as_str()), ("request", &request), ("reason", "We are full")];
    house.act(Some(&olga), "/actions/join-requests/decline", &decline).await.unwrap();
    house.get(Some(&sam), "/organizations").await.says("declined").says("We are full").says("Ask to join…");
    house.get(Some(&olga), "/").await.hides("Somebody asks to join Operations");
}

/// What a form was about may have gone meanwhile, its row and the form with it: the page says all the same why it was refused.
#[tokio::test]
async fn d_03_a_refusal_is_said_also_where_its_form_is_gone() {
    let house = House::new().await;
    let olga = house.person("olga", TenantRole::Person, Some(Role::Owner)).await;
    let sam = house.person("sam", TenantRole::Person, None).await;
    let ops = house.ops.to_string();
    let at = format!("/organizations/{ops}");
    let open = [("organization", ops.as_str()), ("open", "true")];
    house.act(Some(&olga), "/actions/organizations/requests", &open).await.unwrap();
    house.act(Some(&sam), "/actions/join-requests/ask", &[("organization", ops.as_str())]).await.unwrap();
    let page = house.get(Some(&olga), &at).await;
    let request = page.html.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let withdraw = [("request", request.as_str())];
    house.act(Some(&sam), "/actions/join-requests/withdraw", &withdraw).await.unwrap();
    let gone = "This request was answered or withdrawn already.";
    let accept = [("organization", ops.as_str()), ("request", &request), ("role", "member")];
    let decline = [("organization", ops.as_str()), ("request", &request), ("reason", "We are full")];
    for (action, fields) in [("accept", &accept), ("decline", &decline)] {
        let shown = house.send(Some(&olga), &at, &format!("/actions/join-requests/{action}"), fields).await;
        assert_eq!(shown.status, StatusCode::CONFLICT);
        assert_eq!(shown.html.matches(gone).count(), 1, "{action}: once");
    }
    let shown = house.send(Some(&sam), "/organizations", "/actions/join-requests/withdraw", &withdraw).await;
    assert_eq!(shown.html.matches(gone).count(), 1);
    let revoke = [("organization", ops.as_str()), ("invitation", "00000000-0000-0000-0000-000000000000")];
    let shown = house.send(Some(&olga), &at, "/actions/organizations/revoke-invitation", &revoke).await;
    assert_eq!((shown.status, shown.html.matches("class=\"errors\"").count()), (StatusCode::NOT_FOUND, 1));
    // The organization was archived while somebody filled in a form that is not there any more.
    house.act(Some(&olga), "/actions/organizations/archive", &[("organization", ops.as_str())]).await.unwrap();
    let add = [("organization", ops.as_str()), ("email", "sam@example.org"), ("role", "member")];
    let shown = house.send(Some(&olga), &at, "/actions/organizations/add-member", &add).await;
    assert_eq!(shown.status, StatusCode::CONFLICT);
    shown.says("This organization is archived: nothing is changed");
    // A form that still stands there says it itself, and once.
    let own = olga.person().unwrap().to_string();
    let set = [("organization", ops.as_str()), ("person", own.as_str()), ("role", "member")];
    let shown = house.send(Some(&olga), &at, "/actions/organizations/set-role", &set).await;
    assert_eq!(shown.html.matches("This is the last owner of the organization").count(), 1);
}

#[tokio::test]
async fn d_03_an_archived_organization_is_named_where_one_looks_at_it_and_its_roles_can_be_lowered() {
    let house = House::new().await;
    let olga = house.person("olga", TenantRole::Person, Some(Role::Owner)).await;
    house.person("abe", TenantRole::Person, Some(Role::Approver)).await;
    let adam = house.person("adam", TenantRole::Admin, None).await;
    let ops = house.ops.to_string();
    house.act(Some(&olga), "/actions/organizations/archive", &[("organization", ops.as_str())]).await.unwrap();
    for list in ["/tasks", "/approvals"] {
        let shown = house.get(Some(&olga), &format!("{list}?organization={ops}")).await;
        shown.says("Operations (archived)").says("All organizations").says(&format!("href=\"{list}\""));
        house.get(Some(&olga), list).await.hides("Operations (archived)").hides("All organizations");
        let sam = house.person(&format!("sam{}", list.len()), TenantRole::Person, None).await;
        house.get(Some(&sam), &format!("{list}?organization={ops}")).await.hides("Operations");
    }
    house.get(Some(&adam), "/reviews").await.says("Operations (archived)");
    let page = house.get(Some(&olga), &format!("/organizations/{ops}")).await;
    let abes = page.html.split("Role of abe").nth(1).unwrap().split("</form>").next().unwrap();
    assert!(
        abes.contains("value=\"viewer\"") && abes.contains("value=\"approver\"") && !abes.contains("value=\"owner\""),
        "{abes}"
    );
}

#[tokio::test]
async fn d_03_a_tasks_life_says_that_its_owner_left() {
    let house = House::new().await;
    let olga = house.person("olga", TenantRole::Person, Some(Role::Owner)).await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let (ops, id) = (house.ops.to_string(), mel.person().unwrap().to_string());
    let task = [("organization", ops.as_str()), ("script", "true"), ("network_policy", "unrestricted")];
    let done = house.act(Some(&mel), "/actions/tasks/submit", &task).await.unwrap();
    let Done::GoTo(task) = done else { panic!("{done:?}") };
    let remove = [("organization", ops.as_str()), ("person", id.as_str())];
    house.act(Some(&olga), "/actions/organizations/remove-member", &remove).await.unwrap();
    house.get(Some(&mel), &task).await.says("Cancelled: who submitted it is not in the organization any more");
}

/// M-01: who only reads everything is offered no key of an account, which would become a key of their own.
#[tokio::test]
async fn m_01_a_new_key_of_a_service_account_is_offered_to_who_may_make_one() {
    let house = House::new().await;
    let adam = house.person("adam", TenantRole::Admin, None).await;
    let audrey = house.person("audrey", TenantRole::Auditor, None).await;
    let mel = house.person("mel", TenantRole::Person, Some(Role::Member)).await;
    let robot = house.robot(&adam, &mel, Role::Member).await.person().unwrap();
    for page in ["/keys/service-accounts".to_owned(), format!("/keys/service-accounts/{robot}")] {
        let way = format!("/keys/new?owner={robot}");
        house.get(Some(&adam), &page).await.says("Robot").says(&way);
        house.get(Some(&mel), &page).await.says("Robot").says(&way);
        house.get(Some(&audrey), &page).await.says("Robot").hides(&way);
    }
    house.get(Some(&audrey), &format!("/keys/new?owner={robot}")).await.hides("Robot");

    let (page, asked) = (format!("/keys/service-accounts/{robot}"), format!("/keys/service-accounts/{robot}/access"));
    let key = [("name", "Nightly"), ("scopes[]", "tasks:read"), ("days", "30"), ("owner", &robot.to_string())];
    house.act(Some(&mel), "/actions/keys/create", &key).await.unwrap();
    for who in [&adam, &mel, &audrey] {
        house.get(Some(who), &page).await.says("Who acts as this?").says(&asked);
        let told = house.get(Some(who), &asked).await;
        told.says("Nightly").says("act as it").says("answers for it").says("make and revoke its keys");
    }
    let max = house.person("max", TenantRole::Person, Some(Role::Owner)).await;
    assert_eq!(house.get(Some(&max), &asked).await.status, StatusCode::NOT_FOUND);
}
