use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{Mutex, Semaphore, watch},
    time::timeout_at,
};

use super::{
    Facts, NoFacts,
    changes::{self, Position, Since},
    load, load_all,
    on_disk::SnapshotFile,
};
use crate::db::{Db, Error};

/// How long a page waits for facts that are being loaded. Afterwards the page shows how far they are.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often facts are brought up to date while reports are asked for, so that no report has to read much.
const CATCH_UP_EVERY: Duration = Duration::from_secs(1);
/// How long no report loads facts again that are too large.
const TOO_LARGE_FOR: Duration = Duration::from_secs(60);
/// How long no report loads facts again after another error. Every report that waited gets this error.
const FAILED_FOR: Duration = Duration::from_millis(100);
/// How often the snapshot file is written while reports are asked for.
const WRITE_EVERY: Duration = Duration::from_mins(10);
/// How often somebody looks whether the snapshot file holds what the database no longer may.
const TIDY_EVERY: Duration = Duration::from_mins(1);

/// How facts are kept.
#[derive(Clone, Debug)]
pub struct KeeperSettings {
    /// The most bytes that facts may take.
    pub memory: usize,
    /// Facts are dropped after this time without a question.
    pub idle: Duration,
    /// The snapshot file, if there is to be one.
    pub file: Option<PathBuf>,
}

/// Keeps the facts of a process. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct FactsKeeper(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    settings: KeeperSettings,
    file: SnapshotFile,
    state: Mutex<State>,
    /// One report counts at a time, because a report uses all cores.
    counting: Semaphore,
    started: Instant,
    /// When facts were last asked for, in milliseconds since `started`.
    asked: AtomicU64,
}

#[derive(Debug)]
enum State {
    Empty,
    Loading(watch::Receiver<Progress>),
    Ready(Copy),
    /// Loading failed, and is not tried again until this time.
    Failed(NoFacts, Instant),
}

/// How many touches were read, and about how many there are. The sender is dropped when loading ends, however it ends.
type Progress = (usize, usize);

/// Facts, and the changes that they have seen.
#[derive(Debug)]
struct Copy {
    facts: Arc<Facts>,
    position: Position,
    /// The position of the facts in the snapshot file.
    written: Option<Position>,
    written_at: Instant,
    /// When these facts were loaded, which tells them from facts that were loaded later.
    loaded_at: Instant,
}

impl Copy {
    fn new(facts: Facts, position: Position, written: Option<Position>) -> Self {
        let now = Instant::now();
        Self { facts: Arc::new(facts), position, written, written_at: now, loaded_at: now }
    }
}

impl FactsKeeper {
    pub fn new(db: Db, settings: KeeperSettings) -> Self {
        Self(Arc::new(Inner {
            db,
            file: SnapshotFile(settings.file.clone()),
            settings,
            state: Mutex::new(State::Empty),
            counting: Semaphore::new(1),
            started: Instant::now(),
            asked: AtomicU64::new(0),
        }))
    }

    /// Returns the database that the facts are read from.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// Returns the facts with every change that was committed before the call. Loads the facts if there are none.
    ///
    /// A page does not wait long for facts that are being loaded: it shows how far they are.
    pub async fn facts(&self) -> Result<Arc<Facts>, NoFacts> {
        self.facts_within(PATIENCE).await
    }

    /// Does what [`facts`](Self::facts) does, and waits longer for facts that are being loaded.
    pub async fn facts_within(&self, patience: Duration) -> Result<Arc<Facts>, NoFacts> {
        self.0.note_question();
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let keeper = self.clone();
            // In another task, because a caller that goes away would take the connection's transaction along.
            let step = tokio::spawn(async move { keeper.step().await });
            let mut loading = match step.await.map_err(|_| Error::cancelled())?? {
                Step::Facts(facts) => return Ok(facts),
                Step::Loading(loading) => loading,
            };
            let ended = async { while loading.changed().await.is_ok() {} };
            if timeout_at(deadline, ended).await.is_err() {
                let (read, total) = *loading.borrow();
                return Err(NoFacts::Loading { read, total });
            }
        }
    }

    /// Counts with facts, on a thread where counting keeps no request waiting.
    pub async fn count<T: Send + 'static>(
        &self,
        facts: Arc<Facts>,
        count: impl FnOnce(&Facts) -> T + Send + 'static,
    ) -> Result<T, NoFacts> {
        // The semaphore is never closed.
        let _permit = self.0.counting.acquire().await.map_err(|_| Error::cancelled())?;
        let counted = tokio::task::spawn_blocking(move || count(&facts)).await;
        Ok(counted.map_err(|_| Error::cancelled())?)
    }

    /// Returns whether there are facts in memory.
    #[cfg(test)]
    pub async fn has_facts(&self) -> bool {
        matches!(*self.0.state.lock().await, State::Ready(_))
    }

    async fn step(&self) -> Result<Step, NoFacts> {
        let mut state = self.0.state.lock().await;
        match &mut *state {
            State::Ready(copy) => match catch_up(&self.0.db, copy).await? {
                true => return Ok(Step::Facts(copy.facts.clone())),
                false => tracing::info!("reports load their facts anew, because too much has changed"),
            },
            State::Loading(loading) if loading.has_changed().is_ok() => return Ok(Step::Loading(loading.clone())),
            State::Failed(error, until) if Instant::now() < *until => return Err(error.clone()),
            State::Empty | State::Loading(_) | State::Failed(..) => {}
        }
        let (sender, loading) = watch::channel((0, 0));
        *state = State::Loading(loading.clone());
        tokio::spawn(self.clone().load(sender));
        Ok(Step::Loading(loading))
    }

    /// Loads the facts, then keeps them up to date until nobody asks for them.
    async fn load(self, progress: watch::Sender<Progress>) {
        let begin = Instant::now();
        metrics::counter!("waymark_facts_loads_total").increment(1);
        let loaded = self.read_all(&progress).await;
        let mut state = self.0.state.lock().await;
        let copy = match loaded {
            Ok(copy) => copy,
            Err(error) => {
                tracing::error!(%error, "facts could not be loaded");
                let wait = if let NoFacts::TooLarge { .. } = error { TOO_LARGE_FOR } else { FAILED_FOR };
                *state = State::Failed(error, Instant::now() + wait);
                return;
            }
        };
        let (counts, bytes) = (copy.facts.counts(), copy.facts.bytes());
        let seconds = begin.elapsed().as_secs_f64();
        tracing::info!(touches = counts.touches, persons = counts.persons, bytes, seconds, "facts loaded");
        let loaded_at = copy.loaded_at;
        *state = State::Ready(copy);
        drop((state, progress));
        // A first file, so that a process that is killed has one.
        self.write().await;
        self.keep(loaded_at).await;
    }

    async fn read_all(&self, progress: &watch::Sender<Progress>) -> Result<Copy, NoFacts> {
        let db = &self.0.db;
        if let Some((facts, position)) = self.0.file.open(db).await {
            let mut copy = Copy::new(facts, position.clone(), Some(position));
            if catch_up(db, &mut copy).await? {
                return Ok(copy);
            }
        }
        let position = changes::now(&mut db.read_for_report().await?).await?;
        let progress = progress.clone();
        let report = move |read, total| progress.send_modify(|known| *known = (read, total));
        let facts = load_all::all(db, self.0.settings.memory, report).await?;
        Ok(Copy::new(facts, position, None))
    }

    /// Writes the snapshot file, unless the file has these facts already. Reports are answered meanwhile.
    async fn write(&self) {
        let (facts, position) = match &mut *self.0.state.lock().await {
            State::Ready(copy) if copy.written.as_ref() == Some(&copy.position) => {
                copy.written_at = Instant::now();
                return;
            }
            State::Ready(copy) => (copy.facts.clone(), copy.position.clone()),
            _ => return,
        };
        self.0.file.write(&self.0.db, facts, position.clone(), self.0.db.now()).await;
        if let State::Ready(copy) = &mut *self.0.state.lock().await {
            copy.written = Some(position);
            copy.written_at = Instant::now();
        }
    }

    /// Writes the snapshot file before the process ends.
    pub async fn stop(&self) {
        self.write().await;
        *self.0.state.lock().await = State::Empty;
    }

    /// Removes the snapshot file when it holds what the database no longer may, or writes it again. Runs until the process ends.
    pub async fn tidy(self) {
        loop {
            match self.0.file.is_stale(&self.0.db).await {
                Ok(false) => {}
                Ok(true) => {
                    self.0.file.remove();
                    if let State::Ready(copy) = &mut *self.0.state.lock().await {
                        copy.written = None;
                    }
                }
                Err(error) => tracing::warn!(%error, "the snapshot of the facts could not be checked"),
            }
            tokio::time::sleep(TIDY_EVERY).await;
        }
    }

    /// Brings facts up to date again and again. Returns when they were dropped, or loaded anew.
    async fn keep(&self, loaded_at: Instant) {
        loop {
            tokio::time::sleep(CATCH_UP_EVERY).await;
            if self.0.idle() > self.0.settings.idle {
                self.write().await;
                break self.drop_facts().await;
            }
            let mut state = self.0.state.lock().await;
            let copy = match &mut *state {
                State::Ready(copy) if copy.loaded_at == loaded_at => copy,
                _ => return,
            };
            let caught_up = catch_up(&self.0.db, copy).await;
            let (bytes, written_at) = (copy.facts.bytes(), copy.written_at);
            drop(state);
            metrics::gauge!("waymark_facts_bytes").set(bytes as f64);
            match caught_up {
                // The next question loads them, or says that they are too large.
                Ok(false) => break self.drop_facts().await,
                Ok(true) if bytes > self.0.settings.memory => break self.drop_facts().await,
                Ok(true) if written_at.elapsed() > WRITE_EVERY => self.write().await,
                Ok(true) => {}
                Err(error) => tracing::debug!(%error, "facts could not be brought up to date"),
            }
        }
    }

    async fn drop_facts(&self) {
        *self.0.state.lock().await = State::Empty;
        metrics::gauge!("waymark_facts_bytes").set(0.0);
    }
}

enum Step {
    Facts(Arc<Facts>),
    Loading(watch::Receiver<Progress>),
}

impl Inner {
    fn note_question(&self) {
        self.asked.store(self.started.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    /// Returns the time since the last question.
    fn idle(&self) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_millis(self.asked.load(Ordering::Relaxed)))
    }
}

/// Brings facts up to date. Returns false if the facts have to be loaded anew.
async fn catch_up(db: &Db, copy: &mut Copy) -> Result<bool, Error> {
    let begin = Instant::now();
    let mut snapshot = db.read_snapshot().await?;
    let conn = snapshot.conn()?;
    let Since::Changed(changes, position) = changes::since(conn, &copy.position).await? else {
        snapshot.end().await?;
        return Ok(false);
    };
    if !changes.is_empty() {
        load::changed(conn, Arc::make_mut(&mut copy.facts), &changes).await?;
    }
    copy.position = position;
    snapshot.end().await?;
    metrics::histogram!("waymark_facts_catch_up_seconds").record(begin.elapsed());
    Ok(true)
}
