//! Runs the program as a separate process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// How long the program may take for something that it should do at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns a command that runs the program in a folder without a `.env`. The environment names only the database and the log's
/// format.
pub fn command(database_url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_waymark"));
    command.env_clear().current_dir(std::env::temp_dir()).env("DATABASE_URL", database_url).env("LOG_FORMAT", "json");
    command
}

/// How a process ended.
pub struct Ended {
    pub success: bool,
    /// Everything that the process wrote.
    pub text: String,
    /// The seconds from the start of the wait to the end of the process.
    pub seconds: u64,
}

/// Runs a command to its end, with `input` on its standard input.
pub fn run(mut command: Command, input: &str) -> Ended {
    let started = Instant::now();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program is built");
    // A program that refuses to start does not read its input.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = [output.stdout, output.stderr].concat();
    Ended {
        success: output.status.success(),
        text: String::from_utf8(text).expect("text"),
        seconds: started.elapsed().as_secs(),
    }
}

/// A running server.
pub struct Process {
    pub url: String,
    child: Child,
    lines: mpsc::Receiver<String>,
    text: String,
}

impl Process {
    /// Starts a server on a free port and waits until it is ready.
    pub fn serve(database_url: &str, variables: &[(&str, &str)]) -> Self {
        let mut server = Self::begin(database_url, variables);
        server.wait_for("ready");
        server
    }

    /// Starts a server. The address is empty until the server is ready.
    pub fn begin(database_url: &str, variables: &[(&str, &str)]) -> Self {
        Self::spawn(command(database_url), variables)
    }

    /// Starts a server that may open this many files, and waits until it is ready.
    pub fn serve_with_files(database_url: &str, files: u32, variables: &[(&str, &str)]) -> Self {
        let program = command(database_url);
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files}; exec \"$0\"")]).arg(program.get_program());
        command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.current_dir(std::env::temp_dir());
        let mut server = Self::spawn(command, variables);
        server.wait_for("ready");
        server
    }

    fn spawn(mut command: Command, variables: &[(&str, &str)]) -> Self {
        command.env("LEPTOS_SITE_ADDR", "127.0.0.1:0").envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program is built");
        let (send, lines) = mpsc::channel();
        let out = child.stdout.take().expect("a pipe");
        let err = child.stderr.take().expect("a pipe");
        for pipe in [Box::new(out) as Box<dyn Read + Send>, Box::new(err)] {
            let send = send.clone();
            thread::spawn(move || {
                BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
            });
        }
        Self { url: String::new(), child, lines, text: String::new() }
    }

    /// Waits until the server logs this message.
    pub fn wait_for(&mut self, message: &str) {
        let wanted = format!("\"message\":\"{message}\"");
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {message:?}: {}", self.text));
            self.text += &line;
            self.text.push('\n');
            if line.contains(&wanted) {
                if let Some((_, address)) = line.split_once("\"addr\":\"") {
                    self.url = format!("http://{}", address.split('"').next().unwrap_or_default());
                }
                return;
            }
        }
    }

    /// Opens a connection to the server.
    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.url.trim_start_matches("http://")).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Connection(stream)
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells the server to stop, as a service manager does.
    pub fn terminate(&mut self) {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        assert!(told.expect("kill is there").success());
    }

    /// Waits for the end of the server.
    pub fn wait(mut self) -> Ended {
        let started = Instant::now();
        // The lines end when the process ends.
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.text += &line;
            self.text.push('\n');
        }
        let status = self.child.wait().expect("it ends");
        Ended { success: status.success(), text: std::mem::take(&mut self.text), seconds: started.elapsed().as_secs() }
    }
}

impl Drop for Process {
    /// Ends the server, so that a failed test leaves none behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection on which a test writes any bytes.
pub struct Connection(TcpStream);

impl Connection {
    pub fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).expect("sent");
    }

    /// Returns the next bytes, which are the whole response if it is small.
    pub fn receive(&mut self) -> String {
        let mut buffer = [0; 16 * 1024];
        let read = self.0.read(&mut buffer).expect("an answer");
        String::from_utf8_lossy(&buffer[..read]).into_owned()
    }
}
