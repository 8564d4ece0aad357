use leptos::prelude::*;

use crate::{
    admin::words,
    attribution::capture::left_out::LeftOut,
    components::{DataTable, Th, TwoLines, format},
};

/// Parts of links that are left out: the word of each counter, and how many arrivals lost such a part.
#[component]
pub fn LeftOutTable(left_out: Vec<(String, i64)>) -> impl IntoView {
    let row = |(counter, count): &(String, i64)| {
        let part = LeftOut::of(counter)?;
        Some(view! {
            <tr>
                <th scope="row"><TwoLines title=words::left_out(part) subtitle=words::left_out_explained(part)/></th>
                <td class="num">{format::count(*count)}</td>
            </tr>
        })
    };
    view! {
        <DataTable caption="Left out of links">
            <thead><tr><Th label="Part of the link"/><Th label="Arrivals" numeric=true/></tr></thead>
            <tbody>{left_out.iter().filter_map(row).collect_view()}</tbody>
        </DataTable>
        <p class="muted small">"An arrival counts if its link or the page before it says something else."</p>
    }
}
