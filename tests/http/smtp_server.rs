//! An SMTP server for processes under test: it notes each mail that it has, and stops at a step while a test says so.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A step of the dialogue, at which the server says nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Greeting,
    Receiver,
    /// The client wants to send the mail.
    Data,
    /// The whole mail has come, and the server has not said so.
    Content,
}

/// A mail that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The `Message-ID`.
    pub id: String,
    pub to: String,
    /// Whether the server has said that it has the mail.
    pub acknowledged: bool,
}

#[derive(Debug)]
struct Inner {
    port: u16,
    holds: watch::Sender<Option<Step>>,
    held: watch::Sender<usize>,
    mails: Mutex<Vec<Mail>>,
}

/// The running server. Clones share it.
#[derive(Clone, Debug)]
pub struct SmtpServer(Arc<Inner>);

impl SmtpServer {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (holds, held) = (watch::Sender::new(None), watch::Sender::new(0));
        let server = Self(Arc::new(Inner { port, holds, held, mails: Mutex::default() }));
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move { server.serve(stream).await });
            }
        });
        server
    }

    /// Returns the value of `MAIL_URL` that leads here.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.0.port)
    }

    /// Stops at a step from now on. `None`: goes on, also with the connections that were stopped.
    pub fn hold(&self, step: Option<Step>) {
        self.0.held.send_replace(0);
        self.0.holds.send_replace(step);
    }

    /// Waits until so many connections are stopped.
    pub async fn has_held(&self, connections: usize) {
        self.0.held.subscribe().wait_for(|held| *held >= connections).await.expect("a server");
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.0.mails.lock().expect("no panic").clone()
    }

    pub fn forget(&self) {
        self.0.mails.lock().expect("no panic").clear();
    }

    async fn at(&self, step: Step) {
        let mut holds = self.0.holds.subscribe();
        if *holds.borrow_and_update() == Some(step) {
            self.0.held.send_modify(|held| *held += 1);
            let _ = holds.wait_for(|held| *held != Some(step)).await;
        }
    }

    async fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        self.at(Step::Greeting).await;
        say(&mut stream, "220 test").await?;
        let mut to = String::new();
        loop {
            let line = line(&mut stream).await?;
            match line.get(..4).unwrap_or_default() {
                "EHLO" | "MAIL" => say(&mut stream, "250 fine").await?,
                "RCPT" => {
                    self.at(Step::Receiver).await;
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    say(&mut stream, "250 fine").await?;
                }
                "DATA" => {
                    self.at(Step::Data).await;
                    say(&mut stream, "354 go on").await?;
                    let place = self.content(&mut stream, &to).await?;
                    self.at(Step::Content).await;
                    say(&mut stream, "250 taken").await?;
                    self.0.mails.lock().expect("no panic")[place].acknowledged = true;
                }
                _ => return say(&mut stream, "221 bye").await,
            }
        }
    }

    /// Reads a mail, and returns its place among the mails.
    async fn content(&self, stream: &mut BufReader<TcpStream>, to: &str) -> Option<usize> {
        let mut id = String::new();
        loop {
            let line = line(stream).await?;
            if let Some(value) = line.strip_prefix("Message-ID: ") {
                value.trim().clone_into(&mut id);
            }
            if line == ".\r\n" {
                let mut mails = self.0.mails.lock().expect("no panic");
                mails.push(Mail { id, to: to.to_owned(), acknowledged: false });
                return Some(mails.len() - 1);
            }
        }
    }
}

/// Reads a line. `None`: the client is gone.
async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    Some(line)
}

async fn say(stream: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()
}
