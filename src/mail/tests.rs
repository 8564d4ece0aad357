//! A mail server that the tests play: it takes mail, refuses it, hangs, answers late or goes away in the middle.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{DeliveryError, Letter, MailSettings, Mailer};
use crate::{id::JobId, timestamp::Timestamp, variables::Variables};

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Takes,
    /// Answers a step with this line.
    Says(Step, &'static str),
    /// Closes the connection at a step.
    GoesAway(Step),
    /// Never answers a step.
    Hangs(Step),
    /// Takes the mail, and then neither answers QUIT nor closes.
    HangsAfterwards,
}

/// A step of the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Greeting,
    Receiver,
    Content,
}

type Mails = Arc<Mutex<Vec<String>>>;

async fn server(manner: Manner) -> (u16, Mails) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mails = Mails::default();
    let taken = mails.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, manner, taken.clone()));
        }
    });
    (port, mails)
}

/// Answers a step as the manner says. Returns `None` when the server goes away.
async fn answer(stream: &mut BufReader<TcpStream>, manner: Manner, step: Option<Step>, usual: &str) -> Option<()> {
    let line = match manner {
        Manner::Says(at, line) if Some(at) == step => line,
        Manner::GoesAway(at) if Some(at) == step => return None,
        Manner::Hangs(at) if Some(at) == step => std::future::pending().await,
        _ => usual,
    };
    stream.write_all(format!("{line}\r\n").as_bytes()).await.ok()
}

async fn serve(stream: TcpStream, manner: Manner, mails: Mails) -> Option<()> {
    let mut stream = BufReader::new(stream);
    answer(&mut stream, manner, Some(Step::Greeting), "220 test").await?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        match line.get(..4).unwrap_or_default() {
            "EHLO" => answer(&mut stream, manner, None, "250 test").await?,
            "MAIL" => answer(&mut stream, manner, None, "250 fine").await?,
            "RCPT" => answer(&mut stream, manner, Some(Step::Receiver), "250 fine").await?,
            "DATA" => {
                answer(&mut stream, manner, None, "354 go on").await?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut mail).await.ok().filter(|read| *read > 0)?;
                }
                mails.lock().expect("no panic").push(mail);
                answer(&mut stream, manner, Some(Step::Content), "250 taken").await?;
                if manner == Manner::HangsAfterwards {
                    std::future::pending::<()>().await;
                }
            }
            _ => {
                answer(&mut stream, manner, None, "221 bye").await?;
                return Some(());
            }
        }
    }
}

fn mailer(url: &str) -> Mailer {
    let get = |name: &str| (name == "MAIL_URL").then(|| url.to_owned());
    let mut variables = Variables::new(&get);
    let settings = MailSettings::read(&mut variables, "https://shop.example", None);
    assert_eq!(variables.mistakes, []);
    Mailer::new(settings, "https://shop.example")
}

fn letter() -> Letter {
    Letter::new("Bestätigen Sie Ihre Adresse", "You get this mail because of a test.")
        .text("Grüße")
        .button("Confirm", "https://shop.example/verify/abc")
}

async fn send(port: u16, to: &str) -> (Result<(), DeliveryError>, Duration) {
    let began = Instant::now();
    let sent = mailer(&format!("smtp://127.0.0.1:{port}"))
        .deliver(JobId::NIL, Timestamp::from_millis(1_795_435_200_000), to, &letter())
        .await;
    (sent, began.elapsed())
}

#[tokio::test]
async fn a_mail_is_handed_over_with_its_job_s_id_and_both_parts() {
    let (port, mails) = server(Manner::Takes).await;
    send(port, "maria@example.com").await.0.expect("sent");
    let mails = mails.lock().expect("no panic").clone();
    let [mail] = mails.as_slice() else { panic!("one mail: {mails:?}") };
    for line in [
        "Message-ID: <00000000-0000-0000-0000-000000000000@shop.example>",
        "From: Waymark <no-reply@shop.example>",
        "To: maria@example.com",
        "Auto-Submitted: auto-generated",
        "Date: Mon, 23 Nov 2026 12:00:00 +0000",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
        "https://shop.example/verify/abc",
    ] {
        // A sender's name of several words is in quotes.
        assert!(mail.replace('"', "").contains(line), "{line}: {mail}");
    }
}

#[tokio::test]
async fn what_the_server_answers_decides_whether_another_try_is_of_use() {
    const REPEATS: &str = "550 5.1.1 <maria@example.com> is unknown here";
    for (manner, refused) in [
        (Manner::Says(Step::Receiver, REPEATS), true),
        (Manner::Says(Step::Content, "554 spam"), true),
        (Manner::Says(Step::Greeting, "554 go away"), true),
        (Manner::Says(Step::Greeting, "421 too busy"), false),
        (Manner::Says(Step::Receiver, "450 greylisted"), false),
        (Manner::Says(Step::Receiver, "530 sign in first"), false),
        (Manner::Says(Step::Receiver, "nonsense"), false),
        (Manner::GoesAway(Step::Greeting), false),
        (Manner::GoesAway(Step::Receiver), false),
        (Manner::GoesAway(Step::Content), false),
    ] {
        let (port, _) = server(manner).await;
        let error = send(port, "maria@example.com").await.0.expect_err("not sent");
        assert_eq!(matches!(error, DeliveryError::Refused(_)), refused, "{manner:?}: {error}");
        assert!(!error.to_string().contains("maria"), "the log gets no address: {error}");
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let error = send(port, "maria@example.com").await.0.expect_err("nobody listens");
    assert!(matches!(error, DeliveryError::Failed(_)), "{error}");
    let (port, mails) = server(Manner::Takes).await;
    let error = send(port, "root@-").await.0.expect_err("no address");
    assert!(matches!(error, DeliveryError::Refused(_)), "{error}");
    assert_eq!(mails.lock().expect("no panic").len(), 0);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up() {
    // The deadlines are shorter in tests: 0.4 s for a step, 1 s for the handover.
    for (manner, most) in [
        (Manner::Hangs(Step::Greeting), 400),
        (Manner::Hangs(Step::Receiver), 1_000),
        (Manner::Hangs(Step::Content), 1_000),
    ] {
        let (port, mails) = server(manner).await;
        let (sent, took) = send(port, "maria@example.com").await;
        let error = sent.expect_err("not sent");
        assert_eq!(error.to_string(), "the mail server did not answer in time");
        assert!(took <= Duration::from_millis(most + 2_000), "{manner:?}: {took:?}");
        // The server has the mail, and nobody can know: the next try has the same id.
        assert_eq!(mails.lock().expect("no panic").len(), usize::from(manner == Manner::Hangs(Step::Content)));
    }
}

#[tokio::test]
async fn a_mail_that_was_taken_is_sent_whatever_comes_afterwards() {
    let (port, mails) = server(Manner::HangsAfterwards).await;
    let (sent, took) = send(port, "maria@example.com").await;
    sent.expect("sent");
    assert!(took < Duration::from_secs(5), "nothing waits for the answer to QUIT: {took:?}");
    assert_eq!(mails.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn a_password_is_not_sent_for_everybody_to_read() {
    let (port, mails) = server(Manner::Takes).await;
    let mailer = mailer(&format!("smtp://me:secret@127.0.0.1:{port}?tls=required"));
    let error =
        mailer.deliver(JobId::NIL, Timestamp::EPOCH, "maria@example.com", &letter()).await.expect_err("no STARTTLS");
    assert!(matches!(error, DeliveryError::Failed(_)), "{error}");
    assert_eq!(mails.lock().expect("no panic").len(), 0);
}

#[tokio::test]
async fn a_folder_gets_a_file_a_mail_and_no_second_one() {
    let folder = std::env::temp_dir().join(format!("waymark-mail-{}", JobId::new()));
    let mailer = mailer(&format!("file:{}", folder.display()));
    let id = JobId::new();
    for _ in 0..2 {
        mailer.deliver(id, Timestamp::EPOCH, "maria@example.com", &letter()).await.expect("written");
    }
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|file| file.expect("a file").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, [format!("{id}.eml"), format!("{id}.json")]);
    let mail = std::fs::read_to_string(folder.join(&files[0])).expect("text");
    assert!(mail.contains("To: maria@example.com"), "{mail}");
    assert_eq!(super::deliver::kept::all(&folder)[0].to, "maria@example.com");
    std::fs::remove_dir_all(folder).expect("removed");
}
