//! Icons, drawn as strokes on a 16 × 16 grid. All are decorative: a text accompanies each.
use leptos::prelude::*;

/// The available icons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    Clock,
    Play,
    Tick,
    Cross,
    Stop,
    Warning,
    House,
    List,
    Stamp,
    Machine,
    Rules,
    Organization,
    People,
    Key,
    Book,
    Person,
    Lock,
    Globe,
    Menu,
    Down,
    Search,
    Archive,
    Shield,
}

impl Glyph {
    const fn path(self) -> &'static str {
        match self {
            Self::Clock => "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M8 4.6V8l2.3 1.6",
            Self::Play => "M4.5 2.8v10.4L13 8z",
            Self::Tick => "M2.8 8.6 6.2 12l7-7.6",
            Self::Cross => "m3.6 3.6 8.8 8.8m0-8.8-8.8 8.8",
            Self::Stop => "M3.5 3.5h9v9h-9z",
            Self::Warning => "M8 2 1.6 13.4h12.8zM8 6.4v3.4m0 1.7v.3",
            Self::House => "M2 7.6 8 2.4l6 5.2M3.6 6.6v7h8.8v-7M6.6 13.4V9.6h2.8v3.8",
            Self::List => "M2.4 4h.4m2.6 0h8.2M2.4 8h.4m2.6 0h8.2M2.4 12h.4m2.6 0h8.2",
            Self::Stamp => {
                "M6.6 9.2c0-2.6-1-3-1-4.6a2.4 2.4 0 0 1 4.8 0c0 1.6-1 2-1 4.6M2.8 11.6V9.2h10.4v2.4zM3.4 14h9.2"
            }
            Self::Machine => "M2 2.8h12v4.4H2zM2 8.8h12v4.4H2zM4.4 5h.4M4.4 11h.4M9 5h2.6M9 11h2.6",
            Self::Rules => "M8 2v12M4.6 14h6.8M2.8 4.2h10.4M3.4 4.2 1.6 9.4h3.6zM12.6 4.2l-1.8 5.2h3.6z",
            Self::Organization => {
                "M2.2 13.8V3h6v10.8M8.2 7h5.6v6.8M1.2 13.8h13.6M4.4 5.6h1.6M4.4 8.2h1.6M4.4 10.8h1.6M10.4 9.4h1.2M10.4 11.8h1.2"
            }
            Self::People => {
                "M6 2.6a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2M1.4 13.6c.2-2.6 2-4 4.6-4s4.4 1.4 4.6 4M10.6 3a2.4 2.4 0 0 1 0 4.6M12 9.8c1.6.5 2.5 1.8 2.6 3.8"
            }
            Self::Key => "M10.4 2.2a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8M8 8 2.4 13.6M4.4 11.6l1.8 1.8",
            Self::Book => {
                "M3 2.4h8.6a1.4 1.4 0 0 1 1.4 1.4v9.8H4.4A1.4 1.4 0 0 1 3 12.2zM3 12.2a1.4 1.4 0 0 1 1.4-1.4H13M6 5.4h4"
            }
            Self::Person => {
                "M8 2.4a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M2.6 13.8c.3-2.8 2.4-4.2 5.4-4.2s5.1 1.4 5.4 4.2"
            }
            Self::Lock => "M3.4 7.2h9.2v6.4H3.4zM5.2 7.2V5a2.8 2.8 0 0 1 5.6 0v2.2",
            Self::Globe => {
                "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M1.8 8h12.4M8 1.8c-4 3.6-4 8.8 0 12.4 4-3.6 4-8.8 0-12.4"
            }
            Self::Menu => "M2.4 4h11.2M2.4 8h11.2M2.4 12h11.2",
            Self::Down => "m4 6 4 4 4-4",
            Self::Archive => "M2 2.8h12V6H2zM3 6v7.2h10V6M6.4 8.8h3.2",
            Self::Shield => "M8 1.8 2.8 3.8v4c0 3.2 2.2 5.4 5.2 6.6 3-1.2 5.2-3.4 5.2-6.6v-4zM5.6 8l1.8 1.8 3-3.4",
            Self::Search => "M7 2.4a4.6 4.6 0 1 0 0 9.2 4.6 4.6 0 0 0 0-9.2M10.4 10.4 14 14",
        }
    }
}

/// An icon in the size of the surrounding text.
#[component]
pub fn Icon(of: Glyph) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path d=of.path() />
        </svg>
    }
}
