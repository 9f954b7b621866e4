//! The kinds of an execution's history.

/// What happened to an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A lease was given.
    Reserved,
    /// A lease was revived after its end, or its length changed a lot.
    Heartbeat,
    /// A lease ended.
    Expired,
    /// The service, not the worker, was away: the lease was made longer by as much.
    Extended,
    /// The holder gave it back.
    Released,
    /// A result was counted.
    Finished,
    /// A result came for a lease that was lost; not counted.
    LateResult,
    /// A second, different result came for the same lease; not counted.
    OtherResult,
    /// An imported result became the verdict of what was finished without one; the detail says which import.
    Imported,
    /// Too many leases ended on it: given up.
    Abandoned,
    /// It was opened again; the detail holds the outcome until then.
    Reset,
    /// Its Squish server gave trouble and rests.
    ServerTrouble,
}

impl EventKind {
    /// The word for the wire and for the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Heartbeat => "heartbeat",
            Self::Expired => "expired",
            Self::Extended => "extended",
            Self::Released => "released",
            Self::Finished => "finished",
            Self::LateResult => "late-result",
            Self::OtherResult => "other-result",
            Self::Imported => "imported",
            Self::Abandoned => "abandoned",
            Self::Reset => "reset",
            Self::ServerTrouble => "server-trouble",
        }
    }
}

/// Whether a heartbeat is worth a line of history: the length of the lease changed by a power of two.
///
/// A plain extension is not: it says nothing but that the worker lives, there are thousands of them, and the time
/// it lived until is told by what comes next.
pub fn length_changed(before_ms: i64, after_ms: i64) -> bool {
    before_ms.max(1).ilog2() != after_ms.max(1).ilog2()
}
