//! What a connection has done so far, and by when it must do something: a pure function of both.

use std::time::Instant;

use tokio::sync::OwnedSemaphorePermit;

use super::limits::Deadlines;

/// A client that receives a response takes at least this many bytes within [`Deadlines::write`].
const LEAST_TAKEN: u64 = 4 * 1024;

/// Why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// No byte came.
    Silent,
    /// The first request's head did not come in time, or a later head that had begun.
    SlowHead,
    /// No further request came.
    Idle,
    /// A request's body stopped coming.
    SlowBody,
    /// The client does not read the response.
    SlowReader,
    /// The connection's address, or all addresses together, opened more connections than are served.
    Crowded,
}

impl Reason {
    /// Returns the value of the metric's label.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::SlowHead => "slow_head",
            Self::Idle => "idle",
            Self::SlowBody => "slow_body",
            Self::SlowReader => "slow_reader",
            Self::Crowded => "crowded",
        }
    }
}

/// What a connection has done so far. The stream and the requests of the connection report to it.
#[derive(Debug)]
pub(super) struct Activity {
    /// When the connection was opened, a request began or ended, or a response's body began: the latest of these.
    pub since: Instant,
    /// When the last byte came.
    last_read: Instant,
    /// Whether the client speaks HTTP/2, on which bytes may come without a request.
    pub http2: bool,
    /// When the first byte of the incomplete head came.
    head_since: Option<Instant>,
    /// How many bytes of the incomplete head came.
    pub head_bytes: usize,
    /// The right to send a long head; see [`super::limits::Limits::long_heads`].
    pub long_head: Option<OwnedSemaphorePermit>,
    /// Whether a request was ever complete.
    requested: bool,
    /// How many requests have no response yet.
    serving: usize,
    /// How many requests wait for more of their body.
    receiving: usize,
    /// How many responses have begun and not ended.
    sending: usize,
    /// Since when the network takes no more bytes.
    blocked_since: Option<Instant>,
    /// When bytes were last written.
    last_write: Instant,
    /// How many bytes were written since `marked_at`, at which the last [`LEAST_TAKEN`] bytes were complete.
    written: u64,
    marked_at: Instant,
}

impl Activity {
    pub(super) fn begin(now: Instant) -> Self {
        Self {
            since: now,
            last_read: now,
            http2: false,
            head_since: None,
            head_bytes: 0,
            long_head: None,
            requested: false,
            serving: 0,
            receiving: 0,
            sending: 0,
            blocked_since: None,
            last_write: now,
            written: 0,
            marked_at: now,
        }
    }

    /// Returns the next moment at which the connection may be late, or the reason for which it is late.
    pub(super) fn check(&self, deadlines: &Deadlines, now: Instant) -> Result<Instant, Reason> {
        let due = [
            self.blocked_since.map(|since| (since + deadlines.write, Reason::SlowReader)),
            (self.receiving > 0).then(|| (self.last_read + deadlines.body, Reason::SlowBody)),
            (self.sending > 0).then(|| (self.marked_at + deadlines.write, Reason::SlowReader)),
            self.is_waiting().then(|| self.next_request(deadlines)),
        ];
        let mut next = now + deadlines.look_again();
        for (at, reason) in due.into_iter().flatten() {
            if at <= now {
                return Err(reason);
            }
            next = next.min(at);
        }
        Ok(next)
    }

    /// Returns by when the next request must be complete, and what is wrong if it is not.
    fn next_request(&self, deadlines: &Deadlines) -> (Instant, Reason) {
        match self.head_since {
            // On HTTP/2, pings and acknowledgements come without a request.
            Some(since) if !self.http2 || !self.requested => (since + deadlines.head, Reason::SlowHead),
            _ if !self.requested => (self.since + deadlines.first_byte, Reason::Silent),
            // What HTTP/1 still writes belongs to the last response.
            _ if !self.http2 => (self.since.max(self.last_write) + deadlines.idle, Reason::Idle),
            _ => (self.since + deadlines.idle, Reason::Idle),
        }
    }

    /// Returns whether no request is in work.
    pub(super) fn is_waiting(&self) -> bool {
        self.serving == 0 && self.sending == 0
    }

    /// Returns whether all that goes on waits for the client, so that ending the connection wastes no work.
    pub(super) fn waits_for_client(&self) -> bool {
        self.serving <= self.receiving
    }

    pub(super) fn read(&mut self, bytes: usize, now: Instant) {
        self.last_read = now;
        if self.is_waiting() {
            self.head_since.get_or_insert(now);
            self.head_bytes += bytes;
        }
    }

    pub(super) fn wrote(&mut self, bytes: usize, now: Instant) {
        self.blocked_since = None;
        self.last_write = now;
        self.written += bytes as u64;
        if self.written >= LEAST_TAKEN {
            (self.written, self.marked_at) = (0, now);
        }
    }

    pub(super) fn blocked(&mut self, now: Instant) {
        self.blocked_since.get_or_insert(now);
    }

    pub(super) fn request_began(&mut self, now: Instant) {
        (self.head_since, self.head_bytes, self.long_head) = (None, 0, None);
        (self.requested, self.since) = (true, now);
        self.serving += 1;
    }

    /// The request has its response, or was given up.
    pub(super) fn request_ended(&mut self, now: Instant) {
        self.serving = self.serving.saturating_sub(1);
        self.since = now;
    }

    pub(super) fn body_waits(&mut self) {
        self.receiving += 1;
    }

    pub(super) fn body_came(&mut self) {
        self.receiving = self.receiving.saturating_sub(1);
    }

    pub(super) fn response_began(&mut self, now: Instant) {
        if self.sending == 0 {
            (self.written, self.marked_at) = (0, now);
        }
        self.sending += 1;
    }

    pub(super) fn response_ended(&mut self, now: Instant) {
        self.sending = self.sending.saturating_sub(1);
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A step of a connection, and the second at which it happens.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Read(u64, usize),
        Request(u64),
        Waits(u64),
        Came(u64),
        Responds(u64),
        Wrote(u64, usize),
        Blocked(u64),
        Ends(u64),
    }

    /// Returns the second at which the connection is ended, and why.
    fn ended(http2: bool, steps: &[Step]) -> (u64, Option<Reason>) {
        let start = Instant::now();
        let at = |second: u64| start + Duration::from_secs(second);
        let mut activity = Activity::begin(start);
        activity.http2 = http2;
        let mut last = 0;
        for step in steps {
            last = match *step {
                Step::Read(second, bytes) => (activity.read(bytes, at(second)), second).1,
                Step::Request(second) => (activity.request_began(at(second)), second).1,
                Step::Waits(second) => (activity.body_waits(), second).1,
                Step::Came(second) => (activity.body_came(), second).1,
                Step::Responds(second) => {
                    activity.request_ended(at(second));
                    (activity.response_began(at(second)), second).1
                }
                Step::Wrote(second, bytes) => (activity.wrote(bytes, at(second)), second).1,
                Step::Blocked(second) => (activity.blocked(at(second)), second).1,
                Step::Ends(second) => (activity.response_ended(at(second)), second).1,
            };
        }
        let deadlines = Deadlines::default();
        let late = (last..last + 200).find_map(|second| Some((second, activity.check(&deadlines, at(second)).err()?)));
        late.map_or((0, None), |(second, reason)| (second, Some(reason)))
    }

    #[test]
    fn each_way_to_wait_has_its_deadline() {
        use Step::{Blocked, Came, Ends, Read, Request, Responds, Waits, Wrote};
        let served = [Read(0, 100), Request(0), Responds(1), Wrote(1, 100), Ends(2)];
        let with = |more: &[Step]| [&served[..], more].concat();
        for (http2, steps, expected) in [
            (false, vec![], (10, Some(Reason::Silent))),
            (false, vec![Read(5, 1)], (20, Some(Reason::SlowHead))),
            // More bytes of the head give no more time.
            (false, vec![Read(5, 1), Read(12, 1)], (20, Some(Reason::SlowHead))),
            (true, vec![Read(1, 18)], (16, Some(Reason::SlowHead))),
            (false, with(&[]), (77, Some(Reason::Idle))),
            (false, with(&[Read(30, 1)]), (45, Some(Reason::SlowHead))),
            // A ping is no head.
            (true, with(&[Read(30, 17)]), (77, Some(Reason::Idle))),
            // A handler may take its time: a deadline of its own ends it.
            (false, vec![Read(0, 9), Request(0)], (0, None)),
            (false, vec![Read(0, 9), Request(0), Waits(0)], (10, Some(Reason::SlowBody))),
            (false, vec![Read(0, 9), Request(0), Waits(0), Read(7, 1)], (17, Some(Reason::SlowBody))),
            (false, vec![Read(0, 9), Request(0), Waits(0), Came(3)], (0, None)),
            (false, vec![Read(0, 9), Request(0), Responds(1)], (21, Some(Reason::SlowReader))),
            // On HTTP/2, a request that is being served gives the reader of another response no more time.
            (true, vec![Request(0), Request(0), Responds(1), Read(15, 9)], (21, Some(Reason::SlowReader))),
            // Some bytes are not enough, enough bytes are.
            (false, vec![Request(0), Responds(1), Wrote(20, 9)], (21, Some(Reason::SlowReader))),
            (false, vec![Request(0), Responds(1), Wrote(20, 5_000)], (40, Some(Reason::SlowReader))),
            (false, with(&[Blocked(3)]), (23, Some(Reason::SlowReader))),
            // The rest of a response is on its way.
            (false, with(&[Blocked(3), Wrote(9, 1)]), (84, Some(Reason::Idle))),
        ] {
            assert_eq!(ended(http2, &steps), expected, "{steps:?}");
        }
    }

    #[test]
    fn only_what_waits_for_the_client_gives_way() {
        let now = Instant::now();
        let mut activity = Activity::begin(now);
        assert!(activity.waits_for_client(), "for a head");
        activity.request_began(now);
        assert!(!activity.waits_for_client(), "a handler works");
        activity.body_waits();
        assert!(activity.waits_for_client(), "for a body");
        activity.body_came();
        activity.request_ended(now);
        activity.response_began(now);
        assert!(activity.waits_for_client(), "to read the response");
    }
}
