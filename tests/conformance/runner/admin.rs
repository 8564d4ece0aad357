//! What an admin of the server sees.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{
    browser::{Site, in_words, sign_in},
    file::{Case, Expected},
};

/// An admin who is signed in.
pub struct Admin {
    cookies: String,
}

/// A row of `leads.csv`: the name of each column with its cell.
pub type Lead = BTreeMap<String, String>;

impl Admin {
    pub async fn sign_in(site: &Site, email: &str, password: &str) -> Result<Self, String> {
        let cookies = sign_in(site, email, password).await.map_err(|why| format!("the admin cannot sign in: {why}"))?;
        Ok(Self { cookies })
    }

    /// Returns the leads of all accounts that this run made, oldest first.
    pub async fn leads(&self, site: &Site) -> Result<Vec<Lead>, String> {
        let path = format!("/admin/leads.csv?period=7d&q={}", site.run);
        let response = site.request(Method::GET, &path).header("cookie", &self.cookies).send().await;
        let response = response.map_err(|error| format!("leads.csv: {}", in_words(&error)))?;
        if response.status() != StatusCode::OK {
            return Err(format!("leads.csv: {}. Is the account an admin's?", response.status()));
        }
        let text = response.text().await.map_err(|error| format!("leads.csv: {}", in_words(&error)))?;
        let rows = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes()).into_deserialize();
        let mut leads: Vec<Lead> = rows.collect::<Result<_, _>>().map_err(|error| format!("leads.csv: {error}"))?;
        leads.sort_by(|a, b| order(a).cmp(&order(b)));
        Ok(leads)
    }

    /// Asks the inspector about a case that is one page view. Returns what the inspector says otherwise than the case.
    pub async fn inspect(&self, site: &Site, case: &Case) -> Vec<String> {
        let Some((step, address)) = case.single_get() else { return Vec::new() };
        // The inspector's form has no fields for other headers and for the part that servers do not see.
        let gpc = step.headers.get("Sec-GPC").map(String::as_str);
        if address.contains('#') || step.headers.len() > usize::from(gpc.is_some()) {
            return Vec::new();
        }
        let address = site.fill(&format!("{{site}}{address}"));
        let referrer = site.fill(&step.referrer);
        let form = [
            ("address", address.as_str()),
            ("linked_from", &referrer),
            ("agent", step.agent.as_deref().unwrap_or_default()),
            ("gpc", gpc.unwrap_or_default()),
        ];
        let request = site.form("/api/inspect", form).header("accept", "application/json");
        let answer = async { request.header("cookie", &self.cookies).send().await?.json::<Value>().await };
        match answer.await {
            Ok(answer) => compare(case, &answer),
            Err(error) => vec![format!("the inspector does not answer: {}", in_words(&error))],
        }
    }
}

fn order(lead: &Lead) -> (&str, &str) {
    (cell(lead, "occurred_at"), cell(lead, "lead_id"))
}

pub fn cell<'l>(lead: &'l Lead, column: &str) -> &'l str {
    lead.get(column).map_or("", String::as_str)
}

fn compare(case: &Case, answer: &Value) -> Vec<String> {
    let captured = answer["verdict"]["good"] == true;
    let [touch] = case.touches.as_slice() else {
        let title = &answer["verdict"]["title"];
        return if captured { vec![format!("the inspector says {title}")] } else { Vec::new() };
    };
    if !captured {
        let cards = answer["cards"].as_array().into_iter().flatten().map(|card| card["title"].to_string());
        let cards: Vec<String> = cards.collect();
        return vec![format!("the inspector says {} {}", answer["verdict"]["title"], cards.join(", "))];
    }
    let cards = answer["cards"].as_array().into_iter().flatten();
    let facts = cards.filter_map(|card| card["facts"].as_array()).flatten();
    let facts: BTreeMap<String, &str> =
        facts.filter_map(|fact| Some((fact["term"].as_str()?.to_lowercase(), fact["value"].as_str()?))).collect();
    let fields = ["channel", "source", "medium", "campaign", "term", "content"];
    let wrong = fields.into_iter().filter_map(|field| {
        let Some(Expected::Text(expected)) = touch.columns.get(field) else { return None };
        let said = facts.get(field).copied().unwrap_or_default();
        (said != expected).then(|| format!("the inspector says {field} “{said}”, not “{expected}”"))
    });
    wrong.collect()
}
