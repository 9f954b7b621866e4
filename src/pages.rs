//! The pages of the service for people: facts of the wire → the content of a page → HTML or JSON. Pure.
//!
//! A page is complete without JavaScript. Its content is a value that serialises to the `.json` beside the page, so both say the
//! same. The parts of a plan's page are named; a live stream sends those that changed ([`LiveParts`]). Markup, marks and style
//! are those of the HTML report.

mod assets;
mod attempt_cards;
mod audit_page;
mod badge;
mod capability_table;
mod confirm_page;
mod event_words;
mod execution_page;
mod execution_table;
mod finish_time;
mod health_page;
mod layout;
mod lease_events;
mod live_parts;
mod login_page;
mod message_page;
mod page_state;
mod plan_comparison;
mod plan_counts;
mod plan_list;
mod plan_page;
mod plan_summary;
mod problem_groups;
mod run_strip;
mod server_page;
mod site;
mod test_choice;
mod test_list;
mod test_pace;
mod test_page;
mod test_runs;
mod worker_lanes;
mod worker_table;

pub(crate) use assets::{ASSETS, Asset};
pub(crate) use audit_page::AuditPage;
pub(crate) use badge::Badge;
pub(crate) use confirm_page::{ConfirmForm, ConfirmPage};
pub(crate) use execution_page::ExecutionPage;
pub(crate) use execution_table::{ListedExecutions, ListedState};
pub(crate) use finish_time::{Fleet, Load, predict};
pub(crate) use health_page::HealthPage;
pub(crate) use live_parts::LiveParts;
pub(crate) use login_page::LoginPage;
pub(crate) use message_page::MessagePage;
pub(crate) use page_state::PlanState;
pub(crate) use plan_comparison::PlanComparison;
pub(crate) use plan_list::PlanListPage;
pub(crate) use plan_page::{PlanInput, PlanPage};
pub(crate) use plan_summary::{PlanFacts, PlanSummary};
pub(crate) use server_page::ServerPage;
pub(crate) use site::{Site, percent_encoded};
pub(crate) use test_choice::{
    ShownTests, TestListQuery, TestOrder, choose as choose_tests, listed as listed_test,
};
pub(crate) use test_list::{TemplateChoice, TestListPage};
pub(crate) use test_pace::{PlanResult, TestPace};
pub(crate) use test_page::{TestInput, TestPage};
pub(crate) use worker_lanes::{LiveWorker, RunningTest};
pub(crate) use worker_table::MAX_WORKERS as MAX_LISTED_WORKERS;
