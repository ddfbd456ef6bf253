//! UI components that all pages share.

pub mod islands;

#[cfg(feature = "ssr")]
mod address;
#[cfg(feature = "ssr")]
mod badge;
#[cfg(feature = "ssr")]
mod button;
#[cfg(feature = "ssr")]
mod code;
#[cfg(feature = "ssr")]
mod confirm;
#[cfg(feature = "ssr")]
mod confirmation;
#[cfg(feature = "ssr")]
pub mod ctx;
#[cfg(feature = "ssr")]
mod description_list;
#[cfg(feature = "ssr")]
mod empty;
#[cfg(feature = "ssr")]
mod error_summary;
#[cfg(feature = "ssr")]
mod escape;
#[cfg(feature = "ssr")]
mod field;
#[cfg(feature = "ssr")]
mod filter_chips;
#[cfg(feature = "ssr")]
mod filter_form;
#[cfg(feature = "ssr")]
mod form;
#[cfg(feature = "ssr")]
mod form_state;
#[cfg(feature = "ssr")]
mod frame;
#[cfg(feature = "ssr")]
mod freeze_banner;
#[cfg(feature = "ssr")]
mod group;
#[cfg(feature = "ssr")]
mod header;
#[cfg(feature = "ssr")]
mod icon;
#[cfg(feature = "ssr")]
pub mod labels;
#[cfg(feature = "ssr")]
mod layouts;
#[cfg(feature = "ssr")]
mod live;
#[cfg(feature = "ssr")]
mod nav;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
mod pager;
#[cfg(feature = "ssr")]
mod secret;
#[cfg(feature = "ssr")]
mod shortcuts;
#[cfg(feature = "ssr")]
pub mod status;
#[cfg(feature = "ssr")]
mod table;
#[cfg(feature = "ssr")]
mod time_ago;
#[cfg(feature = "ssr")]
mod title;
#[cfg(feature = "ssr")]
mod unshown_refusal;

#[cfg(feature = "ssr")]
pub(crate) use self::title::TabTitle;
#[cfg(feature = "ssr")]
pub use self::{
    address::{Address, Params, escaped, own_path},
    badge::{Badge, Meaning},
    button::{Button, LinkButton, Look},
    code::{Digest, Source, UntrustedText},
    confirm::Confirm,
    confirmation::Confirmation,
    description_list::{DescriptionItem, DescriptionList},
    empty::EmptyState,
    field::{Checkbox, Choice, Field, Password, Select, TextArea},
    filter_chips::{Chip, Count, FilterRow},
    filter_form::{FilterForm, FilterSelect, FilterText},
    form::Form,
    form_state::FormState,
    group::Group,
    icon::{Glyph, Icon},
    layouts::{page, plain},
    live::Live,
    nav::Section,
    page::{Page, PageFuture, RenderedPage},
    pager::{Pager, TruncationNote},
    secret::SecretOnce,
    shortcuts::ShortcutList,
    table::{RowLink, Table},
    time_ago::{LastUsed, TimeAgo},
};
