//! A client's stream, which reports what it reads and writes to the connection's [`Activity`](super::activity::Activity).

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Semaphore,
};

use super::{limits::SHORT_HEAD, registry::Connection};

/// How an HTTP/2 connection begins. No method of HTTP/1 has this name.
const HTTP2: &[u8] = b"PRI ";

#[derive(Debug)]
pub(super) struct WatchedStream {
    stream: TcpStream,
    connection: Arc<Connection>,
    long_heads: Arc<Semaphore>,
    /// How many of the first bytes are those of [`HTTP2`]. `None` once the protocol is known.
    preface: Option<usize>,
}

impl WatchedStream {
    pub(super) fn new(stream: TcpStream, connection: Arc<Connection>, long_heads: Arc<Semaphore>) -> Self {
        Self { stream, connection, long_heads, preface: Some(0) }
    }

    /// Reports bytes that came. Errors: the head is long, and there are too many long heads already.
    fn report(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut activity = self.connection.activity();
        if let Some(known) = self.preface {
            let expected = &HTTP2[known..];
            let shared = expected.len().min(bytes.len());
            let same = expected[..shared] == bytes[..shared];
            activity.http2 = same && shared == expected.len();
            self.preface = (same && !activity.http2).then_some(known + shared);
        }
        activity.read(bytes.len(), Instant::now());
        if activity.head_bytes > SHORT_HEAD && !activity.http2 && activity.long_head.is_none() {
            let permit = self.long_heads.clone().try_acquire_owned();
            activity.long_head = Some(permit.map_err(|_| io::Error::other("too many long heads"))?);
        }
        Ok(())
    }

    fn report_write(&self, result: &Poll<io::Result<usize>>) {
        match result {
            Poll::Ready(Ok(bytes)) => self.connection.activity().wrote(*bytes, Instant::now()),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.connection.activity().blocked(Instant::now()),
        }
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buffer))?;
        Poll::Ready(this.report(&buffer.filled()[before..]))
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.report_write(&result);
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.stream).poll_write_vectored(cx, buffers);
        this.report_write(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
