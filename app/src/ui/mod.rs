//! UI components that all pages share.
mod address;
mod avatar;
mod badge;
mod button;
mod code;
mod confirm;
pub mod ctx;
mod description_list;
mod empty;
mod error_summary;
mod escape;
mod field;
mod filter_chips;
mod filter_form;
mod form;
mod form_state;
mod frame;
mod freeze_banner;
mod group;
mod header;
mod icon;
pub mod labels;
mod layouts;
mod live;
mod mark;
mod nav;
mod page;
mod pager;
mod secret;
mod sentence;
mod shortcuts;
pub mod status;
mod success_message;
mod table;
mod time_ago;
mod title;
mod unshown_refusal;
pub(crate) use self::title::TabTitle;
pub use self::{
    address::{Address, Params, escaped, own_path},
    avatar::Avatar,
    badge::{Badge, BadgeTone, Trait},
    button::{Button, ButtonVariant, LinkButton},
    code::{Digest, Source, UntrustedText},
    confirm::Confirm,
    description_list::{DescriptionItem, DescriptionList},
    empty::EmptyState,
    field::{Checkbox, Choice, Field, Password, Select, TextArea},
    filter_chips::{Chip, Count, FilterRow},
    filter_form::{FilterForm, FilterSelect, FilterText},
    form::{Form, ONCE_FIELD, PageToken},
    form_state::FormState,
    group::Group,
    icon::{Glyph, Icon},
    layouts::{page, plain},
    live::Live,
    nav::Section,
    page::{Page, PageFuture, RenderedPage},
    pager::{Pager, TruncationNote},
    secret::SecretOnce,
    sentence::{PLACEHOLDER, Sentence},
    shortcuts::ShortcutList,
    success_message::SuccessMessage,
    table::{RowLink, Table},
    time_ago::{LastUsed, TimeAgo},
};
