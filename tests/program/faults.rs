//! What goes wrong in earnest: processes killed and frozen, a service that goes away, signals, hostile names, secrets.
//! Every test runs the real binary, on a stage of its own, and waits for what happens instead of sleeping.

#[cfg(target_os = "linux")]
mod clock_steps;
#[cfg(unix)]
mod database_away;
mod dead_server;
mod drain;
mod economy;
mod frozen_worker;
#[cfg(unix)]
mod full_disk;
#[cfg_attr(
    not(target_os = "linux"),
    allow(
        dead_code,
        unused_imports,
        reason = "a small disk is made on Linux alone"
    )
)]
mod full_disk_of_service;
#[cfg_attr(
    not(target_os = "linux"),
    allow(
        dead_code,
        unused_imports,
        reason = "a living process is told apart on Linux alone"
    )
)]
mod held;
mod held_session;
mod hostile_names;
mod hung_server;
mod killed_service;
mod killed_worker;
mod lease_holders;
mod lost_data;
mod lost_service;
mod matrix;
mod missing_records;
mod proxy_faults;
#[cfg(unix)]
mod replicas;
mod rerun;
mod retry;
#[cfg(unix)]
mod rolling_restart;
mod running_call;
mod secrets;
mod several_urls;
mod sick_worker;
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "there are containers on Linux alone")
)]
mod signal_orders;
mod slow_delivery;
mod starvation;
mod stopping;
mod time_limits;
mod warm_workers;
