use std::{io, path::Path, time::Duration, time::SystemTime};

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use tokio::time::timeout;

use super::{Letter, MailSettings, Route, Smtp, Tls};
use crate::{id::JobId, timestamp::Timestamp};

/// How long connecting and each further step may take: greeting, TLS, signing in. All together are shorter than a job's deadline.
const STEP: Duration = if cfg!(test) { Duration::from_millis(400) } else { Duration::from_secs(15) };
/// How long the handover of a mail may take. If the server answers later, the server may have taken the mail, and gets it again.
const HANDOVER: Duration = if cfg!(test) { Duration::from_secs(1) } else { Duration::from_secs(45) };

/// Why a mail was not handed over. The texts have no address: they get into the log, and servers repeat addresses in their answers.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The address cannot get mail, or the server does not want the mail. Trying again is of no use.
    #[error("{0}")]
    Refused(String),
    /// The server or the folder did not work.
    #[error("{0}")]
    Failed(String),
}

impl From<smtp::Error> for DeliveryError {
    fn from(error: smtp::Error) -> Self {
        match error.status().map(|code| code.to_string()) {
            // What is wrong is the receiver or the message. Other codes are about this site's right to send, which its owner mends.
            Some(code) if matches!(code.as_str(), "501" | "550" | "551" | "552" | "553" | "554" | "556") => {
                Self::Refused(format!("the mail server refused the mail: {code}"))
            }
            Some(code) => Self::Failed(format!("the mail server answered {code}")),
            None if error.is_tls() => Self::Failed("no encrypted connection to the mail server".into()),
            None if error.is_client() => {
                Self::Failed("the mail server lacks what the mail needs: a way to sign in, STARTTLS or SMTPUTF8".into())
            }
            None => Self::Failed("no connection to the mail server, or the connection broke".into()),
        }
    }
}

impl From<io::Error> for DeliveryError {
    fn from(error: io::Error) -> Self {
        Self::Failed(format!("the mail could not be written: {}", error.kind()))
    }
}

/// Hands mail over.
#[derive(Clone, Debug)]
pub struct Mailer {
    settings: MailSettings,
    site_url: String,
}

impl Mailer {
    pub fn new(settings: MailSettings, site_url: &str) -> Self {
        Self { settings, site_url: site_url.to_owned() }
    }

    /// Returns the site's address, for links.
    pub fn site_url(&self) -> &str {
        &self.site_url
    }

    /// Hands a mail over. `id` becomes the mail's `Message-ID`, and `at` its date.
    pub async fn deliver(&self, id: JobId, at: Timestamp, to: &str, letter: &Letter) -> Result<(), DeliveryError> {
        let message = self.message(id, at, to, letter)?;
        match &self.settings.route {
            Some(Route::Smtp(smtp)) => hand_over(smtp, &self.client_id(), &message).await,
            Some(Route::Folder(folder)) => {
                // The same name each time, so that a mail that is written again replaces itself.
                write(folder, &format!("{id}.eml"), message.formatted()).await?;
                #[cfg(debug_assertions)]
                super::deliver::kept::write(folder, id, at, to, letter, &self.site_url).await?;
                Ok(())
            }
            None => Err(DeliveryError::Failed("MAIL_URL is not set".into())),
        }
    }

    fn message(&self, id: JobId, at: Timestamp, to: &str, letter: &Letter) -> Result<Message, DeliveryError> {
        let to: Address = to.parse().map_err(|_| DeliveryError::Refused("the address cannot get mail".into()))?;
        let from = self.settings.from.clone();
        let message_id = format!("<{id}@{}>", from.email.domain());
        let sent = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or_default());
        let message = Message::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(letter.subject.clone())
            .date(sent)
            .message_id(Some(message_id))
            // Programs that answer by themselves do not answer such a mail.
            .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()))
            .multipart(MultiPart::alternative_plain_html(
                letter.to_text(&self.site_url),
                letter.to_html(&self.site_url),
            ));
        message.map_err(|error| DeliveryError::Refused(format!("the mail cannot be built: {error}")))
    }

    /// Returns the name by which this site greets a mail server.
    fn client_id(&self) -> ClientId {
        ClientId::Domain(self.settings.from.email.domain().to_owned())
    }
}

/// Hands a mail to a server. The mail is sent once the server has taken it, whatever happens to the connection afterwards.
///
/// lettre's own transport has a time-out for connecting only, and would wait for the answer to QUIT.
async fn hand_over(smtp: &Smtp, client: &ClientId, message: &Message) -> Result<(), DeliveryError> {
    let parameters = || TlsParameters::new(smtp.host.clone());
    let wrapper = if smtp.tls == Tls::Always { Some(parameters()?) } else { None };
    let server = (smtp.host.as_str(), smtp.port);
    let connect = AsyncSmtpConnection::connect_tokio1(server, Some(STEP), client, wrapper, None);
    let mut connection = step(STEP, connect).await?;
    let starts_tls = match smtp.tls {
        Tls::Always | Tls::Never => false,
        Tls::Required => true,
        Tls::Opportunistic => connection.can_starttls(),
    };
    if starts_tls {
        step(STEP, connection.starttls(parameters()?, client)).await?;
    }
    if let Some((user, password)) = &smtp.login {
        let credentials = Credentials::new(user.clone(), password.clone());
        step(STEP, connection.auth(DEFAULT_MECHANISMS, &credentials)).await?;
    }
    step(HANDOVER, connection.send(message.envelope(), &message.formatted())).await?;
    tokio::spawn(async move {
        let _ = timeout(STEP, connection.abort()).await;
    });
    Ok(())
}

async fn step<T>(most: Duration, work: impl Future<Output = Result<T, smtp::Error>>) -> Result<T, DeliveryError> {
    match timeout(most, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(DeliveryError::Failed("the mail server did not answer in time".into())),
    }
}

/// Writes a file that is never seen half written.
async fn write(folder: &Path, name: &str, bytes: Vec<u8>) -> io::Result<()> {
    let (folder, name) = (folder.to_owned(), name.to_owned());
    let work = move || {
        create_private(&folder)?;
        let half = folder.join(format!(".{name}.half"));
        std::fs::write(&half, bytes)?;
        std::fs::rename(half, folder.join(name))
    };
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
}

/// Makes the folder, which only this user can read, because mails hold links that open accounts.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Mails as `/dev/mail` shows them, in development builds: beside each `.eml` file lies a `.json` file.
#[cfg(debug_assertions)]
pub mod kept {
    use std::{io, path::Path};

    use serde::{Deserialize, Serialize};

    use super::Letter;
    use crate::{id::JobId, timestamp::Timestamp};

    /// A mail that was kept.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    pub struct KeptMail {
        pub id: JobId,
        pub at: Timestamp,
        pub to: String,
        pub subject: String,
        pub text: String,
        pub html: String,
    }

    pub(super) async fn write(
        folder: &Path,
        id: JobId,
        at: Timestamp,
        to: &str,
        letter: &Letter,
        site_url: &str,
    ) -> io::Result<()> {
        let (text, html) = (letter.to_text(site_url), letter.to_html(site_url));
        let mail = KeptMail { id, at, to: to.to_owned(), subject: letter.subject.clone(), text, html };
        super::write(folder, &format!("{id}.json"), serde_json::to_vec(&mail)?).await
    }

    /// Returns the mails of a folder, newest first.
    pub fn all(folder: &Path) -> Vec<KeptMail> {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut mails: Vec<KeptMail> = files
            .filter(|file| file.path().extension().is_some_and(|end| end == "json"))
            .filter_map(|file| serde_json::from_slice(&std::fs::read(file.path()).ok()?).ok())
            .collect();
        mails.sort_by_key(|mail| std::cmp::Reverse(mail.id));
        mails
    }
}
