//! Page content: what a page passes to its layout.
use super::Section;
use leptos::prelude::*;
use std::{future::Future, pin::Pin};

/// The future of a page: reading comes first, then rendering.
pub type PageFuture = Pin<Box<dyn Future<Output = RenderedPage> + Send>>;

/// A rendered page.
#[derive(Debug)]
pub struct RenderedPage {
    /// The title of the browser tab.
    pub(crate) title: String,
    pub(crate) body: AnyView,
}

/// The content that a page passes to the layout.
#[derive(Debug)]
pub struct Page {
    pub(super) section: Section,
    pub(super) title: String,
    pub(super) breadcrumbs: Vec<(String, String)>,
    pub(super) badge: Option<AnyView>,
    pub(super) action: Option<AnyView>,
    pub(super) lead: Option<String>,
    pub(super) body: AnyView,
}

impl Page {
    /// Creates a page in a section.
    pub fn new(section: Section, title: impl Into<String>) -> Self {
        let (breadcrumbs, badge, action, lead) = (vec![], None, None, None);
        Self { section, title: title.into(), breadcrumbs, badge, action, lead, body: ().into_any() }
    }

    /// Adds a breadcrumb between the section and the page.
    #[must_use]
    pub fn breadcrumb(mut self, href: impl Into<String>, label: impl Into<String>) -> Self {
        self.breadcrumbs.push((href.into(), label.into()));
        self
    }

    /// Adds a badge or the like next to the title.
    #[must_use]
    pub fn badge(mut self, view: impl IntoView + 'static) -> Self {
        self.badge = Some(view.into_any());
        self
    }

    /// Sets the page's actions, at the right of the title.
    #[must_use]
    pub fn action(mut self, view: impl IntoView + 'static) -> Self {
        self.action = Some(view.into_any());
        self
    }

    /// Sets the sentence below the title.
    #[must_use]
    pub fn lead(mut self, text: impl Into<String>) -> Self {
        self.lead = Some(text.into());
        self
    }

    /// Sets the content.
    #[must_use]
    pub fn body(mut self, view: impl IntoView + 'static) -> Self {
        self.body = view.into_any();
        self
    }
}
