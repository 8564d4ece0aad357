//! Acts out the steps of a case.

use std::collections::BTreeMap;

use reqwest::Method;

use super::{
    browser::{Browser, Page, Site},
    file::{Action, Case, Step},
};

/// An account that the runner made.
#[derive(Debug)]
pub struct Account {
    pub email: String,
    /// The name in the case. The runner itself makes accounts without a name, to see what a browser's visitor has.
    pub name: Option<String>,
}

/// A case after its last step.
#[derive(Debug, Default)]
pub struct Played {
    pub accounts: Vec<Account>,
}

impl Played {
    /// Returns the e-mail address of an account, which is unlike those of other cases and runs.
    fn email(&mut self, site: &Site, name: Option<&str>) -> String {
        let known = self.accounts.iter().find(|account| name.is_some() && account.name.as_deref() == name);
        if let Some(account) = known {
            return account.email.clone();
        }
        let email = site.new_email();
        self.accounts.push(Account { email: email.clone(), name: name.map(str::to_owned) });
        email
    }
}

/// Acts out a case in new browsers. At the end every browser that is not signed in makes an account, so that its touches are
/// leads. Errors: which step failed, in words.
pub async fn play(site: &Site, case: &Case) -> Result<Played, String> {
    let mut browsers: BTreeMap<&str, Browser> = BTreeMap::new();
    let mut played = Played::default();
    for (at, step) in case.steps.iter().enumerate() {
        browsers.entry(&step.browser).or_insert_with(|| Browser::new(site));
        act(site, step, &mut browsers, &mut played).await.map_err(|why| format!("step {}: {why}", at + 1))?;
    }
    for browser in browsers.values_mut() {
        if !browser.jar.is_empty() && browser.jar.email.is_none() {
            browser.sign(site, "/api/register", &played.email(site, None)).await?;
        }
        for lost in 0..browser.lost.len() {
            if browser.lost[lost].email.is_none() {
                browser.sign_lost(site, lost, &played.email(site, None)).await?;
            }
        }
    }
    Ok(played)
}

async fn act(
    site: &Site,
    step: &Step,
    browsers: &mut BTreeMap<&str, Browser>,
    played: &mut Played,
) -> Result<(), String> {
    let address = match &step.action {
        Action::Get(address) | Action::Head(address) => with_referral_link(site, address, browsers, played).await?,
        _ => String::new(),
    };
    let Some(browser) = browsers.get_mut(step.browser.as_str()) else { return Ok(()) };
    match &step.action {
        Action::Get(_) => browser.open(site, step, Method::GET, &address).await?,
        Action::Head(_) => browser.open(site, step, Method::HEAD, &address).await?,
        Action::Post { address, form } => drop(browser.post(site, step, address, form).await?),
        Action::Beacon(changes) => {
            let mut form = beacon(browser.page(&step.tab)?);
            form.extend(changes.clone());
            let response = browser.post(site, step, "/api/touch", &form).await?;
            if !response.status().is_success() {
                return Err(format!("the beacon was refused: {}", response.status()));
            }
        }
        Action::Consent(choice) => {
            let mut form = consent_form(&browser.page(&step.tab)?.html).ok_or("the page asks for no consent")?;
            form.insert("choice".to_owned(), choice.clone());
            browser.post(site, step, "/api/consent", &form).await?;
        }
        Action::Register(name) => browser.sign(site, "/api/register", &played.email(site, Some(name))).await?,
        Action::SignIn(name) => browser.sign(site, "/api/login", &played.email(site, Some(name))).await?,
        Action::SignOut => {
            browser.post(site, step, "/api/logout", &BTreeMap::new()).await?;
            browser.jar.email = None;
        }
    }
    Ok(())
}

/// Replaces `{referral:NAME}` by the token of that account's referral link. The account has to be signed in in a browser.
async fn with_referral_link(
    site: &Site,
    address: &str,
    browsers: &mut BTreeMap<&str, Browser>,
    played: &mut Played,
) -> Result<String, String> {
    let Some((before, rest)) = address.split_once("{referral:") else { return Ok(address.to_owned()) };
    let (name, after) = rest.split_once('}').ok_or("{referral: has no }")?;
    let email = played.email(site, Some(name));
    let owner = browsers.values_mut().find(|browser| browser.jar.email.as_deref() == Some(&email));
    let owner = owner.ok_or_else(|| format!("{name} is signed in nowhere"))?;
    let page = owner.text(site, "/account").await?;
    let (_, token) = page.split_once("/r/").ok_or_else(|| format!("{name} has no referral link"))?;
    let token: String = token.chars().take_while(char::is_ascii_alphanumeric).collect();
    Ok(format!("{before}{token}{after}"))
}

/// Returns what the script of a page sends.
fn beacon(page: &Page) -> BTreeMap<String, String> {
    let (address, fragment) = page.address.split_once('#').unwrap_or((&page.address, ""));
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let fields = [
        ("path", path),
        ("query", query),
        ("fragment", fragment),
        ("referrer", &page.referrer),
        ("arrival", page.arrival()),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Returns the hidden fields of the consent form on a page.
fn consent_form(html: &str) -> Option<BTreeMap<String, String>> {
    let (_, form) = html.split_once(r#"action="/api/consent""#)?;
    let (form, _) = form.split_once("</form>")?;
    let attribute = |input: &str, name: &str| {
        let (_, value) = input.split_once(&format!(r#" {name}=""#))?;
        Some(value.split_once('"')?.0.replace("&amp;", "&"))
    };
    let inputs = form.split("<input").skip(1);
    Some(
        inputs
            .filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value").unwrap_or_default())))
            .collect(),
    )
}
