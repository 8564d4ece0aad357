//! The faults: a file for each, or for a few that are alike.

use crate::{Result, case::Case, database::Kind, site::Setup};

mod clock;
mod disk_full;
mod erasure;
mod kill;
mod leaving;
mod malformed;
mod outage;
mod overload;
mod pause;
mod record_shape;
mod rolling;
mod rude_clients;
mod sign_in_races;
mod slow_database;
mod stop;
mod two_replicas;

/// Where a fault is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct On {
    pub kind: Kind,
    pub replicas: usize,
    /// Whether the short version tries the fault there.
    pub in_short: bool,
}

/// A fault. `ALL` has the order of their value: what happens most often comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Leaving,
    SignInRaces,
    Kill,
    Outage,
    Stop,
    Malformed,
    RudeClients,
    ManyConnections,
    DiskFull,
    SlowDatabase,
    Pause,
    RollingRestart,
    RollingUpgrade,
    SignOutElsewhere,
    StartTogether,
    RecordShape,
    Overload,
    Clock,
    Erasure,
}

impl Fault {
    pub const ALL: [Self; 19] = [
        Self::Leaving,
        Self::SignInRaces,
        Self::Kill,
        Self::Outage,
        Self::Stop,
        Self::Malformed,
        Self::RudeClients,
        Self::ManyConnections,
        Self::DiskFull,
        Self::SlowDatabase,
        Self::Pause,
        Self::RollingRestart,
        Self::RollingUpgrade,
        Self::SignOutElsewhere,
        Self::StartTogether,
        Self::RecordShape,
        Self::Overload,
        Self::Clock,
        Self::Erasure,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Leaving => "leaving",
            Self::SignInRaces => "sign-in-races",
            Self::Kill => "kill",
            Self::Outage => "outage",
            Self::Stop => "stop",
            Self::Malformed => "malformed",
            Self::RudeClients => "rude-clients",
            Self::ManyConnections => "many-connections",
            Self::DiskFull => "disk-full",
            Self::SlowDatabase => "slow-database",
            Self::Pause => "pause",
            Self::RollingRestart => "rolling-restart",
            Self::RollingUpgrade => "rolling-upgrade",
            Self::SignOutElsewhere => "sign-out-elsewhere",
            Self::StartTogether => "start-together",
            Self::RecordShape => "record-shape",
            Self::Overload => "overload",
            Self::Clock => "clock",
            Self::Erasure => "erasure",
        }
    }

    pub fn places(self) -> Vec<On> {
        let sqlite = |in_short| On { kind: Kind::Sqlite, replicas: 1, in_short };
        let postgres = |replicas, in_short| On { kind: Kind::Postgres, replicas, in_short };
        match self {
            Self::Leaving | Self::SignInRaces | Self::Kill => vec![sqlite(true), postgres(1, false), postgres(2, true)],
            Self::Outage | Self::Stop => vec![sqlite(true), postgres(1, true), postgres(2, false)],
            Self::DiskFull => vec![sqlite(true), postgres(1, false)],
            Self::Malformed | Self::RecordShape => vec![sqlite(true), postgres(1, false)],
            Self::RudeClients => vec![sqlite(true), postgres(2, false)],
            Self::ManyConnections => vec![sqlite(false)],
            Self::SlowDatabase => vec![postgres(1, true), postgres(2, false)],
            Self::Pause => vec![sqlite(true), postgres(1, false), postgres(2, false)],
            Self::RollingUpgrade => vec![sqlite(false), postgres(2, true)],
            Self::RollingRestart | Self::SignOutElsewhere => vec![postgres(2, true)],
            Self::StartTogether => vec![postgres(2, true)],
            Self::Clock => vec![postgres(2, true)],
            Self::Overload | Self::Erasure => vec![sqlite(false), postgres(1, false)],
        }
    }

    /// Returns how the fault's servers are started.
    pub fn setup(self) -> Setup {
        let files = (self == Self::RudeClients).then_some(rude_clients::FILES);
        Setup { files, ..Setup::default() }
    }

    pub async fn run(self, case: &mut Case<'_>) -> Result<()> {
        match self {
            Self::Leaving => leaving::run(case).await,
            Self::SignInRaces => sign_in_races::run(case).await,
            Self::Kill => kill::run(case).await,
            Self::Outage => outage::run(case).await,
            Self::Stop => stop::run(case).await,
            Self::Malformed => malformed::run(case).await,
            Self::RudeClients => rude_clients::run(case).await,
            Self::ManyConnections => rude_clients::many(case).await,
            Self::DiskFull => disk_full::run(case).await,
            Self::SlowDatabase => slow_database::run(case).await,
            Self::Pause => pause::run(case).await,
            Self::RollingRestart => rolling::restart(case).await,
            Self::RollingUpgrade => rolling::upgrade(case).await,
            Self::SignOutElsewhere => two_replicas::sign_out_elsewhere(case).await,
            Self::StartTogether => two_replicas::start_together(case).await,
            Self::RecordShape => record_shape::run(case).await,
            Self::Overload => overload::run(case).await,
            Self::Clock => clock::run(case).await,
            Self::Erasure => erasure::run(case).await,
        }
    }
}
