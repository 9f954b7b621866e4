//! Reads the variables of each CI. The first CI whose variables are set wins, because one may run inside another.

use serde_json::Value;

use super::{
    ci_info::{Ci, CiSystem},
    github_event, title,
    variables::Lookup,
};

/// The matrix of a job of GitHub Actions as JSON; the action sets it.
const MATRIX: &str = "TESTPLAN_JOB_MATRIX";
/// The number of a job of GitHub Actions on the page of its run; the action sets it.
const JOB_ID: &str = "TESTPLAN_JOB_ID";

impl Ci {
    /// Reads the variables that the CIs set, and in GitHub Actions the event. `lookup` gives `None` for absent and for
    /// empty variables. `payload` is the content of `GITHUB_EVENT_PATH`, if it can be read; `head` the commit that is
    /// checked out, if it is known.
    pub(crate) fn with_event(
        lookup: impl Fn(&str) -> Option<String>,
        payload: Option<&Value>,
        head: Option<&str>,
    ) -> Self {
        let ci = detect(&lookup);
        if ci.system != CiSystem::GitHubActions {
            return ci;
        }
        let facts = github_event::facts(&lookup, payload, head);
        Self {
            commit: facts.tested,
            report_on: facts.report_on,
            merge: facts.merge,
            branch: facts.branch,
            pull_request: facts.pull_request,
            read_only: facts.read_only,
            event_warnings: facts.warnings,
            ..ci
        }
    }
}

fn detect(get: Lookup<'_>) -> Ci {
    let on = |name: &str| get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let mut ci = if on("GITHUB_ACTIONS") {
        github(get)
    } else if on("GITLAB_CI") {
        gitlab(get)
    } else if on("TF_BUILD") {
        azure(get)
    } else if on("BUILDKITE") {
        buildkite(get)
    } else if on("CIRCLECI") {
        circleci(get)
    } else if get("JENKINS_URL").is_some() && get("BUILD_NUMBER").is_some() {
        jenkins(get)
    } else {
        Ci::default()
    };
    // Buildkite sets HEAD until it has checked out, and people set anything by hand.
    ci.commit = ci.commit.filter(|commit| github_event::is_hash(commit));
    ci.report_on = ci.commit.clone();
    ci.job_url = ci.job_url.or_else(|| ci.run_url.clone());
    ci
}

/// A re-run keeps the run's id and counts its attempts.
fn github(get: Lookup<'_>) -> Ci {
    let run_id = get("GITHUB_RUN_ID");
    let run_attempt = get("GITHUB_RUN_ATTEMPT");
    let url = || {
        let (server, repository) = (get("GITHUB_SERVER_URL")?, get("GITHUB_REPOSITORY")?);
        let run = format!("{server}/{repository}/actions/runs/{}", run_id.as_ref()?);
        Some(match &run_attempt {
            Some(attempt) => format!("{run}/attempts/{attempt}"),
            None => run,
        })
    };
    let job_url = || {
        let run = url()?;
        let run = run.split("/attempts/").next()?;
        let id = get(JOB_ID).filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()))?;
        Some(format!("{run}/job/{id}"))
    };
    Ci {
        system: CiSystem::GitHubActions,
        job_url: job_url(),
        commit: get("GITHUB_SHA"),
        branch: github_event::branch(get),
        job: get("GITHUB_JOB"),
        matrix: get(MATRIX).and_then(|json| title::matrix(&json)),
        job_mark: get("RUNNER_TRACKING_ID").map(|id| title::mark(&id)),
        run_url: url(),
        author: get("GITHUB_ACTOR"),
        run_id,
        run_attempt,
        ..Ci::default()
    }
}

/// A retried job keeps the pipeline's id and gets a new id of its own, which is its attempt.
fn gitlab(get: Lookup<'_>) -> Ci {
    Ci {
        system: CiSystem::GitLab,
        commit: get("CI_COMMIT_SHA"),
        branch: get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME").or_else(|| get("CI_COMMIT_BRANCH")),
        run_id: get("CI_PIPELINE_ID"),
        run_attempt: get("CI_JOB_ID"),
        job: get("CI_JOB_NAME"),
        run_url: get("CI_PIPELINE_URL"),
        job_url: get("CI_JOB_URL"),
        author: get("GITLAB_USER_NAME").or_else(|| get("GITLAB_USER_LOGIN")),
        ..Ci::default()
    }
}

/// A re-run of a stage or of a job keeps the build's id.
fn azure(get: Lookup<'_>) -> Ci {
    let run_id = get("BUILD_BUILDID");
    let url = || {
        let (collection, project) = (get("SYSTEM_COLLECTIONURI")?, get("SYSTEM_TEAMPROJECT")?);
        let collection = collection.trim_end_matches('/').to_owned();
        let project = project.replace('%', "%25").replace(' ', "%20");
        let run = run_id.as_ref()?;
        Some(format!(
            "{collection}/{project}/_build/results?buildId={run}"
        ))
    };
    Ci {
        system: CiSystem::AzurePipelines,
        commit: get("BUILD_SOURCEVERSION"),
        branch: get("SYSTEM_PULLREQUEST_SOURCEBRANCH")
            .map(|branch| branch.trim_start_matches("refs/heads/").to_owned())
            .or_else(|| {
                Some(
                    get("BUILD_SOURCEBRANCH")?
                        .strip_prefix("refs/heads/")?
                        .to_owned(),
                )
            }),
        run_attempt: get("SYSTEM_STAGEATTEMPT")
            .zip(get("SYSTEM_JOBATTEMPT"))
            .map(|(stage, job)| format!("{stage}.{job}")),
        job: get("SYSTEM_JOBNAME"),
        // The agent names jobs of a matrix by their entry, and those of `parallel` by their number.
        matrix: get("AGENT_JOBNAME").filter(|name| Some(name) != get("SYSTEM_JOBNAME").as_ref()),
        run_url: url(),
        job_url: url()
            .zip(get("SYSTEM_JOBID"))
            .map(|(run, job)| format!("{run}&view=logs&j={job}")),
        author: get("BUILD_REQUESTEDFOR"),
        run_id,
        ..Ci::default()
    }
}

/// A retried job keeps the build's id and counts its retries.
fn buildkite(get: Lookup<'_>) -> Ci {
    Ci {
        system: CiSystem::Buildkite,
        commit: get("BUILDKITE_COMMIT"),
        branch: get("BUILDKITE_BRANCH").filter(|_| get("BUILDKITE_TAG").is_none()),
        run_id: get("BUILDKITE_BUILD_ID"),
        run_attempt: get("BUILDKITE_RETRY_COUNT"),
        // The label of a matrix job has its values, its key has not.
        job: get("BUILDKITE_LABEL").or_else(|| get("BUILDKITE_STEP_KEY")),
        matrix: get("BUILDKITE_PARALLEL_JOB"),
        run_url: get("BUILDKITE_BUILD_URL"),
        job_url: get("BUILDKITE_BUILD_URL")
            .zip(get("BUILDKITE_JOB_ID"))
            .map(|(run, job)| format!("{run}#{job}")),
        author: get("BUILDKITE_BUILD_AUTHOR").or_else(|| get("BUILDKITE_BUILD_CREATOR")),
        ..Ci::default()
    }
}

/// A re-run is a new workflow with an id of its own.
fn circleci(get: Lookup<'_>) -> Ci {
    Ci {
        system: CiSystem::CircleCi,
        commit: get("CIRCLE_SHA1"),
        branch: get("CIRCLE_BRANCH"),
        run_id: get("CIRCLE_WORKFLOW_ID"),
        run_attempt: None,
        job: get("CIRCLE_JOB"),
        matrix: get("CIRCLE_NODE_INDEX")
            .filter(|_| get("CIRCLE_NODE_TOTAL") != Some("1".to_owned())),
        run_url: get("CIRCLE_BUILD_URL"),
        author: get("CIRCLE_USERNAME"),
        ..Ci::default()
    }
}

/// A re-run is a new build. Build numbers are unique within a job only, so the run's id has both.
fn jenkins(get: Lookup<'_>) -> Ci {
    let local = |branch: String| {
        branch
            .strip_prefix("origin/")
            .map(str::to_owned)
            .unwrap_or(branch)
    };
    Ci {
        system: CiSystem::Jenkins,
        commit: get("GIT_COMMIT"),
        branch: get("CHANGE_BRANCH")
            .or_else(|| get("BRANCH_NAME").filter(|_| get("TAG_NAME").is_none()))
            .or_else(|| {
                get("GIT_BRANCH")
                    .filter(|_| get("TAG_NAME").is_none())
                    .map(local)
            }),
        run_id: get("BUILD_NUMBER").map(|number| match get("JOB_NAME") {
            Some(job) => format!("{job} #{number}"),
            None => format!("#{number}"),
        }),
        run_attempt: None,
        job: get("STAGE_NAME").or_else(|| get("JOB_NAME")),
        run_url: get("BUILD_URL"),
        author: get("CHANGE_AUTHOR_DISPLAY_NAME")
            .or_else(|| get("CHANGE_AUTHOR"))
            .or_else(|| get("BUILD_USER")),
        ..Ci::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "11c02e5a9f0b11c02e5a9f0b11c02e5a9f0b1234";

    fn ci(list: &[(&str, &str)]) -> Ci {
        detect(&|name| {
            let found = list.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    /// System, branch, run, attempt, job, URL; the commit is checked to be [`SHA`].
    fn facts(ci: &Ci) -> Vec<String> {
        assert_eq!(ci.commit.as_deref(), Some(SHA));
        let facts = [
            &ci.branch,
            &ci.run_id,
            &ci.run_attempt,
            &ci.job,
            &ci.run_url,
        ];
        let facts = facts.map(|fact| fact.clone().unwrap_or_else(|| "-".to_owned()));
        [vec![ci.system.to_string()], facts.to_vec()].concat()
    }

    #[test]
    fn each_ci_is_detected_by_its_variables() {
        let github = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", SHA),
            ("GITHUB_REF_NAME", "5/merge"),
            ("GITHUB_REF_TYPE", "branch"),
            ("GITHUB_HEAD_REF", "feature/x"),
            ("GITHUB_RUN_ID", "77"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_JOB", "gui"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "o/r"),
        ];
        let url = "https://github.com/o/r/actions/runs/77/attempts/2";
        assert_eq!(
            facts(&ci(&github)),
            ["GitHub Actions", "feature/x", "77", "2", "gui", url]
        );

        let gitlab = [
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_SHA", SHA),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_PIPELINE_ID", "77"),
            ("CI_JOB_ID", "901"),
            ("CI_JOB_NAME", "gui"),
            ("CI_PIPELINE_URL", "https://gitlab/p/77"),
        ];
        assert_eq!(
            facts(&ci(&gitlab)),
            ["GitLab", "main", "77", "901", "gui", "https://gitlab/p/77"]
        );

        let azure = [
            ("TF_BUILD", "True"),
            ("BUILD_SOURCEVERSION", SHA),
            ("BUILD_SOURCEBRANCH", "refs/heads/release/1"),
            ("BUILD_BUILDID", "77"),
            ("SYSTEM_STAGEATTEMPT", "1"),
            ("SYSTEM_JOBATTEMPT", "2"),
            ("SYSTEM_JOBNAME", "gui"),
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/o/"),
            ("SYSTEM_TEAMPROJECT", "My App"),
        ];
        let url = "https://dev.azure.com/o/My%20App/_build/results?buildId=77";
        assert_eq!(
            facts(&ci(&azure)),
            ["Azure Pipelines", "release/1", "77", "1.2", "gui", url]
        );

        let buildkite = [
            ("BUILDKITE", "true"),
            ("BUILDKITE_COMMIT", SHA),
            ("BUILDKITE_BRANCH", "main"),
            ("BUILDKITE_BUILD_ID", "0190-a"),
            ("BUILDKITE_RETRY_COUNT", "0"),
            ("BUILDKITE_LABEL", "gui"),
            ("BUILDKITE_BUILD_URL", "https://buildkite.com/o/p/builds/77"),
        ];
        let url = "https://buildkite.com/o/p/builds/77";
        assert_eq!(
            facts(&ci(&buildkite)),
            ["Buildkite", "main", "0190-a", "0", "gui", url]
        );

        let circleci = [
            ("CIRCLECI", "true"),
            ("CIRCLE_SHA1", SHA),
            ("CIRCLE_BRANCH", "main"),
            ("CIRCLE_WORKFLOW_ID", "w-1"),
            ("CIRCLE_JOB", "gui"),
            ("CIRCLE_BUILD_URL", "https://circleci.com/gh/o/r/77"),
        ];
        let url = "https://circleci.com/gh/o/r/77";
        assert_eq!(
            facts(&ci(&circleci)),
            ["CircleCI", "main", "w-1", "-", "gui", url]
        );

        let jenkins = [
            ("JENKINS_URL", "https://jenkins/"),
            ("GIT_COMMIT", SHA),
            ("GIT_BRANCH", "origin/main"),
            ("BUILD_NUMBER", "77"),
            ("JOB_NAME", "app/gui"),
            ("BUILD_URL", "https://jenkins/job/app/77/"),
        ];
        let url = "https://jenkins/job/app/77/";
        assert_eq!(
            facts(&ci(&jenkins)),
            ["Jenkins", "main", "app/gui #77", "-", "app/gui", url]
        );
    }

    #[test]
    fn no_ci_is_detected_without_its_variables() {
        assert_eq!(ci(&[]), Ci::default());
        assert_eq!(
            ci(&[
                ("CI", "true"),
                ("GITHUB_ACTIONS", "false"),
                ("GITHUB_RUN_ID", "1")
            ]),
            Ci::default()
        );
        // A Jenkins agent's shell outside a build.
        assert_eq!(ci(&[("JENKINS_URL", "https://jenkins/")]), Ci::default());
    }

    #[test]
    fn tags_are_not_branches_and_words_not_commits() {
        let tags: [&[(&str, &str)]; 4] = [
            &[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_REF_NAME", "v1"),
                ("GITHUB_REF_TYPE", "tag"),
            ],
            &[("TF_BUILD", "True"), ("BUILD_SOURCEBRANCH", "refs/tags/v1")],
            &[
                ("BUILDKITE", "true"),
                ("BUILDKITE_BRANCH", "v1"),
                ("BUILDKITE_TAG", "v1"),
                ("BUILDKITE_COMMIT", "HEAD"),
            ],
            &[
                ("JENKINS_URL", "x"),
                ("BUILD_NUMBER", "1"),
                ("BRANCH_NAME", "v1"),
                ("TAG_NAME", "v1"),
                ("GIT_BRANCH", "v1"),
                ("GIT_COMMIT", "cafe"),
            ],
        ];
        for list in tags {
            let ci = ci(list);
            assert_ne!(ci.system, CiSystem::None);
            assert_eq!((ci.branch, ci.commit), (None, None), "{list:?}");
        }
    }

    #[test]
    fn job_has_its_own_page_where_the_ci_says_it() {
        let github = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_RUN_ID", "77"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "o/r"),
        ];
        let run = "https://github.com/o/r/actions/runs/77";
        let url = |list: &[(&str, &str)]| ci(list).job_url.unwrap();
        assert_eq!(url(&github), format!("{run}/attempts/2"));
        for (id, expected) in [
            ("4711", format!("{run}/job/4711")),
            ("x/../", format!("{run}/attempts/2")),
        ] {
            let with_id = [&github[..], &[(JOB_ID, id)]].concat();
            assert_eq!(url(&with_id), expected);
        }
        let gitlab = [
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_URL", "https://g/p/1"),
            ("CI_JOB_URL", "https://g/j/2"),
        ];
        assert_eq!(url(&gitlab), "https://g/j/2");
        let buildkite = [
            ("BUILDKITE", "true"),
            ("BUILDKITE_BUILD_URL", "https://b/1"),
            ("BUILDKITE_JOB_ID", "0190"),
        ];
        assert_eq!(url(&buildkite), "https://b/1#0190");
    }

    #[test]
    fn run_url_needs_all_of_its_parts() {
        let ci = ci(&[("GITHUB_ACTIONS", "true"), ("GITHUB_RUN_ID", "77")]);
        assert_eq!((ci.run_id.as_deref(), ci.run_url), (Some("77"), None));
    }
}
