//! The format of the case files. `README.md` beside the files explains it to people who write cases.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::Path,
};

use serde::Deserialize;
use serde_json::Value;

/// The columns of `leads.csv` that a touch can name.
pub const COLUMNS: [&str; 11] = [
    "source",
    "medium",
    "campaign",
    "term",
    "content",
    "channel",
    "landing_path",
    "referrer",
    "click_ids",
    "custom_tags",
    "hits",
];

/// One file of cases.
#[derive(Debug)]
pub struct CaseFile {
    /// The name of the file.
    pub name: String,
    /// The environment variables that the server must have, where they differ from the default.
    pub settings: BTreeMap<String, String>,
    pub cases: Vec<Case>,
}

/// What browsers do, and the touches that must be there afterwards.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    /// The document, the bug report or the rule that says so.
    pub see: String,
    pub steps: Vec<Step>,
    /// All touches, in any order.
    pub touches: Vec<ExpectedTouch>,
    /// How many visitors have touches before anybody signs in.
    pub visitors: Option<usize>,
}

/// One thing that a browser does.
#[derive(Debug)]
pub struct Step {
    pub browser: String,
    pub tab: String,
    pub cookies: Cookies,
    pub action: Action,
    pub referrer: String,
    pub agent: Option<String>,
    /// Headers in place of those that the browser would send. An empty value leaves the header out.
    pub headers: BTreeMap<String, String>,
}

#[derive(Debug)]
pub enum Action {
    /// Opens a page and follows redirects.
    Get(String),
    /// Asks for the headers of a page.
    Head(String),
    /// Sends a form.
    Post {
        address: String,
        form: BTreeMap<String, String>,
    },
    /// Sends what the page's script would send, with other values for these fields.
    Beacon(BTreeMap<String, String>),
    /// Sends the consent form of the page with this choice.
    Consent(String),
    /// Makes the account of this name.
    Register(String),
    /// Signs in to the account of this name.
    SignIn(String),
    SignOut,
}

/// What a browser does with cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cookies {
    #[default]
    Kept,
    /// The request has no cookies, because it was made before the browser had any. What the response sets is kept.
    Unsent,
    /// The browser sends no cookies and keeps none.
    Blocked,
}

/// What a case says about a touch.
#[derive(Debug, Default, PartialEq)]
pub struct ExpectedTouch {
    /// The name of the account that has the touch.
    pub user: Option<String>,
    /// Columns of `leads.csv` with what they hold.
    pub columns: BTreeMap<String, Expected>,
}

#[derive(Debug, PartialEq)]
pub enum Expected {
    Text(String),
    /// A table, compared with the JSON of the cell.
    Json(Value),
}

impl CaseFile {
    /// Reads a file. Errors: what is wrong, in words, with the file's name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(name.clone(), &text).map_err(|why| format!("{name}: {why}"))
    }

    /// Reads all files of a folder, in the order of their names.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, String> {
        let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    pub fn parse(name: String, text: &str) -> Result<Self, String> {
        let FileText { settings, arrivals, case } = toml::from_str(text).map_err(|error| error.to_string())?;
        let arrivals = arrivals.into_iter().map(ArrivalText::into_case);
        let cases: Vec<Case> = arrivals.chain(case.into_iter().map(CaseText::into_case)).collect::<Result<_, _>>()?;
        let mut names = HashSet::new();
        if let Some(twice) = cases.iter().find(|case| !names.insert(&case.name)) {
            return Err(format!("“{}” is there twice", twice.name));
        }
        Ok(Self { name, settings, cases })
    }

    /// Leaves out the cases whose name and file name do not contain a text.
    pub fn only(mut self, text: &str) -> Self {
        if !self.name.contains(text) {
            self.cases.retain(|case| case.name.contains(text));
        }
        self
    }
}

impl Case {
    /// Returns the request of a case that is one page view in a new browser.
    pub fn single_get(&self) -> Option<(&Step, &str)> {
        match self.steps.as_slice() {
            [step @ Step { action: Action::Get(address), .. }] => Some((step, address)),
            _ => None,
        }
    }

    /// Returns whether the case itself says who signs in.
    pub fn signs_in(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, Action::Register(_) | Action::SignIn(_)))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default)]
    arrivals: Vec<ArrivalText>,
    #[serde(default)]
    case: Vec<CaseText>,
}

/// One page view in a new browser, and its touch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArrivalText {
    #[serde(default)]
    get: Option<String>,
    #[serde(default)]
    referrer: String,
    agent: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The channel, or `none` where there is no touch.
    channel: String,
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
    click_ids: Option<Value>,
    custom_tags: Option<Value>,
    see: String,
}

impl ArrivalText {
    fn into_case(self) -> Result<Case, String> {
        let address = self.get.unwrap_or_else(|| "/".to_owned());
        let mut name = format!("GET {address}");
        if !self.referrer.is_empty() {
            name += &format!(" from {}", self.referrer);
        }
        if let Some(agent) = &self.agent {
            name += &format!(" by {agent}");
        }
        if !self.headers.is_empty() {
            name += &format!(" with {:?}", self.headers);
        }
        let text = |name: &str, value: Option<String>| Some((name.to_owned(), Expected::Text(value?)));
        let json = |name: &str, value: Option<Value>| Some((name.to_owned(), Expected::Json(value?)));
        let nothing = [&self.source, &self.medium, &self.campaign, &self.term, &self.content].map(Option::is_none);
        let none = self.channel == "none";
        if none && (nothing.contains(&false) || self.click_ids.is_some() || self.custom_tags.is_some()) {
            return Err(format!("“{name}” has no touch, and says what the touch holds"));
        }
        let columns = [
            text("channel", Some(self.channel)),
            text("source", self.source),
            text("medium", self.medium),
            text("campaign", self.campaign),
            text("term", self.term),
            text("content", self.content),
            json("click_ids", self.click_ids),
            json("custom_tags", self.custom_tags),
        ];
        let touch = ExpectedTouch { user: None, columns: columns.into_iter().flatten().collect() };
        let step = Step {
            browser: String::new(),
            tab: String::new(),
            cookies: Cookies::default(),
            action: Action::Get(address),
            referrer: self.referrer,
            agent: self.agent,
            headers: self.headers,
        };
        let touches = if none { vec![] } else { vec![touch] };
        Ok(Case { name, see: self.see, steps: vec![step], touches, visitors: None })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseText {
    name: String,
    see: String,
    steps: Vec<StepText>,
    touches: Vec<BTreeMap<String, Value>>,
    visitors: Option<usize>,
}

impl CaseText {
    fn into_case(self) -> Result<Case, String> {
        let Self { name, see, steps, touches, visitors } = self;
        let steps = steps.into_iter().map(StepText::into_step).collect::<Result<_, _>>();
        let touches = touches.into_iter().map(expected_touch).collect::<Result<_, _>>();
        let in_case = |why: String| format!("“{name}”: {why}");
        let case = Case { steps: steps.map_err(in_case)?, touches: touches.map_err(in_case)?, name, see, visitors };
        match case.visitors.is_some() && case.signs_in() {
            true => Err(format!("“{}”: visitors can be told apart only where no step signs in", case.name)),
            false => Ok(case),
        }
    }
}

fn expected_touch(mut named: BTreeMap<String, Value>) -> Result<ExpectedTouch, String> {
    let user = named.remove("user").and_then(|user| user.as_str().map(str::to_owned));
    let columns = named.into_iter().map(|(name, value)| {
        let expected = match value {
            _ if !COLUMNS.contains(&name.as_str()) => return Err(format!("a touch has no “{name}”")),
            Value::String(text) => Expected::Text(text),
            Value::Number(number) => Expected::Text(number.to_string()),
            json => Expected::Json(json),
        };
        Ok((name, expected))
    });
    Ok(ExpectedTouch { user, columns: columns.collect::<Result<_, _>>()? })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepText {
    #[serde(default)]
    browser: String,
    #[serde(default)]
    tab: String,
    #[serde(default)]
    cookies: Cookies,
    #[serde(default)]
    referrer: String,
    agent: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    form: BTreeMap<String, String>,
    get: Option<String>,
    head: Option<String>,
    post: Option<String>,
    beacon: Option<BTreeMap<String, String>>,
    consent: Option<String>,
    register: Option<String>,
    sign_in: Option<String>,
    sign_out: Option<bool>,
}

impl StepText {
    fn into_step(self) -> Result<Step, String> {
        let actions = [
            self.get.map(Action::Get),
            self.head.map(Action::Head),
            self.post.map(|address| Action::Post { address, form: self.form }),
            self.beacon.map(Action::Beacon),
            self.consent.map(Action::Consent),
            self.register.map(Action::Register),
            self.sign_in.map(Action::SignIn),
            self.sign_out.map(|_| Action::SignOut),
        ];
        let mut actions = actions.into_iter().flatten();
        let (Some(action), None) = (actions.next(), actions.next()) else {
            return Err("a step is one of get, head, post, beacon, consent, register, sign_in, sign_out".to_owned());
        };
        let Self { browser, tab, cookies, referrer, agent, headers, .. } = self;
        Ok(Step { browser, tab, cookies, action, referrer, agent, headers })
    }
}
