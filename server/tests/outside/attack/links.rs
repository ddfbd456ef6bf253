//! Single-use links, used twice.
use crate::{
    client::{Credential, Response, form},
    people::PASSWORD,
    program::Program,
};
use reqwest::Method;
use std::fs;
use testkit::{ADAM, MIA};

/// D-02: the setup link creates one admin and is then removed from the disk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d_02_the_setup_link_works_once() {
    let mut program = Program::sqlite();
    program.start().await;
    let file = program.data().join("setup-link");
    let link = fs::read_to_string(&file).unwrap();
    let token = link.trim().split_once("/setup?token=").unwrap().1;
    let fields = |email| {
        let about = [("token", token), ("tenant", "Acme"), ("organization", "Ops"), ("name", "Adam"), ("email", email)];
        form(&[&about[..], &[("password", PASSWORD)]].concat())
    };
    program.get(Credential::Anonymous, &format!("/setup?token={token}")).await.is(200);
    // Two concurrent uses: exactly one creates the admin.
    let (one, two) = ("adam@acme.example", "eve@evil.example");
    let sent =
        |email| Response::of(program.action(Credential::Anonymous, "setup/set-up", "application/json", &fields(email)));
    let (first, second) = tokio::join!(sent(one), sent(two));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404], "{first}\n{second}");
    let late = sent("late@evil.example").await.is(404);
    assert_eq!(late.cookie(), None);
    program.get(Credential::Anonymous, &format!("/setup?token={token}")).await.is(404);
    assert!(!file.exists());
    // A restart creates no new link.
    program.kill();
    program.start().await;
    assert!(!file.exists());
}

/// A password link works once, is replaced by a newer one, and ends open sessions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_link_works_once() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let (adam, mia) = (program.person(ADAM, "acme"), program.person(MIA, "acme"));
    program.start().await;
    let (admin, old) = (program.sign_in(&adam.email).await, program.sign_in(&mia.email).await);
    let mut tokens = vec![];
    for _ in 0..2 {
        let link = program.act(Credential::Browser(&admin), "people/link", &[("id", &mia.id)]).await.is(200).secret();
        assert!(link.starts_with(&format!("{}/password?token=", program.origin)), "{link}");
        tokens.push(link.split_once("token=").unwrap().1.to_owned());
    }
    let new = "harbor-lantern-quilt-37";
    let set = |token: String, password: &'static str| {
        Response::of(program.action(
            Credential::Anonymous,
            "setup/set-password",
            "application/json",
            &form(&[("token", &token), ("password", password)]),
        ))
    };
    set(tokens[0].clone(), new).await.is(404);
    set(tokens[1].clone(), "short").await.is(422); // does not use it up
    let (one, two) = tokio::join!(set(tokens[1].clone(), new), set(tokens[1].clone(), "orchard-violin-cement-64"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404], "{one}\n{two}");
    set(tokens[1].clone(), new).await.is(404);
    Response::of(program.bare(Method::GET, &format!("/password?token={}", tokens[1]))).await.is(404);
    assert!(!program.is_signed_in(&old.cookie()).await, "a session outlived its password");
    assert_eq!(program.try_sign_in(&mia.email, PASSWORD, &[]).await.status, 401);
}
