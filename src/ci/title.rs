//! The part of a title that names a run, and its reading back.

use super::{Ci, CiSystem, Moment};
use crate::model::Timestamp;

/// Job, attempt and run as `GitHub Actions 123.1 gui`; outside of any CI the moment.
pub(super) fn run(ci: &Ci, moment: Moment) -> String {
    let system = ci.system;
    let Some(run) = &ci.run_id else {
        return format!("{system} {}-{:08x}", stamp(moment.time), moment.random);
    };
    let attempt = ci.run_attempt.as_ref();
    let attempt = attempt.map_or_else(String::new, |attempt| format!(".{attempt}"));
    // Jenkins counts the runs of each job, so that its job is in the run's id already.
    let job = ci.job.as_ref().filter(|_| system != CiSystem::Jenkins);
    let job = job.map_or_else(String::new, |job| format!(" {job}"));
    format!("{system} {run}{attempt}{job}")
}

/// Run id and attempt in GitHub Actions of what started a plan, if it has its default title.
pub fn started_by(title: &str) -> Option<(&str, u32)> {
    let opening = format!(" ({} ", CiSystem::GitHubActions);
    let (_, rest) = title.rsplit_once(&opening)?;
    let inside = rest.strip_suffix(')')?;
    let (run, rest) = inside.split_once('.')?;
    let attempt = rest.split(' ').next()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    (is_number(run) && is_number(attempt)).then_some(())?;
    Some((run, attempt.parse().ok()?))
}

/// A time as `20261122-145744`, in UTC.
fn stamp(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.0).map_or_else(
        |_| time.0.to_string(),
        |t| t.strftime("%Y%m%d-%H%M%S").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_title_says_who_started_the_plan() {
        let table = [
            ("Nightly (GitHub Actions 123.1)", Some(("123", 1))),
            ("Nightly (GitHub Actions 123.2 gui-2_x)", Some(("123", 2))),
            (
                "a (GitHub Actions 1.1) (GitHub Actions 23.4 x)",
                Some(("23", 4)),
            ),
            ("Nightly", None),
            ("Nightly (GitHub Actions 123)", None),
            ("Nightly (GitHub Actions 123.x)", None),
            ("Nightly (GitHub Actions 123.+1)", None),
            ("Nightly (GitHub Actions .1)", None),
            ("Nightly (GitHub Actions 123.99999999999)", None),
            ("Nightly (GitHub Actions 123.1", None),
            ("Nightly (GitHub Actions 123.1) again", None),
            ("Nightly (GitLab 123.1)", None),
            ("", None),
        ];
        for (title, expected) in table {
            assert_eq!(started_by(title), expected, "{title}");
        }
    }

    #[test]
    fn the_job_is_named_once() {
        let moment = Moment {
            time: Timestamp(0),
            random: 0,
        };
        let jenkins = Ci {
            system: CiSystem::Jenkins,
            run_id: Some("app/gui #77".to_owned()),
            job: Some("app/gui".to_owned()),
            ..Ci::default()
        };
        assert_eq!(run(&jenkins, moment), "Jenkins app/gui #77");
    }
}
