//! Default titles and batches of plans, and reading the run back from a title.

use serde_json::Value;

use super::ci_info::{Ci, CiSystem};
use crate::{model::Timestamp, text::short_commit};

/// Makes a title unique outside of a CI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The start of the run.
    pub time: Timestamp,
    /// A random number.
    pub random: u32,
}

impl Ci {
    /// The default title of a plan. It is unique per job, attempt and run, so that a retry finds a plan whose answer was lost.
    pub(crate) fn default_title(&self, template: &str, moment: Moment) -> String {
        format!("{template} ({})", run(self, moment))
    }

    /// The default batch of a plan: as unique as its title, and begins with branch and commit.
    pub(crate) fn default_batch(&self, template: &str, moment: Moment) -> String {
        let commit = self.commit.as_deref().map(short_commit);
        let tested = [self.branch.as_deref(), commit, Some(template)];
        let tested: Vec<&str> = tested.into_iter().flatten().collect();
        format!("{} ({})", tested.join(" "), run(self, moment))
    }
}

/// Run, attempt and job, such as `GitHub Actions 123.1 gui`; outside of a CI the moment.
fn run(ci: &Ci, moment: Moment) -> String {
    let system = ci.system;
    let Some(run) = &ci.run_id else {
        return format!("{system} {}-{:08x}", stamp(moment.time), moment.random);
    };
    let attempt = ci.run_attempt.as_ref();
    let attempt = attempt.map_or_else(String::new, |attempt| format!(".{attempt}"));
    // Jenkins counts the runs of each job, so the run's id has the job already.
    let job = ci.job.as_ref().filter(|_| system != CiSystem::Jenkins);
    let parts = [job, ci.matrix.as_ref(), ci.job_mark.as_ref()];
    let parts: String = parts
        .into_iter()
        .flatten()
        .flat_map(|part| [" ", part.as_str()])
        .collect();
    format!("{system} {run}{attempt}{parts}")
}

/// Most bytes of the values of a matrix in a title.
const LONGEST_MATRIX: usize = 80;

/// The values of a job's matrix, shortened, from the JSON of `toJSON(matrix)`. `None` for a job without a matrix.
pub(super) fn matrix(json: &str) -> Option<String> {
    let value: Value = serde_json::from_str(json).ok()?;
    let mut words = Vec::new();
    collect(&value, &mut words);
    let mut text = String::new();
    for word in words {
        let part = if text.is_empty() {
            word
        } else {
            format!(", {word}")
        };
        if text.len() + part.len() > LONGEST_MATRIX {
            // The part that is cut off may be the one that differs.
            return Some(format!("{text} {}", mark(json)).trim_start().to_owned());
        }
        text.push_str(&part);
    }
    (!text.is_empty()).then_some(text)
}

fn collect(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => words.push(truth.to_string()),
        Value::Number(number) => words.push(number.to_string()),
        // Parentheses and blanks delimit the parts of a title.
        Value::String(text) => {
            let plain = |c: char| {
                if c.is_control() || "()".contains(c) {
                    '_'
                } else {
                    c
                }
            };
            words.push(text.chars().map(plain).collect());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Value::Object(entries) => entries.values().for_each(|item| collect(item, words)),
    }
}

/// Six characters that differ where a text does: FNV-1a, for names alone.
pub(super) fn mark(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{:06x}", (hash ^ (hash >> 24) ^ (hash >> 48)) & 0xff_ffff)
}

/// Run id and attempt of the GitHub Actions run that started a plan, from its default title.
pub(crate) fn started_by(title: &str) -> Option<(&str, u32)> {
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

    const MOMENT: Moment = Moment {
        time: Timestamp(1_795_359_464_000),
        random: 0xbeef,
    };

    fn github(attempt: &str) -> Ci {
        Ci {
            system: CiSystem::GitHubActions,
            commit: Some("11c02e5a9f0b".to_owned()),
            branch: Some("main".to_owned()),
            run_id: Some("123".to_owned()),
            run_attempt: Some(attempt.to_owned()),
            ..Ci::default()
        }
    }

    #[test]
    fn two_jobs_of_a_run_have_plans_of_their_own() {
        let ci = Ci {
            job: Some("gui".to_owned()),
            ..github("1")
        };
        let title = ci.default_title("Nightly", MOMENT);
        assert_eq!(title, "Nightly (GitHub Actions 123.1 gui)");
        assert_eq!(started_by(&title), Some(("123", 1)));
    }

    #[test]
    fn names_a_plan_after_run_and_attempt() {
        let ci = github("1");
        assert_eq!(
            ci.default_title("Nightly", MOMENT),
            "Nightly (GitHub Actions 123.1)"
        );
        assert_eq!(
            ci.default_batch("Nightly", MOMENT),
            "main 11c02e5a9f Nightly (GitHub Actions 123.1)"
        );
        let later = Moment {
            time: Timestamp(0),
            random: 1,
        };
        assert_eq!(
            ci.default_title("Nightly", later),
            ci.default_title("Nightly", MOMENT)
        );
        assert_ne!(
            ci.default_title("Nightly", MOMENT),
            github("2").default_title("Nightly", MOMENT)
        );
        assert_ne!(
            ci.default_title("Nightly", MOMENT),
            ci.default_title("Daily", MOMENT)
        );
    }

    #[test]
    fn names_a_plan_after_the_moment_outside_ci() {
        let ci = Ci::default();
        let title = ci.default_title("Nightly", MOMENT);
        assert_eq!(title, "Nightly (local 20261122-145744-0000beef)");
        assert_eq!(ci.default_batch("Nightly", MOMENT), title);
        let other = Moment {
            random: 1,
            ..MOMENT
        };
        assert_ne!(title, ci.default_title("Nightly", other));
        let never = Moment {
            time: Timestamp(i64::MAX),
            ..MOMENT
        };
        assert!(
            ci.default_title("Nightly", never)
                .contains(&i64::MAX.to_string())
        );
    }

    #[test]
    fn default_title_names_run_and_attempt() {
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
    fn jobs_of_a_matrix_have_titles_of_their_own() {
        let title = |matrix_json: &str, tracking: Option<&str>| {
            let ci = Ci {
                system: CiSystem::GitHubActions,
                run_id: Some("77".to_owned()),
                run_attempt: Some("2".to_owned()),
                job: Some("gui".to_owned()),
                matrix: matrix(matrix_json),
                job_mark: tracking.map(mark),
                ..Ci::default()
            };
            let moment = Moment {
                time: Timestamp(0),
                random: 0,
            };
            let title = ci.default_title("T", moment);
            assert_eq!(started_by(&title), Some(("77", 2)), "{title}");
            title
        };
        assert_eq!(title("null", None), "T (GitHub Actions 77.2 gui)");
        assert_eq!(title("", None), title("{}", None));
        let linux =
            r#"{ "os": "ubuntu", "browser": { "name": "chrome", "version": 99 }, "x": [true] }"#;
        assert_eq!(
            title(linux, None),
            "T (GitHub Actions 77.2 gui chrome, 99, ubuntu, true)"
        );
        let evil = r#"{ "a": "x (GitHub Actions 1.1)\n" }"#;
        assert_eq!(
            title(evil, None),
            "T (GitHub Actions 77.2 gui x _GitHub Actions 1.1__)"
        );
        // Values that differ after the cut, and two jobs of one reusable workflow.
        let long = |end: &str| format!(r#"{{ "a": "{}", "b": "{end}" }}"#, "x".repeat(100));
        assert_ne!(title(&long("1"), None), title(&long("2"), None));
        assert!(title(&long("1"), None).len() < 150);
        assert_ne!(
            title("null", Some("github_1")),
            title("null", Some("github_2"))
        );
        assert_eq!(
            title("null", Some("github_1")),
            title("null", Some("github_1"))
        );
    }

    #[test]
    fn jenkins_job_is_named_once() {
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
