use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::shared_values::SharedValues;
use crate::{
    attribution::{
        signal::referrer::Referrer,
        touch::fingerprint::{ERASED, digest},
    },
    db::{Conn, Error, placeholders, sql},
    id::{TouchId, UserId},
    privacy::email_in_text::EmailMatcher,
};

const SELECT: &str = "select t.id, t.source, t.medium, t.campaign, t.term, t.content, t.utm_id, t.source_platform,
    t.creative_format, t.marketing_tactic, t.landing_path, t.referrer, t.click_ids, t.tags, t.fingerprint from touches t";

/// The texts of a touch. Erasing changes them.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct TouchTexts {
    id: TouchId,
    source: Option<String>,
    medium: Option<String>,
    campaign: Option<String>,
    term: Option<String>,
    content: Option<String>,
    utm_id: Option<String>,
    source_platform: Option<String>,
    creative_format: Option<String>,
    marketing_tactic: Option<String>,
    landing_path: String,
    referrer: Option<String>,
    click_ids: String,
    tags: String,
    fingerprint: i64,
}

impl TouchTexts {
    /// Reads the touches of a user.
    pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Self>, Error> {
        sql(format!("{SELECT} join visitors v on v.id = t.visitor_id where v.user_id = $1"))
            .bind(user)
            .fetch_all(conn)
            .await
    }

    /// Reads the touches with these ids, of any visitor.
    pub async fn by_ids(conn: &mut Conn, ids: &[TouchId]) -> Result<Vec<Self>, Error> {
        sql(format!("{SELECT} where t.id in ({})", placeholders(1, ids.len())))
            .bind_all(ids.iter().map(|id| (*id).into()))
            .fetch_all(conn)
            .await
    }

    /// Removes everything that could belong to this user alone, from a touch of the user.
    pub fn without_personal(mut self, shared: &SharedValues, email: Option<&EmailMatcher>, key: &ErasureKey) -> Self {
        self.fingerprint = key.fingerprint(self.utm_digest());
        self.term.take_if(|value| !shared.contains("term", value));
        self.content.take_if(|value| !shared.contains("content", value));
        self.utm_id.take_if(|value| !shared.contains("utm_id", value));
        if !shared.contains("landing_path", &self.landing_path) {
            self.landing_path = "/".into();
        }
        self.referrer = self.referrer.as_deref().map(host);
        self.click_ids = "{}".into();
        self.tags = "{}".into();
        match email {
            Some(email) => self.cleared(email),
            None => self,
        }
    }

    /// Removes the texts that contain the address, from a touch of anyone.
    pub fn without_email(self, email: &EmailMatcher, key: &ErasureKey) -> Self {
        let before = self.clone();
        let mut cleared = self.cleared(email);
        if cleared != before {
            // The old fingerprint is a digest of the removed texts: somebody who knows the other texts could try addresses
            // against it.
            cleared.fingerprint = key.fingerprint(before.utm_digest());
        }
        cleared
    }

    /// Returns a digest of the UTM fields, which the models compare. For a touch that was erased before, it is the fingerprint.
    fn utm_digest(&self) -> i64 {
        if ERASED.contains(&self.fingerprint) {
            return self.fingerprint;
        }
        let fields = [
            &self.source,
            &self.medium,
            &self.campaign,
            &self.term,
            &self.content,
            &self.utm_id,
            &self.source_platform,
            &self.creative_format,
            &self.marketing_tactic,
        ];
        digest(fields).cast_signed()
    }

    fn cleared(mut self, email: &EmailMatcher) -> Self {
        let texts = [
            &mut self.source,
            &mut self.medium,
            &mut self.campaign,
            &mut self.term,
            &mut self.content,
            &mut self.utm_id,
            &mut self.source_platform,
            &mut self.creative_format,
            &mut self.marketing_tactic,
        ];
        for text in texts {
            text.take_if(|text| email.is_in(text));
        }
        if email.is_in(&self.landing_path) {
            self.landing_path = "/".into();
        }
        if let Some(referrer) = self.referrer.as_mut().filter(|referrer| email.is_in(referrer)) {
            *referrer = host(referrer);
        }
        for map in [&mut self.click_ids, &mut self.tags] {
            if email.is_in(map) {
                *map = "{}".into();
            }
        }
        self
    }

    pub async fn save(self, conn: &mut Conn) -> Result<(), Error> {
        sql("update touches set source = $2, medium = $3, campaign = $4, term = $5, content = $6, utm_id = $7,
                source_platform = $8, creative_format = $9, marketing_tactic = $10, landing_path = $11, referrer = $12,
                click_ids = $13, tags = $14, fingerprint = $15
            where id = $1")
        .bind(self.id)
        .bind(self.source)
        .bind(self.medium)
        .bind(self.campaign)
        .bind(self.term)
        .bind(self.content)
        .bind(self.utm_id)
        .bind(self.source_platform)
        .bind(self.creative_format)
        .bind(self.marketing_tactic)
        .bind(self.landing_path)
        .bind(self.referrer)
        .bind(self.click_ids)
        .bind(self.tags)
        .bind(self.fingerprint)
        .execute(conn)
        .await
        .map(|_| ())
    }
}

/// Returns a referrer's host and `/`, as a referrer without a path is stored: `mail.example/inbox/7` → `mail.example/`.
fn host(referrer: &str) -> String {
    format!("{}/", Referrer::split(referrer).0)
}

/// The key of one erasure. It is discarded with the value, so that nobody can try texts against the fingerprints.
pub(super) struct ErasureKey([u8; 16]);

impl ErasureKey {
    /// Makes a random key.
    pub fn new() -> Self {
        Self(Uuid::new_v4().into_bytes())
    }

    /// Returns the fingerprint, in the range [`ERASED`], for a digest of UTM fields. Equal digests give equal fingerprints: the
    /// models count repeats of the same UTM fields as one step.
    fn fingerprint(&self, utm_digest: i64) -> i64 {
        let digest = Sha256::new().chain_update(self.0).chain_update(utm_digest.to_le_bytes()).finalize();
        let [a, b, c, d, e, ..] = <[u8; 32]>::from(digest);
        i64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
    }
}
