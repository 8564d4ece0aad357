//! A line chart as SVG, drawn on the server: this period as a solid line over an area, the one before dashed.
//!
//! It is drawn twice, for a wide and for a narrow screen, and the style sheet shows one: a drawing that shrinks takes its
//! labels below what can be read. What a point says appears on hover, without script, and all numbers are in a table
//! below the drawing, which is also what a screen reader gets.

use std::fmt::Write as _;

use leptos::prelude::*;

use super::{
    format,
    scale::{label_stride, ticks},
};

/// One place on the time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartPoint {
    /// Below the axis: "24 Oct".
    pub label: String,
    /// In the tooltip and the table: "Sat, 24 Oct 2026".
    pub title: String,
    pub current: i64,
    /// The value at the same place of the period before; all points have one, or none has.
    pub previous: Option<i64>,
}

/// Beyond this many points a hover target is a few pixels wide and the page heavy: group by week or month instead.
const MAX_HOVER_POINTS: usize = 130;

/// A period, and optionally the one before it, as lines.
///
/// `id` is unique in the page. `series` names what is counted ("Leads").
#[component]
pub fn LineChart(
    #[prop(into)] id: String,
    #[prop(into)] series: String,
    /// In the order of time. An empty list renders nothing.
    points: Vec<ChartPoint>,
    #[prop(default = "This period")] current_name: &'static str,
    #[prop(default = "Period before")] previous_name: &'static str,
) -> impl IntoView {
    (!points.is_empty()).then(|| {
        let compares = points.iter().any(|point| point.previous.is_some());
        let wide = drawing(&Frame::WIDE, &format!("{id}-wide"), &series, &points);
        let narrow = drawing(&Frame::NARROW, &format!("{id}-narrow"), &series, &points);
        view! {
            <figure class="chart">
                {wide}
                {narrow}
                <figcaption>
                    <ul class="legend">
                        <li class="legend-current">{current_name}</li>
                        {compares.then(|| view! { <li class="legend-previous">{previous_name}</li> })}
                    </ul>
                    {table(series, points, current_name, compares.then_some(previous_name))}
                </figcaption>
            </figure>
        }
        .into_any()
    })
}

/// Measures of a drawing, in the units of its view box: about one CSS pixel each at the width it is meant for.
struct Frame {
    class: &'static str,
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// How many labels fit below the axis.
    labels: usize,
}

impl Frame {
    const WIDE: Self = Self {
        class: "chart-wide",
        width: 1040.0,
        height: 250.0,
        left: 44.0,
        right: 16.0,
        top: 14.0,
        bottom: 32.0,
        labels: 10,
    };
    const NARROW: Self = Self {
        class: "chart-narrow",
        width: 360.0,
        height: 220.0,
        left: 38.0,
        right: 12.0,
        top: 14.0,
        bottom: 30.0,
        labels: 4,
    };

    fn plot_width(&self) -> f64 {
        self.width - self.left - self.right
    }

    fn plot_height(&self) -> f64 {
        self.height - self.top - self.bottom
    }

    /// A lone point stands in the middle.
    fn x(&self, index: usize, count: usize) -> f64 {
        let at = if count < 2 { 0.5 } else { index as f64 / (count - 1) as f64 };
        self.left + at * self.plot_width()
    }

    fn y(&self, value: i64, top: i64) -> f64 {
        let at = value.clamp(0, top) as f64 / top as f64;
        self.top + (1.0 - at) * self.plot_height()
    }
}

fn drawing(frame: &Frame, id: &str, series: &str, points: &[ChartPoint]) -> AnyView {
    let count = points.len();
    let highest = points.iter().flat_map(|point| [Some(point.current), point.previous]).flatten().max();
    let ticks = ticks(highest.unwrap_or(0));
    let top = ticks.last().copied().unwrap_or(1);
    let base = frame.height - frame.bottom;

    let grid = ticks
        .iter()
        .map(|&tick| {
            let y = num(frame.y(tick, top));
            view! {
                <line class="chart-grid" x1=num(frame.left) x2=num(frame.width - frame.right) y1=y.clone() y2=y.clone()/>
                <text class="chart-tick" x=num(frame.left - 8.0) y=y dy="0.32em" text-anchor="end">
                    {format::compact(tick)}
                </text>
            }
        })
        .collect_view();

    let stride = label_stride(count, frame.labels);
    let labels = points
        .iter()
        .enumerate()
        .step_by(stride)
        .map(|(i, point)| {
            let x = frame.x(i, count);
            // A label at the right edge ends there, or it would be cut.
            let anchor = if x + 30.0 > frame.width { "end" } else { "middle" };
            view! { <text class="chart-tick" x=num(x) y=num(base + 20.0) text-anchor=anchor>{point.label.clone()}</text> }
        })
        .collect_view();

    let current = line(points.iter().enumerate().map(|(i, p)| (frame.x(i, count), frame.y(p.current, top))));
    let area = format!("{current}L{} {base}L{} {base}Z", num(frame.x(count - 1, count)), num(frame.x(0, count)));
    let previous =
        line(points.iter().enumerate().filter_map(|(i, p)| Some((frame.x(i, count), frame.y(p.previous?, top)))));
    // A line through one point has no length, so the point is drawn.
    let lone = (count == 1).then(|| {
        view! { <circle class="chart-dot" cx=num(frame.x(0, 1)) cy=num(frame.y(points[0].current, top)) r="4"/> }
    });
    let hover = (count <= MAX_HOVER_POINTS)
        .then(|| points.iter().enumerate().map(|(i, point)| hover_point(frame, top, i, count, point)).collect_view());

    let title_id = format!("{id}-title");
    let desc_id = format!("{id}-desc");
    let (labelled_by, described_by) = (title_id.clone(), desc_id.clone());
    let view_box = format!("0 0 {} {}", frame.width, frame.height);
    view! {
        <svg class=frame.class viewBox=view_box role="img" aria-labelledby=labelled_by aria-describedby=described_by>
            <title id=title_id>{series.to_owned()}" over time"</title>
            <desc id=desc_id>{summary(series, points)}</desc>
            {grid}
            {labels}
            <path class="chart-area" d=area/>
            <path class="chart-previous" d=previous/>
            <path class="chart-current" d=current/>
            {lone}
            {hover}
        </svg>
    }
    .into_any()
}

/// One column that reacts to the pointer: a guide, a dot, and a box that says the numbers.
fn hover_point(frame: &Frame, top: i64, index: usize, count: usize, point: &ChartPoint) -> AnyView {
    let x = frame.x(index, count);
    let y = frame.y(point.current, top);
    let column = frame.plot_width() / count.max(2) as f64;

    let second = match point.previous {
        Some(previous) => format!("{}  (before: {})", format::count(point.current), format::count(previous)),
        None => format::count(point.current),
    };
    // There is no text to measure on the server; figures and Latin letters at 12 px average below 7.
    let longest = point.title.chars().count().max(second.chars().count());
    let width = longest as f64 * 6.8 + 20.0;
    let left = (x - width / 2.0).clamp(2.0, (frame.width - width - 2.0).max(2.0));
    // Above the point where there is room, else below it.
    let box_y = if y - 56.0 > 0.0 { y - 56.0 } else { y + 12.0 };

    view! {
        <g class="chart-point">
            <rect class="chart-hit" x=num(x - column / 2.0) y=num(frame.top)
                width=num(column) height=num(frame.plot_height())/>
            <line class="chart-guide" x1=num(x) x2=num(x) y1=num(frame.top) y2=num(frame.height - frame.bottom)/>
            <circle class="chart-dot" cx=num(x) cy=num(y) r="4"/>
            <rect class="chart-tip" x=num(left) y=num(box_y) width=num(width) height="44" rx="6"/>
            <text class="chart-tip-title" x=num(left + 10.0) y=num(box_y + 18.0)>{point.title.clone()}</text>
            <text class="chart-tip-value" x=num(left + 10.0) y=num(box_y + 35.0)>{second}</text>
        </g>
    }
    .into_any()
}

fn table(series: String, points: Vec<ChartPoint>, current: &'static str, previous: Option<&'static str>) -> AnyView {
    let label = format!("{series} over time, as a table");
    let caption = label.clone();
    let rows = points
        .into_iter()
        .map(|point| {
            let before = previous.map(|_| {
                let text = point.previous.map_or_else(|| "–".to_owned(), format::count);
                view! { <td class="num">{text}</td> }
            });
            view! {
                <tr>
                    <th scope="row">{point.title}</th>
                    <td class="num">{format::count(point.current)}</td>
                    {before}
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="chart-data">
            <summary>"Show as table"</summary>
            <div class="table-scroll" role="region" aria-label=label tabindex="0">
                <table class="table">
                    <caption class="visually-hidden">{caption}</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Date"</th>
                            <th scope="col" class="num">{current}</th>
                            {previous.map(|name| view! { <th scope="col" class="num">{name}</th> })}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}

/// What the drawing shows, in a sentence.
fn summary(series: &str, points: &[ChartPoint]) -> String {
    let total: i64 = points.iter().map(|point| point.current).sum();
    let mut text = String::new();
    if let (Some(first), Some(last), Some(most)) =
        (points.first(), points.last(), points.iter().max_by_key(|p| p.current))
    {
        // Writing to a String cannot fail.
        _ = write!(
            text,
            "{series} from {} to {}: {} in all, at most {} ({}).",
            first.title,
            last.title,
            format::count(total),
            format::count(most.current),
            most.title
        );
    }
    text
}

/// The `d` of a path through the given places.
fn line(places: impl Iterator<Item = (f64, f64)>) -> String {
    let mut d = String::new();
    for (i, (x, y)) in places.enumerate() {
        d.push(if i == 0 { 'M' } else { 'L' });
        d.push_str(&num(x));
        d.push(' ');
        d.push_str(&num(y));
    }
    d
}

/// A tenth of a pixel is finer than any screen; more digits only weigh.
fn num(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(current: i64, previous: Option<i64>) -> ChartPoint {
        ChartPoint { label: "24 Oct".into(), title: "24 Oct 2026".into(), current, previous }
    }

    #[test]
    fn the_line_goes_through_every_point() {
        let frame = Frame::NARROW;
        let html = drawing(&frame, "c", "Leads", &[point(0, None), point(4, None), point(2, None)]).to_html();
        assert!(html.contains(r#"d="M38 190L193 14L348 102""#), "{html}");
    }

    #[test]
    fn nothing_is_drawn_for_nothing_and_a_lone_point_is_a_dot() {
        let chart = |points| view! { <LineChart id="c" series="Leads" points/> }.to_html();
        assert!(!chart(vec![]).contains("svg"));
        // in both drawings: the dot that stands for the line, and the one that shows on hover
        assert_eq!(chart(vec![point(3, None)]).matches("chart-dot").count(), 4);
        assert_eq!(chart(vec![point(3, None), point(4, None)]).matches("chart-dot").count(), 4);
    }

    #[test]
    fn the_table_has_the_numbers_of_both_periods() {
        let html = view! { <LineChart id="c" series="Leads" points=vec![point(1_234, Some(987)), point(5, Some(6))]/> }
            .to_html();
        let table = html.split_once("<table").map(|(_, table)| table).unwrap_or_default();
        for text in ["1,234", "987", "This period", "Period before"] {
            assert!(table.contains(text), "{text}: {table}");
        }
    }

    #[test]
    fn text_of_strangers_stays_text() {
        let mut evil = point(1, None);
        evil.title = "<script>alert(1)</script>".into();
        let html = view! { <LineChart id="c" series="Leads" points=vec![evil]/> }.to_html();
        assert!(!html.contains("<script>"), "{html}");
    }
}
