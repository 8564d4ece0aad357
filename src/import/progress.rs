//! A progress bar for a terminal.

use std::io::{IsTerminal, Write};

/// How wide the bar is, in characters.
const WIDTH: u64 = 30;

/// Draws on standard error, where that is a terminal, and nothing elsewhere.
#[derive(Debug)]
pub struct Bar {
    terminal: bool,
}

impl Bar {
    pub fn on_stderr() -> Self {
        Self { terminal: std::io::stderr().is_terminal() }
    }

    /// Shows how far it is: `done` of `of`, or `done` alone while `of` is 0, because nobody knows yet.
    pub fn show(&self, done: u64, of: u64) {
        if self.terminal {
            // a terminal that is gone is no reason to end
            let _ = write!(std::io::stderr(), "\r\x1b[K{}", line(done, of));
        }
    }

    /// Leaves the line to what comes next.
    pub fn finish(&self) {
        if self.terminal {
            let _ = writeln!(std::io::stderr());
        }
    }
}

fn line(done: u64, of: u64) -> String {
    if of == 0 {
        return format!("reading: {done} leads");
    }
    let done = done.min(of);
    let full = "█".repeat((done * WIDTH / of) as usize);
    let rest = "░".repeat((WIDTH - done * WIDTH / of) as usize);
    format!("{full}{rest} {:>3} %  {done} of {of} leads", done * 100 / of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills() {
        assert_eq!(line(1500, 0), "reading: 1500 leads");
        assert_eq!(line(0, 7), format!("{}   0 %  0 of 7 leads", "░".repeat(30)));
        assert_eq!(line(1, 3), format!("{}{}  33 %  1 of 3 leads", "█".repeat(10), "░".repeat(20)));
        assert_eq!(line(9, 7), format!("{} 100 %  7 of 7 leads", "█".repeat(30)));
    }
}
