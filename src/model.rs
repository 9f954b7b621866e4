//! The words of the domain as types: pure values without I/O, clock or async.
//!
//! Everything else in the crate speaks in these. Quirks of the vendor's wire format live in [`crate::api`].

pub mod annotation;
pub mod capability;
pub mod case_counts;
mod commit;
mod day;
pub mod discovery;
pub mod ids;
pub mod label;
pub mod lease_token;
pub mod outcome;
pub mod plan;
pub mod plan_origin;
pub mod plan_waiting;
pub mod record;
pub mod run_end;
pub mod selection;
pub mod squish_registry;
pub mod test_list;
mod test_pattern;
pub mod time;
pub mod verdict_policy;

pub use annotation::{Annotation, AnnotationLevel};
pub use capability::{Capabilities, Capability, LabelCase};
pub use case_counts::CaseCounts;
pub use commit::short_commit;
pub use day::Day;
pub use discovery::{DiscoveryAccount, LeftOut};
pub use ids::{ExecutionId, PlanId, SquishServerId, TestId};
pub use label::{Label, NotALabel};
pub use lease_token::LeaseToken;
pub use outcome::{CaseResult, EARLIER_TRY, Outcome, ServerTrouble, TestResult, TestVerdict};
pub use plan::{Execution, ExecutionState, Plan, PlanKind, PlanStatus, Test};
pub use plan_origin::PlanOrigin;
pub use plan_waiting::{Lack, Need, Offer, PartialKnowledge, PlanWaiting};
pub use record::Record;
pub use run_end::RunEnd;
pub use selection::Selection;
pub use squish_registry::{
    Cooling, CoolingReason, NewSquishServer, NotAPort, Port, SquishServer, SquishServerChange,
};
pub use test_list::{PlannedTest, TestListDigest};
pub use test_pattern::TestPattern;
pub use time::{Timestamp, millis, signed_millis};
pub use verdict_policy::{
    FlakyPolicy, FlakyRule, FlakyVerdict, Quarantine, QuarantineEntry, VerdictPolicy,
};
