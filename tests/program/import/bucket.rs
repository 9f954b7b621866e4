//! Uploads in S3 by real processes: large ones with flat memory, replicas of which one is killed, and buckets that cannot be used.
//!
//! `TESTPLAN_LARGE_BUCKET_IMPORT=2048 cargo test --test program -- --nocapture import::bucket` sends 2 GiB in place of 64 MiB,
//! and prints times and memory.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use testplan::api::import::ImportResponse;

use super::large_files::{LONG, large_in_bucket, large_zip, peak};
use crate::support::{
    Answer, Ended, HttpServer, PlanFile, PostgresSchema, Process, S3Server, Service, Stage,
    free_port, until, until_within,
};

/// Most that an upload may add to the memory of the service, in KiB.
const MOST_MORE: u64 = 64 * 1024;

fn stage() -> Stage {
    let stage = Stage::new();
    PlanFile::run_with(&stage.script("true.sh", "true"))
        .numbered("s", 1)
        .on(&stage);
    stage
}

fn start(stage: &Stage, server: &S3Server, schema: Option<&PostgresSchema>) -> Service {
    Service::start_with(stage, |serve| {
        let serve = serve.flags("--files").arg(S3Server::URL);
        let serve = serve.with_all(server.variables());
        match schema {
            Some(schema) => serve.flags("--database").arg(schema.url()),
            None => serve,
        }
    })
}

fn imports(service: &Service) -> Vec<ImportResponse> {
    service.list("/testplan/v1/imports")
}

fn upload(stage: &Stage, urls: &str, token: &Service, file: &PathBuf) -> Process {
    stage
        .testplan("upload")
        .at_url(urls, &token.token_file())
        .arg(file)
        .flags("--project p --batch b --label OS=Linux --patience 60s --format json")
        .start()
}

/// Waits for the end of a large upload.
#[expect(
    clippy::print_stderr,
    reason = "the time is of interest with --nocapture"
)]
fn end(mut process: Process, through: &str) -> Ended {
    let began = Instant::now();
    until_within(LONG, "the end of the upload", || {
        process.has_ended().then_some(())
    });
    eprintln!(
        "upload through {through}: {:.1} s",
        began.elapsed().as_secs_f64()
    );
    process.end()
}

#[test]
fn large_zip_is_stored_in_a_bucket_with_flat_memory() {
    let Some(server) = S3Server::start() else {
        return;
    };
    let stage = stage();
    let file = large_zip(&stage, large_in_bucket());
    let service = start(&stage, &server, None);
    let small = stage.write("small.xml", super::stage::JUNIT);
    upload(&stage, &service.url, &service, &small)
        .end()
        .code_is(0);
    let before = peak(service.process().pid()).unwrap();
    let process = upload(&stage, &service.url, &service, &file);
    let told = end(process, "one service").code_is(0).json();
    let length = file.metadata().unwrap().len();
    assert_eq!(told["uploads"][0]["bytes"], length);
    assert_eq!(told["uploads"][0]["import"]["cases"], 2);
    let after = peak(service.process().pid()).unwrap();
    eprintln!("memory of the service: {before} KiB before, {after} KiB after");
    assert!(
        after - before < MOST_MORE,
        "{before} KiB before, {after} KiB after"
    );
    let kept: Vec<_> = imports(&service)
        .iter()
        .map(|it| format!("{}/{}", it.folder, it.files[0].name))
        .collect();
    let mut expected = kept.clone();
    expected.sort();
    assert_eq!(server.objects(), expected);
    assert_eq!(server.unfinished(), [""; 0]);
    assert!(!stage.path("data/imports").exists(), "no local copy");
    let again = upload(&stage, &service.url, &service, &small)
        .end()
        .code_is(0);
    assert_eq!(again.json()["uploads"][0]["import"]["cases"], 2);
}

#[test]
fn replica_killed_in_the_middle_of_an_upload_leaves_one_import_and_no_parts() {
    let (Some(server), Some(schema)) = (S3Server::start(), PostgresSchema::create()) else {
        return;
    };
    let stage = stage();
    let file = large_zip(&stage, large_in_bucket());
    let mut replicas = [(); 2].map(|()| start(&stage, &server, Some(&schema)));
    let urls = format!("{},{}", replicas[0].url, replicas[1].url);
    let before = replicas
        .each_ref()
        .map(|replica| peak(replica.process().pid()).unwrap());
    let process = upload(&stage, &urls, &replicas[0], &file);
    until("parts in the bucket", || (server.parts() > 0).then_some(()));
    // A client begins with any of the URLs.
    let memory = |replica: &Service| peak(replica.process().pid()).unwrap();
    let busy = usize::from(memory(&replicas[1]) - before[1] > memory(&replicas[0]) - before[0]);
    let other = 1 - busy;
    replicas[busy].kill();
    let ended = end(process, "two replicas, of which one was killed");
    let told = ended.code_is(0).json();
    let (before, after) = (before[other], memory(&replicas[other]));
    eprintln!("memory of the other replica: {before} KiB before, {after} KiB after");
    assert!(
        after - before < MOST_MORE,
        "{before} KiB before, {after} KiB after"
    );
    assert_eq!(told["uploads"][0]["import"]["cases"], 2);
    let known = imports(&replicas[other]);
    assert_eq!(known.len(), 1);
    assert!(server.parts() > 0, "what the killed one left");
    // What was left by now is an hour old.
    server.age(Duration::from_secs(3_700));
    replicas[busy].restart();
    until("a bucket without parts", || {
        server.unfinished().is_empty().then_some(())
    });
    assert_eq!(imports(&replicas[busy]), known);
    let kept = format!("{}/{}", known[0].folder, known[0].files[0].name);
    until("a bucket with the import alone", || {
        (server.objects() == [kept.clone()]).then_some(())
    });
    assert_eq!(server.object_bytes(), file.metadata().unwrap().len());
}

#[test]
fn client_killed_in_the_middle_leaves_no_object_and_no_parts() {
    let Some(server) = S3Server::start() else {
        return;
    };
    let stage = stage();
    let file = large_zip(&stage, 192 << 20);
    let service = start(&stage, &server, None);
    let mut process = upload(&stage, &service.url, &service, &file);
    until("parts in the bucket", || (server.parts() > 0).then_some(()));
    process.kill();
    until("an empty bucket", || {
        let left = server.objects().len() + server.unfinished().len();
        (left == imports(&service).len()).then_some(())
    });
}

#[test]
fn uploads_are_refused_with_the_reason_while_the_bucket_is_away() {
    let Some(mut server) = S3Server::start() else {
        return;
    };
    let stage = stage();
    let small = stage.write("small.xml", super::stage::JUNIT);
    let service = start(&stage, &server, None);
    server.stop();
    let brief = stage
        .testplan("upload")
        .at(&service)
        .arg(&small)
        .flags("--project p --batch b --patience 1s");
    let refused = brief.run().code_is(3);
    let says = format!("{} cannot be reached", S3Server::URL);
    assert!(refused.stderr.contains(&says), "{refused}");
    assert_eq!(service.answer("/readyz").0, 200, "everything else works");
    service.start_plan(&stage);
    server.start_again();
    upload(&stage, &service.url, &service, &small)
        .end()
        .code_is(0);
    let log = until("a service that has noticed", || {
        let log = service.process().stderr();
        log.contains("uploads are accepted again").then_some(log)
    });
    assert_eq!(log.matches("uploads are answered 503").count(), 1, "{log}");
    assert!(!log.contains("canary-secret"), "{log}");
}

/// Starts a service that cannot: its exit code and what it says.
fn refused(stage: &Stage, url: &str, variables: &[(&str, String)]) -> (Option<i32>, String) {
    let serve = stage
        .testplan("serve")
        .flags("--data data --listen 127.0.0.1:0 --files");
    let serve = serve.arg(url);
    let variables = variables.iter().map(|(name, value)| (*name, value));
    let ended = serve.with_all(variables).run();
    (ended.code, ended.stderr)
}

#[test]
fn buckets_that_cannot_be_used_are_found_at_the_start() {
    let Some(server) = S3Server::start() else {
        return;
    };
    let stage = stage();
    let with = |name: &'static str, value: &str| {
        let mut variables = server.variables().to_vec();
        variables.retain(|(known, _)| *known != name);
        variables.push((name, value.to_owned()));
        variables
    };
    let right = server.variables().to_vec();
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let lacks = HttpServer::start(|_| Answer::new(404, "<Error><Code>NoSuchBucket</Code></Error>"));
    let denies =
        HttpServer::start(|_| Answer::new(403, "<Error><Code>AccessDenied</Code></Error>"));
    for (url, variables, code, words) in [
        (
            "s3://uploads/a//b",
            right.clone(),
            2,
            ["single slashes", "s3://BUCKET/PREFIX"],
        ),
        (
            "gs://uploads",
            right,
            2,
            ["gs://uploads", "s3://BUCKET/PREFIX"],
        ),
        (
            S3Server::URL,
            with("AWS_ALLOW_HTTP", "false"),
            2,
            ["plain http", "AWS_ALLOW_HTTP=true"],
        ),
        (
            S3Server::URL,
            with("AWS_ENDPOINT_URL", &lacks.url),
            3,
            ["does not exist: NoSuchBucket", "create the bucket"],
        ),
        (
            S3Server::URL,
            with("AWS_SECRET_ACCESS_KEY", "canary-wrong"),
            3,
            ["refuses the credentials", "check AWS_ACCESS_KEY_ID"],
        ),
        (
            S3Server::URL,
            with("AWS_ACCESS_KEY_ID", "canary-wrong"),
            3,
            ["refuses the credentials", "check AWS_ACCESS_KEY_ID"],
        ),
        (
            S3Server::URL,
            with("AWS_ENDPOINT_URL", &nowhere),
            3,
            ["cannot be reached", "AWS_ENDPOINT_URL"],
        ),
        (
            S3Server::URL,
            with("AWS_ENDPOINT_URL", &denies.url),
            3,
            ["denies access", "s3:PutObject"],
        ),
    ] {
        let (ended, said) = refused(&stage, url, &variables);
        assert_eq!(ended, Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(!said.contains("canary"), "{said}");
    }
    assert_eq!(server.objects(), [""; 0], "checks leave nothing");
}
