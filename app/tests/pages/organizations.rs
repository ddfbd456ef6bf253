//! Organization pages (D-03): settings, members and join requests.
use crate::fixture::Fixture;
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::{
    policy::{CreateServiceAccount, SetMembership},
    role::Role,
};
use testkit::{ABE, ADAM, AUDREY, MAX, MIA, OLGA, SAM, TestPerson};

#[tokio::test]
async fn d_03_only_managers_of_an_organization_see_its_management_controls() {
    let fixture = Fixture::new().await;
    let olga = fixture.person(OLGA).await;
    let mia = fixture.person(MIA).await;
    let at = format!("/organizations/{}", fixture.ops);
    let hers = fixture.get(Some(&olga), &at).await;
    hers.shows("Create invitation").shows("Add to organization").shows("Remove…").shows(&format!("{at}/settings"));
    hers.shows("Who has access").shows(&format!("href=\"{at}/access\""));
    let his = fixture.get(Some(&mia), &at).await;
    his.hides("Create invitation").hides("Remove…").hides("/settings").shows("Leave this organization…");
    his.hides("Who has access").hides("/reach");
    let access = fixture.get(Some(&mia), &format!("{at}/access")).await;
    assert_eq!(access.status, StatusCode::FORBIDDEN);
    let audrey = fixture.person(AUDREY).await;
    fixture.get(Some(&audrey), &at).await.shows(&format!("{at}/access")).hides(&format!("{at}/settings"));
    assert_eq!(fixture.get(Some(&mia), &format!("{at}/settings")).await.status, StatusCode::FORBIDDEN);
    let removing = format!("{at}/members/{}", olga.person().unwrap());
    assert_eq!(fixture.get(Some(&mia), &removing).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn d_03_an_archived_organization_is_not_offered_and_can_be_restored() {
    let fixture = Fixture::new().await;
    let olga = fixture.person(OLGA).await;
    let ops = fixture.ops.to_string();
    let at = format!("/organizations/{ops}");
    let task =
        [("organization", ops.as_str()), ("script", "true"), ("title", "Nothing"), ("network_policy", "unrestricted")];
    fixture.action(Some(&olga), "/actions/tasks/submit", &task).await.unwrap();
    let settings = format!("{at}/settings");
    fixture
        .get(Some(&olga), &settings)
        .await
        .shows("1 task is waiting or running here")
        .shows("state=awaiting_approval");
    let fields = [("organization", ops.as_str())];
    let shown = fixture.submit_form(Some(&olga), &settings, "/actions/organizations/archive", &fields).await;
    assert_eq!(shown.status, StatusCode::CONFLICT);
    shown.shows("1 task is waiting or running in this organization. Wait for it to end or stop it");
    fixture.action(Some(&olga), "/actions/emergency/stop-tasks", &fields).await.unwrap();
    let done = fixture.action(Some(&olga), "/actions/organizations/archive", &fields).await.unwrap();
    assert_eq!(done, Done::GoTo(at.clone()));

    fixture.get(Some(&olga), &at).await.shows("Archived").hides("Create invitation").hides("Add to organization");
    fixture.get(Some(&olga), "/organizations").await.shows("Archived organizations");
    fixture.get(Some(&olga), "/tasks/new").await.shows("You cannot submit tasks yet");
    fixture.get(Some(&olga), "/search?q=opera").await.shows("Archived");
    fixture.get(Some(&olga), &settings).await.shows("Restore organization");
    fixture.action(Some(&olga), "/actions/organizations/restore", &fields).await.unwrap();
    fixture.get(Some(&olga), "/organizations").await.hides("Archived organizations");
}

#[tokio::test]
async fn d_03_the_consequences_of_leaving_are_shown_before_a_member_is_removed() {
    let fixture = Fixture::new().await;
    let olga = fixture.person(OLGA).await;
    let mia = fixture.person(MIA).await;
    let (ops, id) = (fixture.ops.to_string(), mia.person().unwrap());
    let adam = fixture.person(ADAM).await;
    let mut write = fixture.store.write(&adam).await.unwrap();
    let robot = adam.may(CreateServiceAccount { name: "Robot".into(), responsible: id }).unwrap();
    let person = write.create_service_account(robot).await.unwrap();
    let join = SetMembership { organization: fixture.ops, person, role: Role::Member };
    write.set_membership(adam.may(join).unwrap()).await.unwrap();
    write.commit().await.unwrap();
    let task =
        [("organization", ops.as_str()), ("script", "true"), ("title", "Nothing"), ("network_policy", "unrestricted")];
    fixture.action(Some(&mia), "/actions/tasks/submit", &task).await.unwrap();

    let account = format!("/keys/service-accounts/{person}");
    fixture.get(Some(&mia), &account).await.shows("No API keys yet").hides("New responsible person");
    let key = [("name", "Nightly build"), ("scopes[]", "tasks:read"), ("days", "30"), ("owner", &person.to_string())];
    fixture.action(Some(&mia), "/actions/keys/create", &key).await.unwrap();
    fixture.get(Some(&mia), &account).await.shows("Nightly build").shows("/keys/new?owner=").hides("No API keys yet");
    fixture.get(Some(&adam), &account).await.shows("Nightly build").shows("New responsible person");
    let shown = fixture.get(Some(&adam), &format!("/organizations/{ops}")).await;
    shown.shows("(service account)").hides("service.invalid");
    shown.shows(&format!("/organizations/{ops}/access")).shows(&format!("/organizations/{ops}/settings"));

    let at = format!("/organizations/{ops}/members/{id}");
    let shown = fixture.get(Some(&olga), &at).await;
    shown.shows("Remove mia of acme from Operations").shows("1 waiting or queued task is cancelled.");
    shown
        .shows("1 service account is transferred to the person you choose:")
        .shows("Robot")
        .shows("olga of acme (olga@acme.example)");
    fixture.get(Some(&mia), &at).await.shows("Leave Operations").hides("name=\"person\"");
    let fields = [("organization", ops.as_str()), ("person", &id.to_string()), ("successor", "")];
    let refused = fixture.submit_form(Some(&olga), &at, "/actions/organizations/remove-member", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.shows("Choose a new responsible person for the service accounts.");
    let successor = olga.person().unwrap().to_string();
    let fields = [("organization", ops.as_str()), ("person", &id.to_string()), ("successor", &successor)];
    fixture.action(Some(&olga), "/actions/organizations/remove-member", &fields).await.unwrap();
    fixture.get(Some(&olga), "/keys/service-accounts").await.shows("Robot").shows("olga");
    let fields = [("organization", ops.as_str())];
    let last = fixture.action(Some(&olga), "/actions/organizations/leave", &fields).await.unwrap_err();
    assert_eq!(last.kind, Kind::Conflict);
}

#[tokio::test]
async fn d_03_a_join_request_is_sent_declined_and_reported_to_the_requester() {
    let fixture = Fixture::new().await;
    let olga = fixture.person(OLGA).await;
    let sam = fixture.person(SAM).await;
    let ops = fixture.ops.to_string();
    fixture.get(Some(&sam), "/organizations").await.hides("Request to join…");
    let open = [("organization", ops.as_str()), ("open", "true")];
    fixture.action(Some(&olga), "/actions/organizations/requests", &open).await.unwrap();
    fixture.get(Some(&sam), "/organizations").await.shows("Request to join…").shows("Operations");
    let ask = [("organization", ops.as_str()), ("reason", "I run the backups")];
    fixture.action(Some(&sam), "/actions/join-requests/ask", &ask).await.unwrap();
    fixture.get(Some(&sam), "/organizations").await.shows("Pending").shows("Withdraw…").hides("Request to join…");
    fixture.get(Some(&olga), "/").await.shows("1 person requested to join Operations");
    let page = fixture.get(Some(&olga), &format!("/organizations/{ops}")).await;
    page.shows("Pending join requests").shows("I run the backups");
    let request = page.html.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let decline = [("organization", ops.as_str()), ("request", &request), ("reason", "")];
    let at = format!("/organizations/{ops}");
    fixture
        .submit_form(Some(&olga), &at, "/actions/join-requests/decline", &decline)
        .await
        .shows("Give a reason that the person can read.");
    let decline = [("organization", ops.as_str()), ("request", &request), ("reason", "We are full")];
    fixture.action(Some(&olga), "/actions/join-requests/decline", &decline).await.unwrap();
    fixture.get(Some(&sam), "/organizations").await.shows("Declined").shows("We are full").shows("Request to join…");
    fixture.get(Some(&olga), "/").await.hides("1 person requested to join Operations");
}

/// The object of a form may be gone, and its row and form with it. The page still shows why the form was refused.
#[tokio::test]
async fn d_03_a_refusal_is_shown_even_if_its_form_no_longer_exists() {
    let fixture = Fixture::new().await;
    let olga = fixture.person(OLGA).await;
    let sam = fixture.person(SAM).await;
    let ops = fixture.ops.to_string();
    let at = format!("/organizations/{ops}");
    let open = [("organization", ops.as_str()), ("open", "true")];
    fixture.action(Some(&olga), "/actions/organizations/requests", &open).await.unwrap();
    fixture.action(Some(&sam), "/actions/join-requests/ask", &[("organization", ops.as_str())]).await.unwrap();
    let page = fixture.get(Some(&olga), &at).await;
    let request = page.html.split("name=\"request\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let withdraw = [("request", request.as_str())];
    fixture.action(Some(&sam), "/actions/join-requests/withdraw", &withdraw).await.unwrap();
    let gone = "This request was already decided or withdrawn.";
    let accept = [("organization", ops.as_str()), ("request", &request), ("role", "member")];
    let decline = [("organization", ops.as_str()), ("request", &request), ("reason", "We are full")];
    for (action, fields) in [("accept", &accept), ("decline", &decline)] {
        let shown = fixture.submit_form(Some(&olga), &at, &format!("/actions/join-requests/{action}"), fields).await;
        assert_eq!(shown.status, StatusCode::CONFLICT);
        assert_eq!(shown.html.matches(gone).count(), 1, "{action}: once");
    }
    let shown = fixture.submit_form(Some(&sam), "/organizations", "/actions/join-requests/withdraw", &withdraw).await;
    assert_eq!(shown.html.matches(gone).count(), 1);
    let revoke = [("organization", ops.as_str()), ("invitation", "00000000-0000-0000-0000-000000000000")];
    let shown = fixture.submit_form(Some(&olga), &at, "/actions/organizations/revoke-invitation", &revoke).await;
    assert_eq!((shown.status, shown.html.matches("class=\"errors\"").count()), (StatusCode::NOT_FOUND, 1));
    // The organization is archived while a form is open that its page no longer contains.
    fixture.action(Some(&olga), "/actions/organizations/archive", &[("organization", ops.as_str())]).await.unwrap();
    let add = [("organization", ops.as_str()), ("email", "sam@acme.example"), ("role", "member")];
    let shown = fixture.submit_form(Some(&olga), &at, "/actions/organizations/add-member", &add).await;
    assert_eq!(shown.status, StatusCode::CONFLICT);
    shown.shows("This organization is archived. Changes are blocked");
    // A form that is still on the page shows the refusal itself, once.
    let own = olga.person().unwrap().to_string();
    let set = [("organization", ops.as_str()), ("person", own.as_str()), ("role", "member")];
    let shown = fixture.submit_form(Some(&olga), &at, "/actions/organizations/set-role", &set).await;
    assert_eq!(shown.html.matches("This is the last active owner of the organization").count(), 1);
}

#[tokio::test]
async fn d_03_an_archived_organization_is_marked_and_its_roles_can_be_lowered() {
    let fixture = Fixture::new().await;
    let olga = fixture.person(OLGA).await;
    fixture.person(ABE).await;
    let adam = fixture.person(ADAM).await;
    let ops = fixture.ops.to_string();
    fixture.action(Some(&olga), "/actions/organizations/archive", &[("organization", ops.as_str())]).await.unwrap();
    for list in ["/tasks", "/approvals"] {
        let shown = fixture.get(Some(&olga), &format!("{list}?organization={ops}")).await;
        shown.shows("Operations (archived)").shows("All organizations").shows(&format!("href=\"{list}\""));
        fixture.get(Some(&olga), list).await.hides("Operations (archived)").hides("All organizations");
        let sam = fixture.person(TestPerson { name: format!("sam{}", list.len()).leak(), ..SAM }).await;
        fixture.get(Some(&sam), &format!("{list}?organization={ops}")).await.hides("Operations");
    }
    fixture.get(Some(&adam), "/reviews").await.shows("Operations (archived)");
    let page = fixture.get(Some(&olga), &format!("/organizations/{ops}")).await;
    let abes = page.html.split("Role of abe").nth(1).unwrap().split("</form>").next().unwrap();
    assert!(
        abes.contains("value=\"viewer\"") && abes.contains("value=\"approver\"") && !abes.contains("value=\"owner\""),
        "{abes}"
    );
}

#[tokio::test]
async fn d_03_the_timeline_shows_a_cancellation_because_the_submitter_left() {
    let fixture = Fixture::new().await;
    let olga = fixture.person(OLGA).await;
    let mia = fixture.person(MIA).await;
    let (ops, id) = (fixture.ops.to_string(), mia.person().unwrap().to_string());
    let task =
        [("organization", ops.as_str()), ("script", "true"), ("title", "Nothing"), ("network_policy", "unrestricted")];
    let done = fixture.action(Some(&mia), "/actions/tasks/submit", &task).await.unwrap();
    let Done::GoTo(task) = done else { panic!("{done:?}") };
    let remove = [("organization", ops.as_str()), ("person", id.as_str())];
    fixture.action(Some(&olga), "/actions/organizations/remove-member", &remove).await.unwrap();
    fixture.get(Some(&mia), &task).await.shows("Cancelled: the submitter left the organization");
}

/// M-01: an auditor is not offered a key of a service account, which would give them its permissions.
#[tokio::test]
async fn m_01_new_service_account_keys_are_offered_only_to_people_who_can_create_them() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let audrey = fixture.person(AUDREY).await;
    let mia = fixture.person(MIA).await;
    let robot = fixture.service_account(&adam, &mia, Role::Member).await.person().unwrap();
    for page in ["/keys/service-accounts".to_owned(), format!("/keys/service-accounts/{robot}")] {
        let way = format!("/keys/new?owner={robot}");
        fixture.get(Some(&adam), &page).await.shows("Robot").shows(&way);
        fixture.get(Some(&mia), &page).await.shows("Robot").shows(&way);
        fixture.get(Some(&audrey), &page).await.shows("Robot").hides(&way);
    }
    fixture.get(Some(&audrey), &format!("/keys/new?owner={robot}")).await.hides("Robot");

    let (page, access) = (format!("/keys/service-accounts/{robot}"), format!("/keys/service-accounts/{robot}/access"));
    let key = [("name", "Nightly"), ("scopes[]", "tasks:read"), ("days", "30"), ("owner", &robot.to_string())];
    fixture.action(Some(&mia), "/actions/keys/create", &key).await.unwrap();
    for who in [&adam, &mia, &audrey] {
        fixture.get(Some(who), &page).await.shows("Who can act as this account").shows(&access);
        let shown = fixture.get(Some(who), &access).await;
        shown
            .shows("Nightly")
            .shows("act as this account")
            .shows("responsible person")
            .shows("create and revoke its API keys");
    }
    let max = fixture.person(TestPerson { role: Some(Role::Owner), ..MAX }).await;
    assert_eq!(fixture.get(Some(&max), &access).await.status, StatusCode::NOT_FOUND);
}
