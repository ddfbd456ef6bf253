//! Log viewer state: `handle` takes an event, updates the document, and returns the asynchronous effects to run.
use super::{
    blocks::{self, Blocks, find_row, line_number},
    layout::{Layout, block_of},
    search::{self, Highlight, Matches, Step},
};
use crate::{dom, event_stream::Status};
use js_sys::{Array, encode_uri_component};
use std::ops::RangeInclusive;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, MouseEvent};

/// The distance from the end within which the viewport follows it, in pixels.
const FOLLOW_TOLERANCE: i32 = 24;

/// The height of a line while none is in the document, in pixels.
const DEFAULT_LINE_HEIGHT: f64 = 20.0;

/// The number of blocks before the edge at which the layout moves.
const EDGE_MARGIN: u32 = 3;

const FETCH_RETRY_MS: i32 = 2_000;

pub enum Event {
    Started,
    Scrolled,
    /// The width or the wrapping of lines changed.
    Resized,
    HashChanged,
    Clicked(MouseEvent),
    StartRequested,
    EndRequested,
    CopyRequested,
    Copied,
    /// A search was submitted; an empty text ends the search.
    SearchSubmitted(String),
    NextRequested,
    PreviousRequested,
    /// The response to a search, or `None` if the request failed.
    SearchAnswered(SearchRequest, Option<JsValue>),
    /// The response to a request for lines, or `None` if the request failed.
    LinesFetched(LinesRequest, Option<JsValue>),
    FetchRetried,
    StreamChanged(Status),
    LinesReceived(Array),
    /// The incomplete lines changed.
    IncompleteReceived(Array),
    /// The task was started again; its output begins at line 1.
    AttemptStarted(u32),
    /// The output is complete; a sentence about how the task ended.
    OutputEnded(String),
}

pub enum Effect {
    StopStream,
    FetchLines(LinesRequest),
    Search(SearchRequest),
    CopyFrom { url: String },
    SetHash(String),
    DispatchLater { milliseconds: i32, event: Event },
}

pub struct LinesRequest {
    pub url: String,
    attempt: u32,
}

pub struct SearchRequest {
    pub url: String,
    text: String,
    /// The line that is read: the search goes to the first match from there on.
    from: u32,
    /// The number of the next line at the time of the request.
    next_line: u32,
}

/// The visible part of the output.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Position {
    /// The end, also when lines are added.
    End,
    /// A line, and its offset from the viewport's top in pixels.
    Line(u32, f64),
    /// The scroll offset, because no line is visible yet.
    Offset,
}

pub struct Viewer {
    /// The task's path: `/tasks/ID`.
    path: String,
    attempt: u32,
    layout: Layout,
    blocks: Blocks,
    position: Position,
    selection: Option<Selection>,
    /// Whether the toolbar shows that the end is followed; `None` before it shows anything.
    following: Option<bool>,
    /// Whether a request for lines is pending; there is one at a time.
    fetching: bool,
    matches: Option<Matches>,
    highlight: Option<Highlight>,
}

impl Viewer {
    /// Adopts the lines that the server rendered. The first position is the URL's fragment, the line `from` (0 for none), the
    /// beginning of a short output that is complete, or else the end.
    pub fn new(path: String, attempt: u32, next_line: u32, from: u32, live: bool) -> Option<Self> {
        let region = dom::by_id("log-lines")?.dyn_into().ok()?;
        let blocks = Blocks::adopt(region)?;
        let layout = Layout::new(next_line, blocks.line_height().unwrap_or(DEFAULT_LINE_HEIGHT));
        let selection = Selection::from_url();
        let is_complete = !live && next_line <= blocks.line_count() + 1;
        let position = match (selection, from) {
            (Some(selection), _) => Position::Line(selection.first, a_third(&blocks)),
            (None, 1..) => Position::Line(from, 0.0),
            (None, 0) if is_complete => Position::Line(1, 0.0),
            (None, 0) => Position::End,
        };
        if selection.is_some() || from > 0 {
            blocks.region().scroll_into_view();
        }
        Some(Self {
            path,
            attempt,
            layout,
            blocks,
            position,
            selection,
            following: None,
            fetching: false,
            matches: None,
            highlight: None,
        })
    }

    pub fn scrolled_element(&self) -> &Element {
        self.blocks.region()
    }

    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Started => self.start(),
            Event::Scrolled => self.scrolled(),
            Event::Resized => {
                self.layout.reset_heights();
                self.render()
            }
            Event::HashChanged => self.go_to_hash(),
            Event::Clicked(click) => self.clicked(&click),
            Event::StartRequested => self.go_to(1, Position::Line(1, 0.0)),
            Event::EndRequested => self.go_to(self.layout.next_line(), Position::End),
            Event::CopyRequested => self.copy(),
            Event::Copied => {
                set_label("log-copy", "done", &[]);
                vec![]
            }
            Event::SearchSubmitted(text) => self.submit_search(text),
            Event::NextRequested => self.step(true),
            Event::PreviousRequested => self.step(false),
            Event::SearchAnswered(request, answer) => self.search_answered(request, answer),
            Event::LinesFetched(request, answer) => self.lines_fetched(&request, answer),
            Event::FetchRetried => self.render(),
            Event::StreamChanged(status) => {
                // A new stream sends the incomplete lines of now.
                if status == Status::Open {
                    blocks::show_incomplete(&Array::new());
                }
                let label = match status {
                    Status::Open => "live",
                    Status::Lost => "lost",
                    Status::Paused => "paused",
                };
                set_label("log-said", label, &[]);
                vec![]
            }
            Event::IncompleteReceived(lines) => {
                blocks::show_incomplete(&lines);
                vec![]
            }
            Event::LinesReceived(lines) => self.lines_received(&lines),
            Event::AttemptStarted(attempt) => self.attempt_started(attempt),
            Event::OutputEnded(ending) => self.output_ended(&ending),
        }
    }

    fn start(&mut self) -> Vec<Effect> {
        self.update_follow_button();
        self.update_copy_button();
        self.render()
    }
}

/// The viewport.
impl Viewer {
    /// Brings the document up to date with the position, and requests the lines that are missing.
    fn render(&mut self) -> Vec<Effect> {
        let Some(mut wanted) = self.wanted_blocks() else {
            self.mark_rows();
            return vec![];
        };
        self.arrange(&wanted);
        // Measured heights may show that more blocks fit into the viewport than the estimates did.
        if let Some(measured) = self.wanted_blocks().filter(|measured| *measured != wanted) {
            self.arrange(&measured);
            wanted = measured;
        }
        self.mark_rows();
        self.fetch_missing(&wanted)
    }

    fn arrange(&mut self, wanted: &RangeInclusive<u32>) {
        self.blocks.render(wanted, &mut self.layout);
        self.restore_position();
    }

    /// Returns the blocks in the viewport, and within one viewport's height before and after it.
    fn wanted_blocks(&self) -> Option<RangeInclusive<u32>> {
        let region = self.blocks.region();
        let viewport = f64::from(region.client_height().max(200));
        let top = match self.position {
            Position::End => self.layout.total_height() - viewport,
            Position::Line(line, offset) => self.line_top(line) - offset,
            Position::Offset => f64::from(region.scroll_top()),
        };
        self.layout.blocks_between(top - viewport, top + 2.0 * viewport)
    }

    /// Returns a line's offset from the top, estimated if the line is not in the document.
    fn line_top(&self, line: u32) -> f64 {
        find_row(line).map_or_else(|| self.layout.line_top(line), |row| f64::from(row.offset_top()))
    }

    /// Scrolls so that the position stays where it was in the viewport.
    fn restore_position(&self) {
        let region = self.blocks.region();
        match self.position {
            Position::End => region.set_scroll_top(region.scroll_height()),
            Position::Offset => {}
            Position::Line(line, offset) => {
                let top = i32::try_from(blocks::round(self.line_top(line) - offset)).unwrap_or(i32::MAX);
                if region.scroll_top().abs_diff(top) > 1 {
                    region.set_scroll_top(top);
                }
            }
        }
    }

    fn fetch_missing(&mut self, wanted: &RangeInclusive<u32>) -> Vec<Effect> {
        if self.fetching {
            return vec![];
        }
        let Some((from, until)) = self.blocks.missing(wanted, &self.layout) else { return vec![] };
        self.fetching = true;
        let (path, attempt) = (&self.path, self.attempt);
        let url = format!("{path}/log/lines?attempt={attempt}&from={from}&until={until}");
        vec![Effect::FetchLines(LinesRequest { url, attempt })]
    }

    fn lines_fetched(&mut self, request: &LinesRequest, answer: Option<JsValue>) -> Vec<Effect> {
        self.fetching = false;
        let Some(answer) = answer else {
            return vec![Effect::DispatchLater { milliseconds: FETCH_RETRY_MS, event: Event::FetchRetried }];
        };
        let Ok(lines) = blocks::field(&answer, "lines").dyn_into::<Array>() else { return vec![] };
        if request.attempt == self.attempt {
            self.blocks.insert(&lines);
            // An empty response must not cause the same request again.
            if lines.length() == 0 {
                return vec![];
            }
        }
        self.render()
    }

    /// Handles a scroll event, whether the user or `restore_position` caused it.
    fn scrolled(&mut self) -> Vec<Effect> {
        let region = self.blocks.region();
        let below = region.scroll_height() - region.scroll_top() - region.client_height();
        self.position = if below <= FOLLOW_TOLERANCE {
            Position::End
        } else {
            self.blocks.first_visible_line().map_or(Position::Offset, |(line, offset)| Position::Line(line, offset))
        };
        if let Position::Line(line, _) = self.position
            && self.layout.is_at_edge(block_of(line), EDGE_MARGIN)
        {
            self.layout.center(line);
        }
        self.update_follow_button();
        self.render()
    }

    fn go_to(&mut self, line: u32, position: Position) -> Vec<Effect> {
        self.layout.center(line);
        self.position = position;
        self.update_follow_button();
        self.render()
    }

    /// Scrolls to a line, a third of the viewport below its top.
    fn go_to_line(&mut self, line: u32) -> Vec<Effect> {
        let line = line.min(self.layout.next_line().saturating_sub(1)).max(1);
        self.go_to(line, Position::Line(line, a_third(&self.blocks)))
    }

    fn update_follow_button(&mut self) {
        let following = self.position == Position::End;
        if self.following.replace(following) != Some(following) {
            dom::set_attribute("log-follow", "aria-pressed", if following { "true" } else { "false" });
        }
    }

    /// Marks the selected lines and the matches among the lines in the document.
    fn mark_rows(&self) {
        let rows = self.blocks.rows();
        for row in &rows {
            let is_selected =
                line_number(row).zip(self.selection).is_some_and(|(line, selection)| selection.contains(line));
            let _ = row.class_list().toggle_with_force("log-chosen", is_selected);
        }
        search::highlight(&rows, self.highlight.as_ref());
    }
}

/// Selected lines.
impl Viewer {
    fn go_to_hash(&mut self) -> Vec<Effect> {
        let Some(selection) = Selection::from_url() else { return vec![] };
        self.selection = Some(selection);
        self.update_copy_button();
        self.blocks.region().scroll_into_view();
        self.go_to_line(selection.first)
    }

    /// Selects the line whose number was clicked, without scrolling to it; with Shift, all lines from the one clicked before.
    fn clicked(&mut self, click: &MouseEvent) -> Vec<Effect> {
        let number = || {
            let target = click.target()?.dyn_into::<Element>().ok()?;
            line_number(&target.closest(".log-number").ok()??.parent_element()?)
        };
        let Some(line) = number().filter(|_| !click.ctrl_key() && !click.meta_key()) else { return vec![] };
        click.prevent_default();
        let anchor = self.selection.filter(|_| click.shift_key()).map_or(line, |selection| selection.anchor);
        let selection = Selection::between(anchor, line);
        self.selection = Some(selection);
        if self.position == Position::End {
            self.position = Position::Offset;
        }
        self.mark_rows();
        self.update_copy_button();
        vec![Effect::SetHash(selection.hash())]
    }

    fn copy(&self) -> Vec<Effect> {
        let mut url = format!("{}/log?attempt={}&plain=true", self.path, self.attempt);
        if let Some(Selection { first, last, .. }) = self.selection {
            url.push_str(&format!("&from={first}&to={last}"));
        }
        vec![Effect::CopyFrom { url }]
    }

    fn update_copy_button(&self) {
        match self.selection {
            None => set_label("log-copy", "all", &[]),
            Some(Selection { first, last, .. }) => {
                set_label("log-copy", "chosen", &[("{first}", first), ("{last}", last)]);
            }
        }
    }
}

/// Search in the output.
impl Viewer {
    /// Searches for a text, or selects the next match if the text is unchanged.
    fn submit_search(&mut self, text: String) -> Vec<Effect> {
        match self.matches.as_ref().is_some_and(|matches| matches.text == text) {
            true => self.step(true),
            false => self.search(text),
        }
    }

    fn search(&mut self, text: String) -> Vec<Effect> {
        self.matches = None;
        if text.is_empty() {
            return self.show_match();
        }
        let query = String::from(encode_uri_component(&text));
        let url = format!("{}/log/find?attempt={}&text={query}", self.path, self.attempt);
        let from = self.blocks.first_visible_line().map_or(1, |(line, _)| line);
        set_label("log-found", "seeking", &[]);
        vec![Effect::Search(SearchRequest { url, text, from, next_line: self.layout.next_line() })]
    }

    fn search_answered(&mut self, request: SearchRequest, answer: Option<JsValue>) -> Vec<Effect> {
        let SearchRequest { text, from, next_line, .. } = request;
        let Some(matches) = answer.and_then(|answer| Matches::parse(&answer, text, from, next_line)) else {
            set_label("log-found", "failed", &[]);
            return vec![];
        };
        self.matches = Some(matches);
        self.show_match()
    }

    fn step(&mut self, forward: bool) -> Vec<Effect> {
        if let Some(matches) = &mut self.matches
            && matches.step(forward, self.layout.next_line()) == Step::SearchAgain
        {
            let text = matches.text.clone();
            return self.search(text);
        }
        self.show_match()
    }

    /// Highlights the matches, scrolls to the current one, and updates the toolbar.
    fn show_match(&mut self) -> Vec<Effect> {
        self.highlight = self.matches.as_ref().and_then(Highlight::of);
        let matches = self.matches.as_ref().map(|matches| (matches.total, matches.position()));
        match matches {
            None => set_label("log-found", "none", &[]),
            Some((0, _)) => set_label("log-found", "nowhere", &[]),
            Some((total, position)) => set_label("log-found", "found", &[("{at}", position), ("{n}", total)]),
        }
        let has_matches = matches.is_some_and(|(total, _)| total > 0);
        dom::set_hidden("log-next", !has_matches);
        dom::set_hidden("log-before", !has_matches);
        match self.matches.as_ref().and_then(Matches::current) {
            Some(line) => self.go_to_line(line),
            None => {
                self.mark_rows();
                vec![]
            }
        }
    }
}

/// The live stream.
impl Viewer {
    pub fn stream_url(&self) -> String {
        let (path, attempt, from) = (&self.path, self.attempt, self.layout.next_line());
        format!("{path}/live?attempt={attempt}&from={from}")
    }

    /// Appends lines from the stream; after a reconnect some of them may be known already.
    fn lines_received(&mut self, lines: &Array) -> Vec<Effect> {
        let mut next_line = self.layout.next_line();
        for line in lines.iter() {
            let number = blocks::number_field(&line, "n").filter(|number| *number >= next_line);
            let Some(number) = number else { continue };
            self.blocks.append(number, &line);
            next_line = number + 1;
        }
        self.layout.extend(next_line);
        if self.position == Position::End {
            self.layout.center(next_line);
        }
        self.render()
    }

    fn attempt_started(&mut self, attempt: u32) -> Vec<Effect> {
        self.attempt = attempt;
        self.layout = Layout::new(1, self.blocks.line_height().unwrap_or(DEFAULT_LINE_HEIGHT));
        (self.position, self.selection) = (Position::End, None);
        self.blocks.clear();
        self.update_copy_button();
        let mut effects = self.search(String::new());
        effects.extend(self.render());
        effects
    }

    /// `ending` says how the task ended.
    fn output_ended(&self, ending: &str) -> Vec<Effect> {
        set_text("log-said", ending);
        set_label("log-empty", "ended", &[]);
        dom::set_hidden("log-follow", true);
        dom::set_hidden("log-end", false);
        vec![Effect::StopStream]
    }
}

/// A range of lines, selected by their numbers or by the URL's fragment (`#L10`, `#L10-L20`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Selection {
    first: u32,
    last: u32,
    /// The line that was clicked first; a click with Shift extends the range from there.
    anchor: u32,
}

impl Selection {
    fn between(anchor: u32, line: u32) -> Self {
        Self { first: anchor.min(line), last: anchor.max(line), anchor }
    }

    fn from_url() -> Option<Self> {
        Self::parse(&dom::window()?.location().hash().ok()?)
    }

    fn parse(hash: &str) -> Option<Self> {
        let lines = hash.strip_prefix("#L")?;
        let (first, last) = lines.split_once("-L").unwrap_or((lines, lines));
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (first > 0 && last > 0).then(|| Self::between(first, last))
    }

    fn hash(self) -> String {
        match self {
            Self { first, last, .. } if first == last => format!("#L{first}"),
            Self { first, last, .. } => format!("#L{first}-L{last}"),
        }
    }

    fn contains(self, line: u32) -> bool {
        (self.first..=self.last).contains(&line)
    }
}

fn a_third(blocks: &Blocks) -> f64 {
    f64::from(blocks.region().client_height()) / 3.0
}

/// Sets an element's text to one of the templates in its `data-` attributes, with placeholders replaced by numbers.
fn set_label(id: &str, template: &str, values: &[(&str, u32)]) {
    let Some(element) = dom::by_id(id) else { return };
    let mut text = element.get_attribute(&format!("data-{template}")).unwrap_or_default();
    for (placeholder, value) in values {
        text = text.replace(placeholder, &value.to_string());
    }
    element.set_text_content(Some(&text));
}

fn set_text(id: &str, text: &str) {
    if let Some(element) = dom::by_id(id) {
        element.set_text_content(Some(text));
    }
}

#[cfg(test)]
mod tests {
    use super::Selection;

    #[test]
    fn a_fragment_selects_a_line_or_a_range() {
        assert_eq!(Selection::parse("#L10"), Some(Selection { first: 10, last: 10, anchor: 10 }));
        assert_eq!(Selection::parse("#L20-L10"), Some(Selection { first: 10, last: 20, anchor: 20 }));
        for hash in ["", "#10", "#L", "#L0", "#L1-L0", "#L1-2", "#log-title"] {
            assert_eq!(Selection::parse(hash), None, "{hash}");
        }
    }

    #[test]
    fn a_selection_becomes_the_fragment_that_selects_it() {
        for hash in ["#L7", "#L10-L20"] {
            assert_eq!(Selection::parse(hash).unwrap().hash(), hash);
        }
        assert!(Selection::between(20, 10).contains(15) && !Selection::between(20, 10).contains(21));
    }
}
