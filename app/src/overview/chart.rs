//! Bar charts rendered on the server, with the same numbers as a table.
use leptos::prelude::*;

/// One stacked bar.
#[derive(Clone, Debug)]
pub struct Bar {
    /// The axis label.
    pub label: String,
    /// The tooltip.
    pub tooltip: String,
    /// Class and size of each part, bottom up.
    pub parts: Vec<(&'static str, i64)>,
}

impl Bar {
    fn size(&self) -> i64 {
        self.parts.iter().map(|(_, size)| size).sum()
    }
}

/// The height of the largest bar and the distance between bars, in units of the view box.
const HEIGHT: i64 = 1_000;
const BAR_SPACING: i64 = 100;

/// A chart of a few bars.
#[component]
pub fn Chart(
    #[prop(into)] title: String,
    /// The page with the details.
    href: &'static str,
    bars: Vec<Bar>,
    /// Class and label of each part.
    legend: Vec<(&'static str, String)>,
    /// Formats the size of the largest bar.
    size_label: fn(i64) -> String,
    /// The same data as a table.
    children: Children,
) -> impl IntoView {
    let largest = bars.iter().map(Bar::size).max().unwrap_or(0).max(1);
    let width = BAR_SPACING * i64::try_from(bars.len()).unwrap_or(0);
    let labels = bars.iter().map(|bar| view! { <span>{bar.label.clone()}</span> }).collect_view();
    let offsets = (0..).map(|n: i64| n * BAR_SPACING + BAR_SPACING / 8);
    let bars = bars.into_iter().zip(offsets).map(|(bar, x)| bar_view(bar, x, largest)).collect_view();
    let meaning = |(class, label): (&'static str, String)| {
        view! { <li><span class=format!("chart-key {class}")></span>{label}</li> }
    };
    view! {
        <figure class="chart">
            <figcaption>
                <a href=href>{title.clone()}</a>
                <span class="muted">{size_label(largest)}</span>
            </figcaption>
            <svg viewBox=format!("0 0 {width} {HEIGHT}") preserveAspectRatio="none" role="img" aria-label=title focusable="false">
                {bars}
            </svg>
            <div class="chart-labels" aria-hidden="true">{labels}</div>
            <ul class="chart-legend">{legend.into_iter().map(meaning).collect_view()}</ul>
            <details>
                <summary>{t!("chart-table")}</summary>
                {children()}
            </details>
        </figure>
    }
}

fn bar_view(bar: Bar, x: i64, largest: i64) -> impl IntoView {
    let mut top = HEIGHT;
    let part = move |(class, size): (&'static str, i64)| {
        // Small parts stay visible.
        let height = if size == 0 { 0 } else { (size.saturating_mul(HEIGHT) / largest).max(HEIGHT / 100) };
        top -= height;
        view! { <rect class=class x=x y=top width=BAR_SPACING * 3 / 4 height=height /> }
    };
    view! {
        <g>
            <title>{bar.tooltip}</title>
            {bar.parts.into_iter().map(part).collect_view()}
        </g>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_proportional_and_small_parts_stay_visible() {
        let bar =
            |parts: &[(&'static str, i64)]| Bar { label: "03-01".into(), tooltip: "so".into(), parts: parts.to_vec() };
        let bars = vec![bar(&[("good", 900), ("bad", 100)]), bar(&[("good", 1), ("bad", 0)])];
        let html = view! {
            <Chart title="Ends" href="/tasks" bars=bars legend=vec![("good", "Good".into())] size_label=|n| n.to_string()>"table"</Chart>
        }
        .to_html();
        for rect in [
            r#"x="12" y="100" width="75" height="900""#,
            r#"x="12" y="0" width="75" height="100""#,
            r#"x="112" y="990" width="75" height="10""#,
            r#"x="112" y="990" width="75" height="0""#,
        ] {
            assert!(html.contains(rect), "{rect} is not in {html}");
        }
        assert!(html.contains(r#"role="img" aria-label="Ends""#) && !html.contains("style="), "{html}");
    }
}
