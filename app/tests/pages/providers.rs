//! Identity providers on pages: signing in, one's own links, and setting them up (A-02).
use crate::house::{House, issuer};
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use domain::role::TenantRole;

const NEW: [(&str, &str); 7] = [
    ("kind", "oidc"),
    ("label", "Acme"),
    ("issuer", "https://id.acme.example"),
    ("client_id", "castellan"),
    ("client_secret", "correct-horse-battery"),
    ("newcomers", "domains"),
    ("domains", "acme.example"),
];

#[tokio::test]
async fn a_02_the_sign_in_page_has_a_plain_link_for_each_provider() {
    let house = House::new().await;
    let shown = house.get(None, "/sign-in?next=%2Fkeys").await;
    shown.says(r#"href="/sign-in/with/acme?next=%2Fkeys""#).says("Sign in with Acme &lt;ID&gt;");
    shown.says("or with a password").says(r#"name="password""#);
}

#[tokio::test]
async fn a_02_a_provider_is_set_up_and_its_secret_is_never_shown_again() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    house.get(Some(&ada), "/settings/authentication").await.says("No identity providers yet");
    let issuer = issuer().await;
    let new = NEW.map(|(name, value)| (name, if name == "issuer" { issuer.as_str() } else { value }));
    let made = house.act(Some(&ada), "/actions/providers/save", &new).await.unwrap();
    let Done::GoTo(page) = made else { panic!("{made:?}") };
    let id = page.strip_prefix("/settings/authentication/").unwrap();
    let one = house.get(Some(&ada), &page).await;
    one.says(&issuer).says(&format!("/sign-in/from/{id}")).says("acme.example").hides("horse");
    house.get(Some(&ada), "/settings/authentication").await.says("Acme").says("leads in").hides("horse");

    let found = house.send(Some(&ada), &page, "/actions/providers/test", &[("id", id)]).await;
    found.says(&format!("It calls itself {issuer}."));
    let mut off = new.to_vec();
    off.retain(|(name, _)| *name != "client_secret");
    off.push(("id", id));
    house.act(Some(&ada), "/actions/providers/save", &off).await.unwrap();
    house.get(Some(&ada), "/settings/authentication").await.says("off");
    let gone = house.act(Some(&ada), "/actions/providers/remove", &[("id", id)]).await.unwrap();
    assert_eq!(gone, Done::GoTo("/settings/authentication".into()));
    assert_eq!(house.get(Some(&ada), &page).await.status, StatusCode::NOT_FOUND);
}

/// D-03: also of providers that were made here, and each line says whose rule it is.
#[tokio::test]
async fn d_03_rules_that_name_no_organization_as_it_is_called_now_are_listed() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    let rules = "platform = Operations : approver\nghosts = Nowhere : viewer";
    let fields = [&NEW[..], &[("groups_claim", "groups"), ("groups", rules)]].concat();
    house.act(Some(&ada), "/actions/providers/save", &fields).await.unwrap();
    let list = "/settings/authentication";
    let shown = house.get(Some(&ada), list).await;
    shown.says("of Acme: there is no such organization").hides("is now called");
    let renamed = [("organization", house.ops.to_string()), ("name", "Platform".into())];
    let renamed = renamed.each_ref().map(|(name, value)| (*name, value.as_str()));
    house.act(Some(&ada), "/actions/organizations/rename", &renamed).await.unwrap();
    house.get(Some(&ada), list).await.says("of Acme: that organization is now called Platform.");
    let audrey = house.person("audrey", TenantRole::Auditor, None).await;
    house.get(Some(&audrey), list).await.says("is now called Platform.");
    let mel = house.person("mel", TenantRole::Person, None).await;
    house.get(Some(&mel), list).await.hides("is now called");
}

#[tokio::test]
async fn a_02_what_is_wrong_with_a_provider_stands_at_its_field() {
    let house = House::new().await;
    let ada = house.person("ada", TenantRole::Admin, None).await;
    for (field, value) in [
        ("issuer", "http://id.acme.example"),
        ("client_id", " "),
        ("domains", "@acme"),
        ("client_secret", ""),
        ("groups", "x"),
    ] {
        let mut fields = NEW.to_vec();
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let refused = house.act(Some(&ada), "/actions/providers/save", &fields).await.unwrap_err();
        assert_eq!((refused.kind, refused.fields[0].field.as_str()), (Kind::Invalid, field), "{refused:?}");
        let page = house.send(Some(&ada), "/settings/authentication/new", "/actions/providers/save", &fields).await;
        page.says(&format!(r##"href="#actions-providers-save-{}""##, field.replace('_', "-")));
        page.says(r#"value="Acme""#);
    }
}

#[tokio::test]
async fn a_02_only_admins_set_providers_up() {
    let house = House::new().await;
    let (mel, audrey) =
        (house.person("mel", TenantRole::Person, None).await, house.person("audrey", TenantRole::Auditor, None).await);
    for actor in [&mel, &audrey] {
        for page in ["/settings/authentication/new", "/settings/authentication/00000000-0000-0000-0000-000000000000"] {
            assert_eq!(house.get(Some(actor), page).await.status, StatusCode::FORBIDDEN, "{page}");
        }
        let refused = house.act(Some(actor), "/actions/providers/save", &NEW).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Forbidden);
    }
    assert_eq!(house.get(Some(&mel), "/settings/authentication").await.status, StatusCode::FORBIDDEN);
    house.get(Some(&audrey), "/settings/authentication").await.hides("/settings/authentication/new");
    house.get(Some(&mel), "/account/sign-in").await.says("Nothing is linked").says("/account/link/acme");
}
