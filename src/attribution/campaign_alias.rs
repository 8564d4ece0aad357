//! Campaign aliases: merged campaign names. Reports show an alias as its campaign. Example: with the alias `springsale` of
//! `spring_sale`, reports count touches of `springsale` under `spring_sale`.
//!
//! What always holds:
//! - Touches keep the campaign of their link. An alias only changes what reports show, so removing the alias undoes the merge.
//! - Aliases make no chains and no loops: the campaign of an alias is not an alias itself.

use super::signal::clean;
use crate::{
    audit::{Action, Actor, Entry},
    db::{self, Conn, Db, Dialect, sql},
    timestamp::Timestamp,
};

/// The most aliases of one campaign. A filter by the campaign searches for each alias.
pub const MOST: i64 = 500;

/// A name that reports show as another campaign.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Alias {
    /// The name in links.
    pub alias: String,
    /// The name in reports.
    pub campaign: String,
    pub created_at: Timestamp,
}

/// Why two campaigns cannot be merged. Pages show the text.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AliasError {
    #[error("Give both names.")]
    Empty,
    #[error("A campaign cannot be merged into itself.")]
    Same,
    #[error("“{campaign}” is merged into “{alias}” already. Undo that first.")]
    Loop { alias: String, campaign: String },
    #[error("{MOST} names are merged into “{0}” already, and no more can be.")]
    TooMany(String),
    #[error("The names could not be merged right now. Please try again in a moment.")]
    Database(#[from] db::Error),
}

/// Merges the campaign `alias` into `campaign`.
///
/// If `campaign` is an alias itself, `alias` is merged into the campaign of that alias. All aliases of `alias` move along. An
/// earlier merge of `alias` ends.
pub async fn add(db: &Db, alias: &str, campaign: &str, by: &Actor) -> Result<Alias, AliasError> {
    let (Some(alias), Some(campaign)) = (clean(alias), clean(campaign)) else { return Err(AliasError::Empty) };
    if alias == campaign {
        return Err(AliasError::Same);
    }
    let (created_at, entry) = (db.now(), Entry::new(Action::CampaignsMerged, by));
    db.transaction(move |conn| {
        Box::pin(async move {
            lock(conn).await?;
            let target = target(conn, &campaign).await?.unwrap_or_else(|| campaign.clone());
            if target == alias {
                return Err(AliasError::Loop { alias, campaign });
            }
            // The count has the target's aliases so far, and the aliases that move along. `alias` itself is one more.
            let (count,): (i64,) =
                sql("select count(*) from campaign_aliases where campaign in ($1, $2) and alias <> $2")
                    .bind(target.as_str())
                    .bind(alias.as_str())
                    .fetch_one(conn)
                    .await?;
            if count >= MOST {
                return Err(AliasError::TooMany(target));
            }
            sql("update campaign_aliases set campaign = $1 where campaign = $2")
                .bind(target.as_str())
                .bind(alias.as_str())
                .execute(conn)
                .await?;
            sql("insert into campaign_aliases (alias, campaign, created_at) values ($1, $2, $3)
                 on conflict (alias) do update set campaign = excluded.campaign, created_at = excluded.created_at")
            .bind(alias.as_str())
            .bind(target.as_str())
            .bind(created_at)
            .execute(conn)
            .await?;
            entry.on(&alias).detail(format!("into {target}")).write(conn, created_at).await?;
            Ok(Alias { alias, campaign: target, created_at })
        })
    })
    .await
}

/// Lets one merge run at a time. Two merges at once could make a chain that neither sees. SQLite has one writer anyway.
async fn lock(conn: &mut Conn) -> Result<(), db::Error> {
    if conn.dialect() == Dialect::Postgres {
        sql("lock table campaign_aliases in share row exclusive mode").execute(conn).await?;
    }
    Ok(())
}

async fn target(conn: &mut Conn, name: &str) -> Result<Option<String>, db::Error> {
    let row: Option<(String,)> =
        sql("select campaign from campaign_aliases where alias = $1").bind(name).fetch_optional(conn).await?;
    Ok(row.map(|(campaign,)| campaign))
}

/// Removes an alias, so that reports show the name as a separate campaign again. Returns the alias' campaign, or `None` if the
/// name was not an alias.
pub async fn remove(db: &Db, alias: &str, by: &Actor) -> Result<Option<String>, db::Error> {
    let Some(alias) = clean(alias) else { return Ok(None) };
    let (now, entry) = (db.now(), Entry::new(Action::CampaignsUnmerged, by).on(&alias));
    db.transaction(move |conn| {
        Box::pin(async move {
            let campaign = target(conn, &alias).await?;
            sql("delete from campaign_aliases where alias = $1").bind(alias).execute(conn).await?;
            if let Some(campaign) = &campaign {
                entry.detail(format!("from {campaign}")).write(conn, now).await?;
            }
            Ok(campaign)
        })
    })
    .await
}

/// Returns at most `limit` aliases, sorted by campaign.
pub async fn list(conn: &mut Conn, limit: u32) -> Result<Vec<Alias>, db::Error> {
    sql("select alias, campaign, created_at from campaign_aliases order by campaign, alias limit $1")
        .bind(limit)
        .fetch_all(conn)
        .await
}

#[cfg(test)]
mod tests {
    use crate::db::testing::each_database;

    use super::*;

    async fn add(db: &Db, alias: &str, campaign: &str) -> Result<Alias, AliasError> {
        super::add(db, alias, campaign, &Actor::command_line()).await
    }

    async fn remove(db: &Db, alias: &str) -> Result<Option<String>, db::Error> {
        super::remove(db, alias, &Actor::command_line()).await
    }

    async fn pairs(db: &Db) -> Vec<(String, String)> {
        let mut conn = db.read().await.expect("a connection");
        let aliases = list(&mut conn, 1_000).await.expect("the aliases");
        aliases.into_iter().map(|alias| (alias.alias, alias.campaign)).collect()
    }

    fn of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(alias, campaign)| ((*alias).to_owned(), (*campaign).to_owned())).collect()
    }

    #[tokio::test]
    async fn there_are_no_chains() {
        each_database(async |db| {
            let added = add(&db, " Spring-Sale ", "spring_sale").await.expect("it is merged");
            assert_eq!((added.alias.as_str(), added.campaign.as_str()), ("spring-sale", "spring_sale"));
            // Merging into an alias merges into the campaign of that alias.
            let added = add(&db, "springsale", "spring-sale").await.expect("it is merged");
            assert_eq!(added.campaign, "spring_sale");
            assert_eq!(pairs(&db).await, of(&[("spring-sale", "spring_sale"), ("springsale", "spring_sale")]));
            // The aliases of a merged campaign move along.
            add(&db, "spring_sale", "spring").await.expect("it is merged");
            let all = [("spring-sale", "spring"), ("spring_sale", "spring"), ("springsale", "spring")];
            assert_eq!(pairs(&db).await, of(&all));
            // An alias that is merged again leaves its former campaign.
            add(&db, "springsale", "other").await.expect("it is merged");
            assert_eq!(pairs(&db).await[0], ("springsale".to_owned(), "other".to_owned()));
        })
        .await;
    }

    #[tokio::test]
    async fn there_are_no_loops() {
        each_database(async |db| {
            assert!(matches!(add(&db, "A", "a ").await, Err(AliasError::Same)));
            assert!(matches!(add(&db, " ", "a").await, Err(AliasError::Empty)));
            add(&db, "a", "b").await.expect("it is merged");
            let error = add(&db, "b", "a").await.expect_err("that is a loop");
            assert_eq!(error.to_string(), "“a” is merged into “b” already. Undo that first.");
            assert_eq!(pairs(&db).await, of(&[("a", "b")]));
        })
        .await;
    }

    #[tokio::test]
    async fn removing_undoes() {
        each_database(async |db| {
            add(&db, "a", "b").await.expect("it is merged");
            assert_eq!(remove(&db, "A").await.expect("it is removed").as_deref(), Some("b"));
            assert_eq!(remove(&db, "a").await.expect("nothing to remove"), None);
            assert_eq!(pairs(&db).await, []);
            add(&db, "b", "a").await.expect("the other way round now");
        })
        .await;
    }

    #[tokio::test]
    async fn one_campaign_has_a_bounded_number() {
        each_database(async |db| {
            db.transaction(|conn| {
                Box::pin(async move {
                    for number in 0..MOST {
                        sql("insert into campaign_aliases (alias, campaign, created_at) values ($1, 'x', 0)")
                            .bind(format!("x{number}"))
                            .execute(conn)
                            .await?;
                    }
                    Ok::<_, db::Error>(())
                })
            })
            .await
            .expect("they are added");
            assert!(matches!(add(&db, "one more", "x").await, Err(AliasError::TooMany(_))));
            assert!(matches!(add(&db, "x", "y").await, Err(AliasError::TooMany(_))), "all would move along");
            add(&db, "one more", "y").await.expect("another campaign takes it");
        })
        .await;
    }

    #[tokio::test]
    async fn merging_at_once_makes_no_chain() {
        each_database(async |db| {
            for _ in 0..10 {
                let (one, other) = tokio::join!(add(&db, "a", "b"), add(&db, "b", "c"));
                one.and(other).expect("both are merged");
                assert_eq!(pairs(&db).await, of(&[("a", "c"), ("b", "c")]));
                for alias in ["a", "b"] {
                    remove(&db, alias).await.expect("it is removed");
                }
            }
        })
        .await;
    }
}
