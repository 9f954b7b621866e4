//! Several URLs of one service: when a call goes on with another one, and when it must not. Time is virtual.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use testplan::{
    client::{
        Addresses, Client, ClientError, Connect, Credentials, Endpoint, Endpoints, ErrorKind,
        Patience, Sending, Sent, Transport,
    },
    clock,
    model::{Capabilities, ExecutionId, LeaseToken, Outcome, PlanId},
};

use super::{
    execute::start,
    reserve::options,
    script::{CANARY, Script, Step, answer, ours, page, refused},
};

const SECOND: Duration = Duration::from_secs(1);
const COUNTS: &str = r#"{"open":1,"reserved":0,"done":0}"#;
const NONE: &str =
    r#"{"status":"No executions available that match requested capabilities.","pending":3}"#;
const STOPPING: &str = r#"{"code":1590,"message":"the service is stopping"}"#;

/// Hosts with a script each. The first one that is asked is the home of the client.
#[derive(Debug)]
struct Hosts {
    home: OnceLock<String>,
    at_home: Arc<Script>,
    elsewhere: Arc<Script>,
    connects: Mutex<Vec<Connect>>,
    addresses: Vec<SocketAddr>,
}

impl Hosts {
    fn new(at_home: &Arc<Script>, elsewhere: &Arc<Script>) -> Arc<Self> {
        Self::with_addresses(at_home, elsewhere, &[])
    }

    fn with_addresses(
        at_home: &Arc<Script>,
        elsewhere: &Arc<Script>,
        addresses: &[&str],
    ) -> Arc<Self> {
        Arc::new(Self {
            home: OnceLock::new(),
            at_home: Arc::clone(at_home),
            elsewhere: Arc::clone(elsewhere),
            connects: Mutex::default(),
            addresses: addresses.iter().map(|it| it.parse().unwrap()).collect(),
        })
    }

    fn connects(&self) -> Vec<Connect> {
        self.connects.lock().unwrap().clone()
    }
}

impl Transport for Hosts {
    fn send(&self, request: Request<Bytes>, limit: Duration) -> Sending<'_> {
        let connect = *request.extensions().get::<Connect>().unwrap();
        self.connects.lock().unwrap().push(connect);
        let at = format!("{} {:?}", request.uri().host().unwrap(), connect.address);
        if *self.home.get_or_init(|| at.clone()) == at {
            self.at_home.send(request, limit)
        } else {
            self.elsewhere.send(request, limit)
        }
    }

    fn addresses<'a>(&'a self, _: &'a Endpoint) -> Addresses<'a> {
        Box::pin(async { self.addresses.clone() })
    }
}

fn client_at(urls: &str, hosts: &Arc<Hosts>, patience: Patience) -> Client {
    Client::new(
        Arc::clone(hosts) as _,
        Endpoints::parse(urls, false).unwrap(),
        Credentials::Token(CANARY.into()),
        patience,
    )
    .unwrap()
}

const TWO: &str = "https://a.example.com,https://b.example.com";

/// A client of two URLs whose pauses are a mistake.
fn client(at_home: &Arc<Script>, elsewhere: &Arc<Script>) -> Client {
    client_at(TWO, &Hosts::new(at_home, elsewhere), Patience::default())
        .watched(|waiting| panic!("{waiting}"))
}

async fn status(client: &Client) -> Result<u64, ClientError> {
    let status = client.status(PlanId(1), &Capabilities::default()).await?;
    Ok(status.open)
}

#[tokio::test(start_paused = true)]
async fn call_goes_on_with_the_next_url_at_once_after_every_outage_of_one() {
    for failure in [
        Step::Fail(Sent::No),
        Step::Fail(Sent::Unclear),
        Step::Untrusted,
        page(502),
        page(503),
        page(504),
        page(200),
        answer(500, r#"{"code":1500,"message":"broken"}"#),
        ours(503, STOPPING).with("retry-after", "1"),
        answer(503, "").with("retry-after", "3600"),
    ] {
        let (home, other) = (
            Script::new([failure.clone()]),
            Script::new([ours(200, COUNTS)]),
        );
        let began = clock::timer();
        assert_eq!(
            status(&client(&home, &other)).await.unwrap(),
            1,
            "{failure:?}"
        );
        assert_eq!(clock::timer(), began, "{failure:?}");
        assert_eq!((home.lines().len(), other.lines().len()), (1, 1));
        let tokens = [&home, &other].map(|it| it.seen()[0].header("authorization").to_owned());
        assert_eq!(tokens[0], tokens[1], "one token for all");
    }
}

#[tokio::test(start_paused = true)]
async fn refusal_of_the_service_is_final_at_any_url() {
    for refusal in [
        refused(400, 1201),
        refused(401, 1501),
        refused(403, 1501),
        answer(302, "").with("location", "/login"),
        answer(302, "").with("location", "https://sso.example.com/login"),
    ] {
        let (home, other) = (Script::new([refusal.clone()]), Script::new([]));
        let error = status(&client(&home, &other)).await.unwrap_err();
        assert_eq!(error.tries, 1, "{refusal:?}: {error}");
        assert!(other.lines().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn hung_url_is_left_after_five_seconds_and_a_long_poll_after_its_wait() {
    let (home, other) = (
        Script::always(Step::Hang),
        Script::always(ours(200, COUNTS)),
    );
    let began = clock::timer();
    status(&client(&home, &other)).await.unwrap();
    assert_eq!(clock::timer() - began, SECOND * 5);

    let home = Script::after(ours(200, COUNTS), Step::Hang);
    let other = Script::always(ours(200, NONE));
    let client = client(&home, &other);
    status(&client).await.unwrap();
    let began = clock::timer();
    client.reserve(PlanId(1), &options(), "w").await.unwrap();
    assert_eq!(clock::timer() - began, SECOND * 30, "a wait of 25 seconds");
}

#[tokio::test(start_paused = true)]
async fn repeated_reservation_has_the_same_key_at_the_next_url() {
    let home = Script::new([ours(200, COUNTS), Step::Fail(Sent::Unclear)]);
    let other = Script::new([ours(200, NONE)]);
    let client = client(&home, &other);
    status(&client).await.unwrap();
    client.reserve(PlanId(1), &options(), "w").await.unwrap();
    let key = |script: &Script, at: usize| script.seen()[at].header("idempotency-key").to_owned();
    assert!(!key(&home, 1).is_empty());
    assert_eq!(key(&home, 1), key(&other, 0));
}

#[tokio::test(start_paused = true)]
async fn reservation_without_a_known_key_is_not_repeated_at_another_url() {
    let (home, other) = (Script::new([Step::Fail(Sent::Unclear)]), Script::new([]));
    let reserved = client(&home, &other)
        .reserve(PlanId(1), &options(), "w")
        .await;
    assert!(reserved.unwrap_err().may_have_happened);
    assert!(other.lines().is_empty());
}

const NO_PLAN: i64 = 1002;
const PLAN: &str = r#"{"id":9,"title":"T #1.1","batch_name":"B","type":"instance"}"#;

#[tokio::test(start_paused = true)]
async fn unclear_start_of_a_plan_is_looked_up_at_the_next_url_and_not_repeated() {
    let home = Script::new([
        refused(404, NO_PLAN),
        Step::Fail(Sent::Unclear),
        Step::Fail(Sent::No),
    ]);
    let other = Script::new([answer(200, PLAN)]);
    let hosts = Hosts::new(&home, &other);
    let client = client_at(TWO, &hosts, Patience::default());
    let plan = client.execute_plan(&start()).await.unwrap();
    assert_eq!(plan.id, PlanId(9));
    let lines = [home.lines(), other.lines()].concat();
    let posts = lines.iter().filter(|line| line.starts_with("POST"));
    assert_eq!(posts.count(), 1, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn start_that_a_stopping_service_did_not_do_is_sent_to_the_next_url() {
    for failure in [ours(503, STOPPING), Step::Fail(Sent::No)] {
        let home = Script::new([refused(404, NO_PLAN), failure]);
        let other = Script::new([ours(201, PLAN)]);
        let plan = client(&home, &other).execute_plan(&start()).await.unwrap();
        assert_eq!(plan.id, PlanId(9));
        assert_eq!(other.lines(), ["POST /execution/v1/executeplan"]);
    }
}

#[tokio::test(start_paused = true)]
async fn page_that_looks_like_a_stopping_service_is_an_unclear_outcome() {
    let home = Script::new([
        refused(404, NO_PLAN),
        answer(503, STOPPING),
        answer(503, STOPPING),
    ]);
    let other = Script::new([answer(200, PLAN)]);
    let hosts = Hosts::new(&home, &other);
    let client = client_at(TWO, &hosts, Patience::default());
    client.execute_plan(&start()).await.unwrap();
    assert!(other.lines()[0].starts_with("GET"), "it was looked up");
}

#[tokio::test(start_paused = true)]
async fn failed_url_is_asked_rarely_until_it_works_again() {
    let home = Script::always(Step::Fail(Sent::No));
    let other = Script::always(ours(200, COUNTS));
    let client = client(&home, &other);
    for _ in 0..3_000 {
        status(&client).await.unwrap();
        tokio::time::sleep(SECOND / 10).await;
    }
    let asked = home.seen().len();
    assert!((6..=14).contains(&asked), "{asked} times in five minutes");

    let home = Script::after(Step::Fail(Sent::No), ours(200, COUNTS));
    let client = self::client(&home, &other);
    for _ in 0..30 {
        status(&client).await.unwrap();
        tokio::time::sleep(SECOND / 10).await;
    }
    assert!(home.seen().len() > 15, "back home after about a second");
}

#[tokio::test(start_paused = true)]
async fn patience_is_for_all_urls_together() {
    let (home, other) = (
        Script::always(Step::Fail(Sent::No)),
        Script::always(page(502)),
    );
    let hosts = Hosts::new(&home, &other);
    let noted = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&noted);
    let client = client_at(TWO, &hosts, Patience::default())
        .watched(move |waiting| notes.lock().unwrap().push(waiting.to_string()));
    let began = clock::timer();
    let error = status(&client).await.unwrap_err();
    let took = (clock::timer() - began).as_secs();
    assert!((118..=121).contains(&took), "{took}");
    let noted = noted.lock().unwrap();
    assert_eq!(usize::try_from(error.tries).unwrap(), (noted.len() + 1) * 2);
    for text in noted.iter().chain([&error.to_string()]) {
        assert!(
            text.contains(".example.com/execution/v1/status/1: "),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeat_tries_each_url_within_its_limit() {
    let lease = LeaseToken::new("secret-lease".to_owned());
    let beat = async |client: &Client| {
        client
            .heartbeat(ExecutionId(1), Some(&lease), SECOND * 60, SECOND * 4)
            .await
    };
    let (home, other) = (Script::new([Step::Hang]), Script::new([answer(200, "{}")]));
    let began = clock::timer();
    beat(&client(&home, &other)).await.unwrap();
    assert_eq!(clock::timer() - began, SECOND * 2);

    let (home, other) = (Script::new([Step::Hang]), Script::new([Step::Hang]));
    let began = clock::timer();
    let error = beat(&client(&home, &other)).await.unwrap_err();
    assert_eq!(clock::timer() - began, SECOND * 4);
    assert!(!error.lease_is_lost());
}

#[tokio::test(start_paused = true)]
async fn heartbeats_and_results_do_not_try_a_failed_url_again() {
    let home = Script::new([Step::Fail(Sent::No), ours(200, COUNTS)]);
    let other = Script::always(ours(200, COUNTS));
    let client = client(&home, &other);
    status(&client).await.unwrap();
    tokio::time::sleep(SECOND * 9).await;
    let outcome = Outcome::Completed { result: None };
    client.finish(ExecutionId(1), None, &outcome).await.unwrap();
    assert_eq!(home.seen().len(), 1);
    status(&client).await.unwrap();
    assert_eq!(home.lines().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn connections_get_little_time_only_if_there_is_another_url() {
    let home = Script::new([Step::Fail(Sent::No)]);
    let other = Script::always(ours(200, COUNTS));
    let hosts = Hosts::new(&home, &other);
    status(&client_at(TWO, &hosts, Patience::default()))
        .await
        .unwrap();
    assert!(hosts.connects().iter().all(|it| it.soon), "{hosts:?}");

    let one = Hosts::new(&other, &other);
    let client = client_at("https://a.example.com", &one, Patience::default());
    status(&client).await.unwrap();
    assert_eq!(one.connects(), [Connect::default()]);
}

#[tokio::test(start_paused = true)]
async fn addresses_of_a_name_are_used_like_urls() {
    let (home, other) = (
        Script::new([Step::Fail(Sent::Unclear)]),
        Script::new([ours(200, COUNTS)]),
    );
    let hosts = Hosts::with_addresses(&home, &other, &["10.0.0.1:443", "10.0.0.2:443"]);
    let client = client_at("https://tc.example.com", &hosts, Patience::default());
    status(&client).await.unwrap();
    let mut addresses: Vec<_> = hosts.connects().iter().map(|it| it.address).collect();
    addresses.sort();
    assert_eq!(
        addresses,
        hosts
            .addresses
            .iter()
            .copied()
            .map(Some)
            .collect::<Vec<_>>()
    );

    let (home, other) = ([Step::Fail(Sent::No)], Script::always(Step::Fail(Sent::No)));
    let hosts = Hosts::with_addresses(&Script::new(home), &other, &["10.0.0.1:443"]);
    let impatient = Patience {
        service: Duration::ZERO,
        ..Patience::default()
    };
    let client = client_at("https://tc.example.com", &hosts, impatient);
    let error = status(&client).await.unwrap_err();
    assert_eq!(
        hosts.connects(),
        [Connect::default()],
        "one address is no choice"
    );
    assert!(error.to_string().starts_with("GET /execution/"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn single_url_waits_for_a_stopping_service() {
    let script = Script::new([
        refused(404, NO_PLAN),
        ours(503, STOPPING).with("retry-after", "1"),
        ours(201, PLAN),
    ]);
    let began = clock::timer();
    let plan = super::script::client(&script).execute_plan(&start()).await;
    assert_eq!(plan.unwrap().id, PlanId(9));
    assert_eq!(
        script.lines().len(),
        3,
        "it was not looked up: nothing was done"
    );
    assert!(clock::timer() - began < SECOND * 2);
}

#[test]
fn stopping_service_is_an_outage_with_its_own_words() {
    let kind = ErrorKind::Stopping {
        status: 503,
        message: "the service is stopping".to_owned(),
    };
    assert_eq!(kind.to_string(), "the service is stopping (status 503)");
}
