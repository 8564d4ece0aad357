use std::time::Duration;

use axum::{
    body::Bytes,
    http::{StatusCode, header},
};
use futures::{Stream, TryStreamExt, stream};

use super::{
    campaigns::{self, Crediting},
    cells::{json, text},
    conversions,
    file::{BoxError, FileSource, file, write},
    leads,
};
use crate::{
    attribution::{
        model::Model,
        report::{
            Filter, Preset,
            credit::CreditSettings,
            tests::{
                keeper,
                sample::{ORIGIN, Sample},
            },
        },
    },
    db::{Db, sql, testing::each_database},
    timestamp::{DAY, MILLISECOND, Timestamp},
};

const NOW: Timestamp = ORIGIN;
const WINDOW: Duration = DAY;

fn source(db: &Db) -> FileSource {
    FileSource { keeper: keeper(db), window: WINDOW }
}

fn crediting() -> Crediting {
    let windows = Vec::new();
    let settings = CreditSettings { weights: Default::default(), window: WINDOW, windows, internal_touches: false };
    Crediting { model: Model::Linear, settings }
}

fn all() -> Filter {
    Filter::parse("", Preset::All, NOW).filter
}

async fn joined(pieces: impl Stream<Item = Result<Bytes, BoxError>>) -> (String, usize) {
    let pieces: Vec<Bytes> = pieces.try_collect().await.expect("the file is whole");
    (String::from_utf8(pieces.concat()).expect("UTF-8"), pieces.len())
}

fn records(file: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(file.as_bytes()).records().collect::<Result<_, _>>().expect("RFC 4180")
}

async fn set(db: &Db, text: &'static str, values: Vec<crate::db::Value>) {
    let done = db.execute(sql(text).bind_all(values));
    assert_eq!(done.await.expect("the rows are changed"), 1);
}

/// What a link may hold, and a spreadsheet may take for a formula or for the end of a cell.
const PAYLOADS: [&str; 24] = [
    "=cmd|'/c calc'!A0",
    "=HYPERLINK(\"https://evil.example\",\"click\")",
    "+1+1",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "\u{feff}=1+1",
    "=",
    "-",
    "a,b",
    "say \"hi\"",
    "two\nlines",
    "cr\r\nlf",
    "\",=1+1,\"",
    "ünïcode, 日本",
    " leading space",
    "'already",
    "",
];

#[test]
fn a_cell_is_never_a_formula() {
    for payload in PAYLOADS {
        let cell = text(payload);
        let first = cell.chars().next();
        assert!(
            !matches!(first, Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\0' | '＝' | '＋' | '－' | '＠')),
            "{payload:?}"
        );
        // and what was there is there still
        assert!(cell == payload || *cell == format!("'{payload}"), "{payload:?}");
    }
    assert_eq!(text("\0=1"), "'\0=1");
    assert_eq!(text("a=b"), "a=b");
}

#[test]
fn every_payload_is_one_cell() {
    let rows = PAYLOADS.iter().map(|payload| [text(payload), "next".into()]);
    let bytes = write(Some(["a", "b"]), rows).expect("it is written");
    let file = String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let records = records(&file);
    assert_eq!(records.len(), PAYLOADS.len());
    for (record, payload) in records.iter().zip(PAYLOADS) {
        assert_eq!((record.len(), &record[0], &record[1]), (2, &*text(payload), "next"));
    }
    assert!(file.starts_with("a,b\r\n") && file.ends_with(",next\r\n"));
}

#[tokio::test]
async fn a_file_of_leads_has_every_field_as_it_is() {
    let mut sample = Sample::default();
    let user = sample.user("+maria@example.com", ORIGIN);
    let visitor = sample.visitor(Some(user));
    sample.touch(visitor, ORIGIN + 123 * MILLISECOND, Some("spring, \"summer\""));
    each_database(async |db| {
        sample.store(&db).await;
        let tags = r#"{"partner":["a,b","=c"]}"#;
        set(&db, "update touches set tags = $1, term = '=1+1', referrer = 'example.org/x'", vec![tags.into()]).await;
        let (file, _) = joined(leads::pieces(source(&db), all())).await;
        assert!(file.starts_with(
            "lead_id,user_email,occurred_at,medium,source,campaign,term,content,channel,landing_path,referrer,click_ids,custom_tags,hits\r\n"
        ));
        let records = records(&file);
        let cells: Vec<&str> = records[0].iter().skip(1).collect();
        assert_eq!(
            cells,
            [
                "'+maria@example.com",
                "2026-03-29T00:00:00.123Z",
                "cpc",
                "google",
                "spring, \"summer\"",
                "'=1+1",
                "",
                "Paid Search",
                "/",
                "example.org/x",
                r#"{"gclid":"AbC-_1"}"#,
                tags,
                "1",
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_file_has_all_rows_whatever_a_page_holds() {
    let mut sample = Sample::default();
    let user = sample.user("a@example.com", ORIGIN);
    let visitor = sample.visitor(Some(user));
    let rows = leads::ROWS * 2 + 1;
    for n in 0..rows {
        sample.touch(visitor, ORIGIN + n as u32 / 3 * MILLISECOND, Some(if n % 2 == 0 { "even" } else { "odd" }));
    }
    // 2001 touches, of which the first ones get what is left over: 1501 of 499 millionths, 999 of a cent
    let of = sample.conversion(user, "purchase", ORIGIN + rows as u32 * MILLISECOND, (3_001, "EUR"));
    sample.refund(of, 1, ORIGIN + (rows as u32 + 1) * MILLISECOND);
    sample.conversion(user, "purchase", ORIGIN - MILLISECOND, (5, "JPY"));
    each_database(async |db| {
        sample.store(&db).await;
        let (file, pieces) = joined(leads::pieces(source(&db), all())).await;
        let mut ids: Vec<String> = records(&file).iter().map(|record| record[0].to_owned()).collect();
        // 1002 rows, because three come together, and 999
        assert_eq!((ids.len(), pieces), (rows, 2));
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), rows);

        let odd = Filter::parse("campaign=odd", Preset::All, NOW).filter;
        let (file, _) = joined(leads::pieces(source(&db), odd)).await;
        assert_eq!(records(&file).len(), leads::ROWS);

        let (file, _) = joined(campaigns::pieces(source(&db), all(), crediting())).await;
        let lines: Vec<&str> = file.lines().collect();
        assert_eq!(
            lines,
            [
                "source,medium,campaign,channel,touches,visitors,leads,users,signups,model,conversions,values",
                r#"google,cpc,even,Paid Search,1001,1,1001,1,1,linear,0.500250,"{""EUR"":""15.01""}""#,
                r#"google,cpc,odd,Paid Search,1000,1,1000,1,1,linear,0.499750,"{""EUR"":""14.99""}""#,
                r#",,,Direct,0,0,0,0,0,linear,1.000000,"{""JPY"":""5""}""#,
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn a_file_of_conversions_has_what_the_page_shows_and_all_of_it() {
    let mut sample = Sample::default();
    let user = sample.user("=maria@example.com", ORIGIN);
    let visitor = sample.visitor(Some(user));
    sample.touch(visitor, ORIGIN, Some("@spring"));
    sample.touch(visitor, ORIGIN + MILLISECOND, Some("autumn, late"));
    let mut ids = vec![sample.conversion(user, "demo", ORIGIN - MILLISECOND, (0, ""))];
    let bought = sample.conversion(user, "purchase", ORIGIN + 2 * MILLISECOND, (1_234, "EUR"));
    sample.refund(bought, 34, ORIGIN + 3 * MILLISECOND);
    ids.push(bought);
    for n in 0..1_100 {
        ids.push(sample.conversion(user, "visit", ORIGIN + (10 + n / 3) * MILLISECOND, (0, "")));
    }
    let find = |query| Filter::parse(query, Preset::All, NOW).filter;
    each_database(async |db| {
        sample.store(&db).await;
        // a reporter may call its orders anything
        let odd = "update conversions set external_id = '-1+1' where kind = 'purchase' and refund_of is null";
        set(&db, odd, Vec::new()).await;
        let (file, pieces) = joined(conversions::pieces(source(&db), all(), crediting().settings)).await;
        let records = records(&file);
        let mut found: Vec<String> = records.iter().map(|record| record[0].to_owned()).collect();
        let mut expected: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
        found.sort();
        expected.sort();
        assert!(found == expected && pieces == 3, "{} in {pieces}", found.len());
        assert!(file.starts_with(
            "conversion_id,user_email,kind,occurred_at,value,refunded,currency,source,external_id,\
             first_touch,first_channel,last_touch,last_channel,touches\r\n"
        ));
        let cells = |kind: &str| {
            let record = records.iter().find(|record| &record[2] == kind).expect("a conversion");
            record.iter().skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        let purchase = [
            "'=maria@example.com",
            "purchase",
            "2026-03-29T00:00:00.002Z",
            "12.34",
            "0.34",
            "EUR",
            "checkout",
            "'-1+1",
            "'@spring",
            "Paid Search",
            "autumn, late",
            "Paid Search",
            "2",
        ];
        assert_eq!(cells("purchase"), purchase);
        assert_eq!(cells("demo")[3..6], ["", "", ""]);
        assert_eq!(cells("demo")[8..], ["", "Direct", "", "Direct", "0"]);

        let (file, _) = joined(conversions::pieces(source(&db), find("kind=purchase"), crediting().settings)).await;
        assert_eq!(file.lines().count(), 2);
        let (file, _) = joined(conversions::pieces(source(&db), find("channel=Email"), crediting().settings)).await;
        assert_eq!(file.lines().count(), 1, "the header stands alone");
    })
    .await;
}

#[test]
fn a_cell_that_begins_at_a_semicolon_is_text_too() {
    assert_eq!(text("x;=1+1;y"), "x;'=1+1;y");
    assert_eq!(text("a;b"), "a;b");
    let ids = r#"{"gclid":"a;=2+2;b"}"#;
    let cell = json(ids);
    assert!(!cell.contains(';'), "{cell}");
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(parse(&cell), parse(ids), "to a program it is the same");
}

#[tokio::test]
async fn nothing_found_is_a_file_with_its_header() {
    each_database(async |db| {
        let (leads, _) = joined(leads::pieces(source(&db), all())).await;
        assert_eq!(leads.lines().count(), 1);
        let (campaigns, _) = joined(campaigns::pieces(source(&db), all(), crediting())).await;
        assert_eq!(
            campaigns,
            "source,medium,campaign,channel,touches,visitors,leads,users,signups,model,conversions,values\r\n"
        );
    })
    .await;
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_told_before_the_file_begins() {
    let failing = stream::iter([Err::<Bytes, BoxError>("gone".into())]);
    let response = file("leads", &all(), NOW, failing).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);

    let response = file("leads", &all(), NOW, stream::iter([Ok("a\r\n".into()), Ok("é\r\n".into())])).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[header::CONTENT_DISPOSITION], "attachment; filename=\"leads-2026-03-29.csv\"");
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8; header=present");
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("the file is whole");
    assert_eq!(body, "\u{feff}a\r\né\r\n", "one mark, at the very beginning");
}
