//! Response compression and length side channels (BREACH).
use crate::{
    client::{Credential, form},
    program::Program,
};
use reqwest::Method;
use testkit::MIA;

/// Pages are compressed; responses to forms are not, because they may contain a secret next to submitted text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_compressed_and_secrets_are_not() {
    let mut program = Program::sqlite();
    program.tenant("acme");
    let mia = program.person(MIA, "acme");
    program.start().await;
    let browser = program.sign_in(&mia.email).await;
    let who = Credential::Browser(&browser);
    let plain = program.get(who, "/keys").await.is(200);
    assert_eq!(plain.header("content-encoding"), "");
    let page = program.request(who, Method::GET, "/keys").header("accept-encoding", "gzip, br");
    let page = program.send(who, page).await.is(200);
    assert_eq!((page.header("content-encoding"), page.header("vary")), ("gzip", "accept-encoding"));
    assert!(plain.body.contains("<html") && !page.body.contains("<html"), "{page}");

    let fields = form(&[("name", "deploy"), ("scopes[0]", "tasks:read"), ("_page", "/keys")]);
    let made = program.action(who, "keys/create", "text/html", &fields).header("accept-encoding", "gzip, br");
    let made = program.send(who, made).await.is(200);
    assert_eq!(made.header("content-encoding"), "");
    assert!(made.body.contains("mk_"), "{made}");
}
