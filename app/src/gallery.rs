//! Component gallery of development builds: every component in every state, for visual review and for visual regression tests.
use crate::{
    outcome::{Answered, Refusal, RefusalShown},
    tasks::labels::{NetworkBadge, StateBadge},
    ui::{
        Avatar, Badge, BadgeTone, Button, ButtonVariant, Checkbox, Chip, Choice, Confirm, Count, DescriptionItem,
        DescriptionList, Digest, EmptyState, Field, FilterForm, FilterRow, FilterSelect, FilterText, Form, Glyph,
        Group, Icon, LinkButton, Page, PageFuture, Pager, Password, RowLink, Section, Select, Source, Table, TextArea,
        TimeAgo, Trait, UntrustedText, ctx, page,
    },
};
use domain::{Actor, Invalid, Timestamp, network::NetworkPolicy, task::TaskState};
use leptos::{context::Provider, prelude::*};

/// The form of the gallery, which no server function answers.
const ACTION: &str = "/actions/gallery";

/// `/dev/gallery`.
pub fn gallery() -> PageFuture {
    page(async |_: Actor| Ok::<_, Refusal>(all()))
}

fn all() -> Page {
    let refusal = Refusal::from(Invalid::new("address", "must contain @"));
    let values = vec![("address".to_owned(), "ada".to_owned())];
    let refused =
        Answered { action: ACTION.into(), values, result: Err(refusal), refusal_shown: RefusalShown::default() };
    let action = view! {
        <LinkButton href="#text">"Secondary action"</LinkButton>
        <LinkButton href="#text" variant=ButtonVariant::Primary>"Main action"</LinkButton>
    };
    Page::new(Section::Other, "Gallery").lead("Every component in every state.").action(action).body(view! {
        <Part id="text" name="Text">
            <p>"A paragraph with "<a href="#text">"a link"</a>", "<strong>"emphasis"</strong>", "<code>"code"</code>" and "<kbd>"Ctrl K"</kbd>"."</p>
            <p class="muted">"Muted text, for what comes second: 0123456789"</p>
            <p class="help">"Help text, below a field."</p>
            <h3>"A third heading"</h3>
            <p><UntrustedText text="payments\u{202e}txt.exe" /></p>
        </Part>
        <Part id="buttons" name="Buttons">
            <div class="form-buttons">
                <Button variant=ButtonVariant::Primary>"Approve request"</Button>
                <Button>"View task"</Button>
                <Button variant=ButtonVariant::Danger>"Revoke key"</Button>
                <button class="button" type="button" aria-pressed="true">"Pressed"</button>
                <button class="button" type="button" disabled>"Disabled"</button>
                <button class="button button-main" type="button" disabled>"Disabled"</button>
                <button class="button button-small" type="button">"Small"</button>
                <button class="button" type="button"><Icon of=Glyph::Search />"With icon"</button>
            </div>
            <Confirm label="Revoke…" consequence="Programs that use the key stop working." act="Revoke key" action=ACTION hidden=vec![] />
        </Part>
        <Part id="states" name="States and properties">
            <p class="form-buttons">{STATES.map(|state| view! { <StateBadge state=state /> })}</p>
            <p class="form-buttons">{POLICIES.map(|policy| view! { <NetworkBadge policy=policy /> })} <Trait glyph=Glyph::People label="Organization members" /></p>
            <p class="form-buttons">
                <Count of=3 more=false /> <Count of=120 more=true /> <span class="tag">"env=prod"</span>
                {["Ada", "Grace Hopper"].map(|name| view! { <span class="avatar-name"><Avatar name=name />{name}</span> })}
            </p>
        </Part>
        <Part id="list" name="List">
            <FilterForm label="Filter" fields=&["text", "kind"]>
                <FilterText name="text" label="Words in the title" kind="search" />
                <FilterSelect name="kind" label="Organization" any="All" choices=vec![Choice::new("ops", "Operations")] />
            </FilterForm>
            <FilterRow label="State">
                <Chip name="state" value="running" label="Running" count=2 />
                <Chip name="state" value="failed" label="Failed" count=120 more=true />
                <Chip name="mine" value="true" label="Mine" />
            </FilterRow>
            <Table caption="Tasks" headings=["Title", "State", "Submitted", ""].map(str::to_owned).into()>
                {[("Check last night’s backup", TaskState::Succeeded), ("Rotate the payment certificate", TaskState::AwaitingApproval)].map(row)}
            </Table>
            <Pager next=Some("next".into()) newer=Some("newer".into()) />
            <EmptyState title="No tasks" text="Tasks appear here when somebody submits one."><LinkButton href="#list">"New task"</LinkButton></EmptyState>
        </Part>
        <Part id="facts" name="Facts">
            <DescriptionList>
                <DescriptionItem name="Owner">"Ada"</DescriptionItem>
                <DescriptionItem name="State"><Badge tone=BadgeTone::Good label="Active" /></DescriptionItem>
                <DescriptionItem name="Request digest"><Digest hex="3c3d91bda96eda12e83658d164ba39600de3e8d583efbef876923ec4ea7ed2ef" /></DescriptionItem>
            </DescriptionList>
            <Source label="Script" text="set -eu\ncurl --fail https://example.org/ # \u{200b}hidden\n" />
            <ol class="timeline">
                {TONES.map(|(tone, label)| view! { <li><Badge tone=tone label=label />" "<TimeAgo at=hour_ago() /></li> })}
            </ol>
        </Part>
        <Part id="fields" name="Fields">
            <Provider value=Some(refused)>
                <Form action=ACTION>
                    <Field name="address" label="Email address" help="Where invitations are sent." required=true />
                    <Password name="password" label="Password" autocomplete="off" />
                    <Select name="role" label="Role" choices=vec![Choice::new("member", "Member"), Choice::new("owner", "Owner")] />
                    <TextArea name="reason" label="Reason" value="Reviewed with the team." />
                    <TextArea name="script" label="Script" value="echo hello" mono=true rows=2 />
                    <Group name="scopes" label="Scopes" help="What the key can do.">
                        <Checkbox name="scopes" value="read" label="View tasks" ticked=true />
                        <Checkbox name="scopes" value="submit" label="Submit tasks" help="And run them again." />
                    </Group>
                    <Button variant=ButtonVariant::Primary>"Save"</Button>
                </Form>
            </Provider>
        </Part>
        <Part id="messages" name="Messages">
            <p class="banner">"The TLS certificate is self-signed."</p>
            <p class="banner banner-bad">"This tenant is frozen."</p>
            <p class="notice">"A notice in the content."</p>
            <section class="secret"><h3>"A secret"</h3><p class="secret-value"><code>"mk_KE9fldbC"</code></p></section>
            <section class="danger"><h3>"Emergency"</h3><button class="button" type="button">"Stop tasks…"</button></section>
        </Part>
    })
}

const STATES: [TaskState; 6] = [
    TaskState::AwaitingApproval,
    TaskState::Running,
    TaskState::Succeeded,
    TaskState::Failed,
    TaskState::TimedOut,
    TaskState::Cancelled,
];

const POLICIES: [NetworkPolicy; 4] =
    [NetworkPolicy::Isolated, NetworkPolicy::AllowList, NetworkPolicy::Proxy, NetworkPolicy::Unrestricted];

const TONES: [(BadgeTone, &str); 5] = [
    (BadgeTone::Good, "Submitted by Mei"),
    (BadgeTone::Waiting, "Approval requested"),
    (BadgeTone::Running, "Started"),
    (BadgeTone::Bad, "Ended with exit status 3"),
    (BadgeTone::Stopped, "Cancelled"),
];

/// A section of the gallery.
#[component]
fn Part(id: &'static str, name: &'static str, children: Children) -> impl IntoView {
    view! { <section class="stack" id=id><h2>{name}</h2>{children()}</section> }
}

fn row((title, state): (&'static str, TaskState)) -> impl IntoView {
    view! {
        <tr>
            <RowLink href="#list">{title}</RowLink>
            <td><StateBadge state=state /></td>
            <td><TimeAgo at=hour_ago() /></td>
            <td class="cell-action"><Confirm label="Revoke…" about=title act="Revoke" action=ACTION hidden=vec![("id", title.to_owned())] /></td>
        </tr>
    }
}

/// A time whose text is the same in every picture.
fn hour_ago() -> Timestamp {
    Timestamp(ctx::now().0 - 3_600_000_000)
}
