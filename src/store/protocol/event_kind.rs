//! The kinds of events in the history of an execution.

/// What happened to an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// It was reserved.
    Reserved,
    /// A lease was revived after its end, or its length changed a lot.
    Heartbeat,
    /// Its lease expired.
    Expired,
    /// The service was down: the lease was extended by that time.
    Extended,
    /// The holder released it.
    Released,
    /// The holder released it because it could not start it; the detail says why.
    NotStarted,
    /// Nobody could start it.
    Unstartable,
    /// A result was counted.
    Finished,
    /// A result for a lost lease; not counted.
    LateResult,
    /// A second, different result for the same lease; not counted.
    OtherResult,
    /// An imported result became its verdict; the detail names the import.
    Imported,
    /// Too many leases expired on it.
    Abandoned,
    /// It was opened again; the detail holds its former outcome.
    Reset,
    /// Its Squish server gave trouble and cools down.
    ServerTrouble,
    /// A cancel of its plan ended it.
    Cancelled,
    /// Its plan was cancelled; an event of the plan and of no execution.
    PlanCancelled,
    /// A person ended its lease, not the holder.
    Revoked,
}

impl EventKind {
    /// All kinds.
    #[cfg(test)]
    pub(crate) const EACH: [Self; 17] = [
        Self::Reserved,
        Self::Heartbeat,
        Self::Expired,
        Self::Extended,
        Self::Released,
        Self::NotStarted,
        Self::Unstartable,
        Self::Finished,
        Self::LateResult,
        Self::OtherResult,
        Self::Imported,
        Self::Abandoned,
        Self::Reset,
        Self::ServerTrouble,
        Self::Cancelled,
        Self::PlanCancelled,
        Self::Revoked,
    ];

    /// The word for the wire and for the database.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Heartbeat => "heartbeat",
            Self::Expired => "expired",
            Self::Extended => "extended",
            Self::Released => "released",
            Self::NotStarted => "not-started",
            Self::Unstartable => "unstartable",
            Self::Finished => "finished",
            Self::LateResult => "late-result",
            Self::OtherResult => "other-result",
            Self::Imported => "imported",
            Self::Abandoned => "abandoned",
            Self::Reset => "reset",
            Self::ServerTrouble => "server-trouble",
            Self::Cancelled => "cancelled",
            Self::PlanCancelled => "plan-cancelled",
            Self::Revoked => "revoked",
        }
    }
}

/// Whether a heartbeat gets an event: the length of the lease changed by a power of two.
///
/// A plain renewal gets none: there are thousands of them, and the next event shows how long the worker lived.
pub(crate) fn length_changed(before_ms: i64, after_ms: i64) -> bool {
    before_ms.max(1).ilog2() != after_ms.max(1).ilog2()
}
