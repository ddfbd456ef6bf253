//! Identity providers on pages (A-02): sign-in, linked accounts and settings.
use crate::fixture::{Fixture, issuer};
use app::outcome::{Done, Kind};
use axum::http::StatusCode;
use testkit::{ADAM, AUDREY, SAM};

const NEW: [(&str, &str); 7] = [
    ("kind", "oidc"),
    ("label", "Acme"),
    ("issuer", "https://id.acme.example"),
    ("client_id", "castellan"),
    ("client_secret", "correct-horse-battery"),
    ("new_accounts", "domains"),
    ("domains", "acme.example"),
];

#[tokio::test]
async fn a_02_the_sign_in_page_links_each_provider() {
    let fixture = Fixture::new().await;
    let shown = fixture.get(None, "/sign-in?next=%2Fkeys").await;
    shown.shows(r#"href="/sign-in/with/acme?next=%2Fkeys""#).shows("Sign in with Acme &lt;ID&gt;");
    shown.shows("or with a password").shows(r#"name="password""#);
}

#[tokio::test]
async fn a_02_the_client_secret_of_a_provider_is_never_shown_again() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    fixture.get(Some(&adam), "/settings/authentication").await.shows("No identity providers yet");
    let issuer = issuer().await;
    let new = NEW.map(|(name, value)| (name, if name == "issuer" { issuer.as_str() } else { value }));
    let made = fixture.action(Some(&adam), "/actions/providers/save", &new).await.unwrap();
    let Done::GoTo(page) = made else { panic!("{made:?}") };
    let id = page.strip_prefix("/settings/authentication/").unwrap();
    let one = fixture.get(Some(&adam), &page).await;
    one.shows(&issuer).shows(&format!("/sign-in/from/{id}")).shows("acme.example").hides("horse");
    fixture.get(Some(&adam), "/settings/authentication").await.shows("Acme").shows("Active").hides("horse");

    let found = fixture.submit_form(Some(&adam), &page, "/actions/providers/test", &[("id", id)]).await;
    found.shows(&format!("Issuer: {issuer}"));
    let mut off = new.to_vec();
    off.retain(|(name, _)| *name != "client_secret");
    off.push(("id", id));
    fixture.action(Some(&adam), "/actions/providers/save", &off).await.unwrap();
    fixture.get(Some(&adam), "/settings/authentication").await.shows("Disabled");
    let gone = fixture.action(Some(&adam), "/actions/providers/remove", &[("id", id)]).await.unwrap();
    assert_eq!(gone, Done::GoTo("/settings/authentication".into()));
    assert_eq!(fixture.get(Some(&adam), &page).await.status, StatusCode::NOT_FOUND);
}

/// D-03: includes providers that were created on pages. Each line names the provider of the rule.
#[tokio::test]
async fn d_03_group_rules_with_outdated_organization_names_are_listed() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
    let rules = "platform = Operations : approver\nghosts = Nowhere : viewer";
    let fields = [&NEW[..], &[("groups_claim", "groups"), ("groups", rules)]].concat();
    fixture.action(Some(&adam), "/actions/providers/save", &fields).await.unwrap();
    let list = "/settings/authentication";
    let shown = fixture.get(Some(&adam), list).await;
    shown.shows("of Acme: no organization has this name").hides("is now named");
    let renamed = [("organization", fixture.ops.to_string()), ("name", "Platform".into())];
    let renamed = renamed.each_ref().map(|(name, value)| (*name, value.as_str()));
    fixture.action(Some(&adam), "/actions/organizations/rename", &renamed).await.unwrap();
    fixture.get(Some(&adam), list).await.shows("of Acme: the organization is now named Platform.");
    let audrey = fixture.person(AUDREY).await;
    fixture.get(Some(&audrey), list).await.shows("is now named Platform.");
    let sam = fixture.person(SAM).await;
    fixture.get(Some(&sam), list).await.hides("is now named");
}

#[tokio::test]
async fn a_02_provider_errors_are_shown_at_their_fields() {
    let fixture = Fixture::new().await;
    let adam = fixture.person(ADAM).await;
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
        let refused = fixture.action(Some(&adam), "/actions/providers/save", &fields).await.unwrap_err();
        assert_eq!((refused.kind, refused.fields[0].field.as_str()), (Kind::Invalid, field), "{refused:?}");
        let page =
            fixture.submit_form(Some(&adam), "/settings/authentication/new", "/actions/providers/save", &fields).await;
        page.shows(&format!(r##"href="#actions-providers-save-{}""##, field.replace('_', "-")));
        page.shows(r#"value="Acme""#);
    }
}

#[tokio::test]
async fn a_02_only_admins_can_configure_providers() {
    let fixture = Fixture::new().await;
    let (sam, audrey) = (fixture.person(SAM).await, fixture.person(AUDREY).await);
    for actor in [&sam, &audrey] {
        for page in ["/settings/authentication/new", "/settings/authentication/00000000-0000-0000-0000-000000000000"] {
            assert_eq!(fixture.get(Some(actor), page).await.status, StatusCode::FORBIDDEN, "{page}");
        }
        let refused = fixture.action(Some(actor), "/actions/providers/save", &NEW).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Forbidden);
    }
    assert_eq!(fixture.get(Some(&sam), "/settings/authentication").await.status, StatusCode::FORBIDDEN);
    fixture.get(Some(&audrey), "/settings/authentication").await.hides("/settings/authentication/new");
    fixture.get(Some(&sam), "/account/sign-in").await.shows("No linked accounts").shows("/account/link/acme");
}
