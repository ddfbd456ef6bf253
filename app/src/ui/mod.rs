//! The handful of components that every page is built of.

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
pub mod ctx;
#[cfg(feature = "ssr")]
mod empty;
#[cfg(feature = "ssr")]
mod facts;
#[cfg(feature = "ssr")]
mod field;
#[cfg(feature = "ssr")]
mod filter;
#[cfg(feature = "ssr")]
mod form;
#[cfg(feature = "ssr")]
mod frame;
#[cfg(feature = "ssr")]
mod group;
#[cfg(feature = "ssr")]
mod icon;
#[cfg(feature = "ssr")]
mod live;
#[cfg(feature = "ssr")]
mod moment;
#[cfg(feature = "ssr")]
mod narrow;
#[cfg(feature = "ssr")]
mod nav;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
mod pager;
#[cfg(feature = "ssr")]
mod rcdata;
#[cfg(feature = "ssr")]
mod refused;
#[cfg(feature = "ssr")]
mod said;
#[cfg(feature = "ssr")]
mod secret;
#[cfg(feature = "ssr")]
mod shortcuts;
#[cfg(feature = "ssr")]
pub mod status;
#[cfg(feature = "ssr")]
mod summary;
#[cfg(feature = "ssr")]
mod table;
#[cfg(feature = "ssr")]
mod title;
#[cfg(feature = "ssr")]
mod top;
#[cfg(feature = "ssr")]
pub mod words;

#[cfg(feature = "ssr")]
pub(crate) use self::title::TabTitle;
#[cfg(feature = "ssr")]
pub use self::{
    address::{Address, Params, escaped, own_path},
    badge::{Badge, Meaning},
    button::{Button, LinkButton, Look},
    code::{Digest, Revealed, Source},
    confirm::Confirm,
    empty::Empty,
    facts::{Fact, Facts},
    field::{Checkbox, Choice, Field, Password, Select, TextArea},
    filter::{Chip, Count, FilterRow},
    form::{Filled, Form},
    group::Group,
    icon::{Glyph, Icon},
    live::Live,
    moment::{Moment, Used},
    narrow::{Narrow, NarrowChoice, NarrowText},
    nav::Place,
    page::{Page, Showing, Shown, page, plain},
    pager::{Cut, Pager},
    said::Said,
    secret::SecretOnce,
    shortcuts::Keys,
    table::{RowLink, Table},
};
