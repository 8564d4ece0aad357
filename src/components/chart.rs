//! A line chart as SVG, drawn on the server. This period is a solid line over an area, the period before a dashed line.
//!
//! The chart is drawn twice, for wide and for narrow screens, and the style sheet shows one. The labels of one drawing that
//! shrinks would become too small to read. A point shows its numbers on hover, without a script. All numbers are also in a table
//! below the drawing, for screen readers and everybody else.

use std::fmt::Write as _;

use leptos::prelude::*;

use super::{
    DataTable, Th, format,
    scale::{label_stride, ticks},
};

/// One place on the time axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartPoint {
    /// Below the axis, for example "24 Oct".
    pub label: String,
    /// In the tooltip and the table, for example "Sat, 24 Oct 2026".
    pub title: String,
    pub current: i64,
    /// The value at the same place of the period before. Either all points have a previous value, or no point has
    /// one.
    pub previous: Option<i64>,
}

/// With more points, hover targets are too narrow and the page is too heavy. Group by week or month instead.
const MAX_HOVER_POINTS: usize = 130;

/// A period, and optionally the one before it, as lines.
///
/// `id` is unique in the page. `series` names what is counted ("Leads").
#[component]
pub fn LineChart(
    #[prop(into)] id: String,
    #[prop(into)] series: String,
    /// In the order of time. Without points nothing is rendered.
    points: Vec<ChartPoint>,
    #[prop(default = "This period")] current_name: &'static str,
    #[prop(default = "Period before")] previous_name: &'static str,
) -> impl IntoView {
    (!points.is_empty()).then(|| {
        let compares = points.iter().any(|point| point.previous.is_some());
        let previous_name = compares.then_some(previous_name);
        view! {
            <figure class="chart">
                <Drawing frame=&Frame::WIDE id=format!("{id}-wide") series=series.clone() points=points.clone()/>
                <Drawing frame=&Frame::NARROW id=format!("{id}-narrow") series=series.clone() points=points.clone()/>
                <figcaption>
                    <ul class="legend">
                        <li class="legend-current">{current_name}</li>
                        {previous_name.map(|name| view! { <li class="legend-previous">{name}</li> })}
                    </ul>
                    <NumberTable series points current_name previous_name/>
                </figcaption>
            </figure>
        }
        .into_any()
    })
}

/// The measures of a drawing, in units of its view box. At the intended width, a unit is about one CSS pixel.
struct Frame {
    class: &'static str,
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// The number of labels that fit below the axis.
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

    /// Returns the vertical place of the axis.
    fn base(&self) -> f64 {
        self.height - self.bottom
    }
}

/// Where a value of a point stands in a frame.
#[derive(Clone, Copy)]
struct Scale {
    frame: &'static Frame,
    /// The number of points.
    count: usize,
    /// The value at the upper edge: the last tick.
    highest: i64,
}

impl Scale {
    /// Returns the horizontal place of a point. A single point stands in the middle.
    fn x(&self, index: usize) -> f64 {
        let at = if self.count < 2 { 0.5 } else { index as f64 / (self.count - 1) as f64 };
        self.frame.left + at * self.frame.plot_width()
    }

    fn y(&self, value: i64) -> f64 {
        let at = value.clamp(0, self.highest) as f64 / self.highest as f64;
        self.frame.top + (1.0 - at) * self.frame.plot_height()
    }

    /// Returns the `d` attribute of the line through the points that have a value.
    fn line(&self, values: impl Iterator<Item = Option<i64>>) -> String {
        line(values.enumerate().filter_map(|(index, value)| Some((self.x(index), self.y(value?)))))
    }
}

#[component]
fn Drawing(frame: &'static Frame, id: String, series: String, points: Vec<ChartPoint>) -> impl IntoView {
    let values = points.iter().flat_map(|point| [Some(point.current), point.previous]).flatten();
    let ticks = ticks(values.max().unwrap_or(0));
    let count = points.len();
    let scale = Scale { frame, count, highest: ticks.last().copied().unwrap_or(1) };

    let current = scale.line(points.iter().map(|point| Some(point.current)));
    let previous = scale.line(points.iter().map(|point| point.previous));
    let (first, last, base) = (num(scale.x(0)), num(scale.x(count - 1)), frame.base());
    let area = format!("{current}L{last} {base}L{first} {base}Z");
    // a line through one point has no length, so the point is drawn as a dot
    let lone = (count == 1).then(|| {
        view! { <circle class="chart-dot" cx=num(scale.x(0)) cy=num(scale.y(points[0].current)) r="4"/> }
    });
    let (title_id, desc_id) = (format!("{id}-title"), format!("{id}-desc"));
    let (labelled_by, described_by) = (title_id.clone(), desc_id.clone());
    let view_box = format!("0 0 {} {}", frame.width, frame.height);
    let summary = summary(&series, &points);
    let labels = points.iter().map(|point| point.label.clone()).collect();
    let hover = (count <= MAX_HOVER_POINTS).then(|| {
        let points = points.into_iter().enumerate();
        points.map(|(index, point)| view! { <HoverPoint scale index point/> }).collect_view()
    });
    view! {
        <svg class=frame.class viewBox=view_box role="img" aria-labelledby=labelled_by aria-describedby=described_by>
            <title id=title_id>{series}" over time"</title>
            <desc id=desc_id>{summary}</desc>
            <Grid scale ticks/>
            <AxisLabels scale labels/>
            <path class="chart-area" d=area/>
            <path class="chart-previous" d=previous/>
            <path class="chart-current" d=current/>
            {lone}
            {hover}
        </svg>
    }
}

/// A horizontal line and a number for each tick.
#[component]
fn Grid(scale: Scale, ticks: Vec<i64>) -> impl IntoView {
    let frame = scale.frame;
    let line = move |tick: i64| {
        let y = num(scale.y(tick));
        view! {
            <line class="chart-grid" x1=num(frame.left) x2=num(frame.width - frame.right) y1=y.clone() y2=y.clone()/>
            <text class="chart-tick" x=num(frame.left - 8.0) y=y dy="0.32em" text-anchor="end">
                {format::compact(tick)}
            </text>
        }
    };
    ticks.into_iter().map(line).collect_view()
}

/// Labels below the axis, as many as fit.
#[component]
fn AxisLabels(scale: Scale, labels: Vec<String>) -> impl IntoView {
    let frame = scale.frame;
    let write = move |(index, label): (usize, String)| {
        let x = scale.x(index);
        // a centred label at the right edge would be cut
        let anchor = if x + 30.0 > frame.width { "end" } else { "middle" };
        view! { <text class="chart-tick" x=num(x) y=num(frame.base() + 20.0) text-anchor=anchor>{label}</text> }
    };
    let stride = label_stride(scale.count, frame.labels);
    labels.into_iter().enumerate().step_by(stride).map(write).collect_view()
}

/// A column that reacts to the pointer: a guide, a dot, and a box with the numbers.
#[component]
fn HoverPoint(scale: Scale, index: usize, point: ChartPoint) -> impl IntoView {
    let Scale { frame, count, .. } = scale;
    let (x, y) = (scale.x(index), scale.y(point.current));
    let column = frame.plot_width() / count.max(2) as f64;

    let numbers = match point.previous {
        Some(previous) => format!("{}  (before: {})", format::count(point.current), format::count(previous)),
        None => format::count(point.current),
    };
    // the server cannot measure text: at 12 px, figures and Latin letters are below 7 px wide on average
    let longest = point.title.chars().count().max(numbers.chars().count());
    let width = longest as f64 * 6.8 + 20.0;
    let left = (x - width / 2.0).clamp(2.0, (frame.width - width - 2.0).max(2.0));
    // above the point if there is room, else below it
    let box_y = if y - 56.0 > 0.0 { y - 56.0 } else { y + 12.0 };

    view! {
        <g class="chart-point">
            <rect class="chart-hit" x=num(x - column / 2.0) y=num(frame.top)
                width=num(column) height=num(frame.plot_height())/>
            <line class="chart-guide" x1=num(x) x2=num(x) y1=num(frame.top) y2=num(frame.base())/>
            <circle class="chart-dot" cx=num(x) cy=num(y) r="4"/>
            <rect class="chart-tip" x=num(left) y=num(box_y) width=num(width) height="44" rx="6"/>
            <text class="chart-tip-title" x=num(left + 10.0) y=num(box_y + 18.0)>{point.title}</text>
            <text class="chart-tip-value" x=num(left + 10.0) y=num(box_y + 35.0)>{numbers}</text>
        </g>
    }
}

/// The numbers as a table.
#[component]
fn NumberTable(
    series: String,
    points: Vec<ChartPoint>,
    current_name: &'static str,
    /// The heading of the second column of numbers, if there is one.
    previous_name: Option<&'static str>,
) -> impl IntoView {
    let row = move |point: ChartPoint| {
        let previous = previous_name.map(|_| {
            let text = point.previous.map_or_else(|| "–".to_owned(), format::count);
            view! { <td class="num">{text}</td> }
        });
        view! {
            <tr>
                <th scope="row">{point.title}</th>
                <td class="num">{format::count(point.current)}</td>
                {previous}
            </tr>
        }
    };
    view! {
        <details class="chart-data">
            <summary>"Show as table"</summary>
            <DataTable caption=format!("{series} over time, as a table")>
                <thead>
                    <tr>
                        <Th label="Date"/>
                        <Th label=current_name numeric=true/>
                        {previous_name.map(|label| view! { <Th label numeric=true/> })}
                    </tr>
                </thead>
                <tbody>{points.into_iter().map(row).collect_view()}</tbody>
            </DataTable>
        </details>
    }
}

/// Returns a sentence that says what the drawing shows.
fn summary(series: &str, points: &[ChartPoint]) -> String {
    let total: i64 = points.iter().map(|point| point.current).sum();
    let mut text = String::new();
    if let (Some(first), Some(last), Some(most)) =
        (points.first(), points.last(), points.iter().max_by_key(|p| p.current))
    {
        // writing to a String cannot fail
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

/// Returns the `d` attribute of a path through the given places.
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

/// Returns a number with one decimal. More digits would make the page larger and the drawing no finer.
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
        let points = vec![point(0, None), point(4, None), point(2, None)];
        let html = view! { <Drawing frame=&Frame::NARROW id="c".into() series="Leads".into() points/> }.to_html();
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
