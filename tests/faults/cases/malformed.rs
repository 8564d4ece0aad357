//! Malformed cookies, queries and bodies in volume. None makes the server fail, and the log stays short.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    Result,
    browser::{CHROME, address_of},
    case::{Case, PROMISED_RECOVERY, PROMISED_WAIT},
    chance::Chance,
};

/// How many lines the log may have for a second of malformed requests.
const LINES_PER_SECOND: usize = 100;
const AT_ONCE: usize = 16;

const TARGETS: [&str; 10] = [
    "/?utm_source=a%00b&utm_campaign=%ff%fe",
    "/?utm_source[]=a&utm_source[]=b&utm_source={{7*7}}",
    "/?%&%%&=&&&utm_source=%",
    "/?utm_source=a%0d%0aSet-Cookie:x=y",
    "/r/%ff%00%2e%2e%2f",
    "/r/../../etc/passwd",
    "//evil.example/?utm_source=x",
    "/admin/leads.csv?period=%ff&tz=../../etc",
    "/account?next=//evil.example",
    "http://evil.example/?utm_source=x",
];
const COOKIES: [&str; 8] = [
    "waymark=",
    "waymark=\u{fffd}\u{fffd}",
    "waymark=AAAAAAAAAAAAAAAAAAAAAA; waymark=AAAAAAAAAAAAAAAAAAAAAA",
    "waymark=AAAAAAAAAAAAAAAAAAAAAA",
    "waymark-waiting=bm9uc2Vuc2U",
    "waymark-waiting=W3siaSI6MX1d",
    "flash=e30",
    ";;;=;=;waymark",
];
const POSTS: [&str; 5] = ["/api/login", "/api/register", "/api/touch", "/api/consent", "/api/conversions"];
const BODIES: [&str; 5] = ["", "email=%ff%00&password=%", "{\"email\":", "email[]=a&email[]=b", "\u{0}\u{0}\u{0}"];

pub async fn run(case: &mut Case<'_>) -> Result<()> {
    let each = case.pick(100, 3000);
    let crowd = case.crowd(4);
    let others = case.others();
    sleep(Duration::from_millis(300)).await;
    let (lines, began) = (case.site.replicas[0].log_lines(), std::time::Instant::now());
    let mut senders = JoinSet::new();
    for number in 0..AT_ONCE {
        senders.spawn(send(case.world.targets[0], case.chance.fork(), each, number));
    }
    let failed: Vec<String> = senders.join_all().await.into_iter().flatten().collect();
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap_or_default() + 1;
    let more = case.site.replicas[0].log_lines() - lines;
    case.row.require(failed.is_empty(), || format!("{} failed, such as {:?}", failed.len(), failed.first()));
    case.row.note(format!("{} malformed requests made {more} lines of log in {seconds} s", AT_ONCE * each));
    case.row.require(more <= LINES_PER_SECOND * seconds, || format!("the log grew by {more} lines in {seconds} s"));
    let waits = others.stop().await;
    case.served(waits, PROMISED_WAIT);
    case.recover(PROMISED_RECOVERY).await;
    let browsers = case.finish(crowd).await;
    case.settle(browsers).await
}

/// Sends malformed requests. Returns those to which the server said 500 or nothing.
async fn send(target: SocketAddr, mut chance: Chance, count: usize, sender: usize) -> Vec<String> {
    let mut failed = Vec::new();
    for number in 0..count {
        let address = address_of((1 << 14) + sender * count + number);
        let request = request(target, &mut chance, &address);
        let first_line = timeout(Duration::from_secs(40), first_line(target, &request)).await;
        let status = match &first_line {
            Ok(Ok(line)) => line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0),
            _ => 0,
        };
        if status == 0 || (status >= 500 && status != 503) {
            failed.push(format!("{request:?} → {first_line:?}"));
        }
    }
    failed
}

fn request(target: SocketAddr, chance: &mut Chance, address: &str) -> String {
    let cookie = *chance.pick(&COOKIES);
    let head = format!(
        "Host: {target}\r\nUser-Agent: {CHROME}\r\nAccept: text/html\r\nX-Forwarded-For: {address}\r\nCookie: {cookie}\r\n\
         Connection: close\r\n"
    );
    match chance.below(3) {
        0 => {
            let (path, body) = (*chance.pick(&POSTS), *chance.pick(&BODIES));
            format!(
                "POST {path} HTTP/1.1\r\n{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
                 \r\n{body}",
                body.len()
            )
        }
        1 => format!("GET /?utm_source={} HTTP/1.1\r\n{head}\r\n", "%41".repeat(chance.below(4000))),
        _ => format!("GET {} HTTP/1.1\r\n{head}\r\n", chance.pick(&TARGETS)),
    }
}

async fn first_line(target: SocketAddr, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect(target).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned())
}
