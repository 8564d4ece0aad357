//! Work on a thread of its own, to which the system gives less time than to requests.

use tokio::{runtime, sync::oneshot};

use crate::db::Error;

/// The niceness of the thread. While requests keep all cores busy, the thread gets about a tenth of one core.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Does some work. Threads that the work starts, such as SQLite's, are as nice.
pub(super) async fn run<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let (sender, result) = oneshot::channel();
    let thread = move || {
        // On Linux a thread has a niceness of its own. Elsewhere the call would apply to the whole process.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(None, NICE) {
            tracing::debug!(%error, "reading facts has the priority of requests");
        }
        if let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() {
            // Whoever waited may be gone.
            drop(sender.send(runtime.block_on(work())));
        }
    };
    std::thread::Builder::new().name("facts".to_owned()).spawn(thread).map_err(|_| Error::cancelled())?;
    result.await.map_err(|_| Error::cancelled())
}
