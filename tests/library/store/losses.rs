//! A database that lacks acknowledged changes is not opened: with the files that a bad copy or a damaged disk leaves.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use testplan::{
    model::Capabilities,
    store::{
        Rules, Store as _, StoreError,
        sqlite::{Durability, LossPolicy, SqliteStore, back_up},
    },
};

use super::{
    files::{crash_image, result, start, take},
    world::{START, open, template},
};

/// A path with something after its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// What a killed service leaves: a plan of three, of which some are finished. The folder and the database in it.
async fn killed(finished: usize) -> (tempfile::TempDir, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let plan = start(&store, 3).await;
    for at in 0..finished {
        let granted = take(&store, plan).await;
        store.finish(result(&granted), START).await.unwrap();
        // Counts what the last millisecond acknowledged, as the service does every second.
        let now = START.plus(Duration::from_millis(at as u64 + 1));
        store.sweep(now).await.unwrap();
    }
    let image = crash_image(&path);
    let path = image.path().join("store.db");
    (image, path)
}

fn try_open(path: &Path, policy: LossPolicy) -> Result<SqliteStore, StoreError> {
    let rules = Rules::default();
    SqliteStore::open_with(path, Durability::Full, rules, START, policy).map(|(store, _)| store)
}

fn lost(path: &Path) -> String {
    match try_open(path, LossPolicy::Refuse) {
        Err(StoreError::Lost(text)) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn files_of_a_killed_service_are_whole() {
    let (_place, path) = killed(2).await;
    let store = try_open(&path, LossPolicy::Refuse).unwrap();
    store.close().await.unwrap();
    drop(store);
    try_open(&path, LossPolicy::Refuse).unwrap();
}

#[tokio::test]
async fn copy_without_its_log_is_refused_until_the_log_is_back() {
    let (place, path) = killed(2).await;
    let (log, away) = (beside(&path, "-wal"), place.path().join("away"));
    fs::rename(&log, &away).unwrap();
    for _ in 0..2 {
        let text = lost(&path);
        // A template, a plan, and two results with their reservations.
        assert!(
            text.contains("6 acknowledged changes are lost") && text.contains("has 0 of 6"),
            "{text}"
        );
        assert!(text.contains("log is missing"), "{text}");
    }
    // Refusing changed nothing: the log still fits.
    fs::rename(&away, &log).unwrap();
    let store = try_open(&path, LossPolicy::Refuse).unwrap();
    let plan = store.plan(testplan::model::PlanId(2), START).await.unwrap();
    assert_eq!(plan.count, 3);
}

#[tokio::test]
async fn truncated_or_damaged_log_is_refused_with_the_number_of_lost_changes() {
    for is_cut in [true, false] {
        let (_place, path) = killed(3).await;
        let log = beside(&path, "-wal");
        let mut bytes = fs::read(&log).unwrap();
        // In the last of its frames.
        let end = bytes.len() - 1_000;
        if is_cut {
            bytes.truncate(end);
        } else {
            bytes[end..].fill(0xa5);
        }
        fs::write(&log, bytes).unwrap();
        let text = lost(&path);
        let says = "2 acknowledged changes are lost (it has 6 of 8; its write-ahead log is damaged";
        assert!(text.contains(says), "{text}");
    }
}

#[tokio::test]
async fn missing_or_empty_database_is_refused_beside_its_mark() {
    let (_place, path) = killed(1).await;
    fs::write(&path, "").unwrap();
    assert!(lost(&path).contains("4 acknowledged changes are lost"));
    for file in [path.clone(), beside(&path, "-wal"), beside(&path, "-shm")] {
        let _ = fs::remove_file(file);
    }
    assert!(lost(&path).contains("4 acknowledged changes are lost"));
    assert!(!path.exists(), "nothing was made in its place");
}

#[tokio::test]
async fn copy_of_the_database_file_alone_is_refused() {
    let (_place, path) = killed(1).await;
    let other = tempfile::tempdir().unwrap();
    let copy = other.path().join("store.db");
    fs::copy(&path, &copy).unwrap();
    let text = lost(&copy);
    assert!(text.contains("unknown"), "{text}");
    // After a clean stop the file alone is whole.
    let store = try_open(&path, LossPolicy::Refuse).unwrap();
    store.close().await.unwrap();
    drop(store);
    fs::copy(&path, &copy).unwrap();
    try_open(&copy, LossPolicy::Refuse).unwrap();
}

#[tokio::test]
async fn damaged_mark_and_mark_of_another_store_are_refused() {
    let (_place, path) = killed(1).await;
    let (_other, foreign) = killed(1).await;
    let mark = beside(&path, ".mark");
    let own = fs::read(&mark).unwrap();
    fs::copy(beside(&foreign, ".mark"), &mark).unwrap();
    assert!(lost(&path).contains("another database"));
    fs::write(&mark, "").unwrap();
    assert!(lost(&path).contains("mark is damaged"));
    fs::write(&mark, own).unwrap();
    try_open(&path, LossPolicy::Refuse).unwrap();
}

#[tokio::test]
async fn accepted_loss_is_accepted_once() {
    let (_place, path) = killed(2).await;
    fs::remove_file(beside(&path, "-wal")).unwrap();
    lost(&path);
    let store = try_open(&path, LossPolicy::Accept).unwrap();
    start(&store, 2).await;
    drop(store);
    let store = try_open(&path, LossPolicy::Refuse).unwrap();
    store.close().await.unwrap();
    drop(store);
    for file in [path.clone(), beside(&path, "-wal")] {
        let _ = fs::remove_file(file);
    }
    assert!(lost(&path).contains("2 acknowledged changes"));
}

#[tokio::test]
async fn mark_is_never_ahead_of_the_database() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let plan = start(&store, 200).await;
    for at in 0..200 {
        let granted = take(&store, plan).await;
        let now = START.plus(Duration::from_millis(at));
        store.finish(result(&granted), now).await.unwrap();
        if at % 20 == 0 {
            // The mark first: the database may only be further then.
            let image = crash_image(&path);
            try_open(&image.path().join("store.db"), LossPolicy::Refuse).unwrap();
        }
    }
}

#[tokio::test]
async fn backup_of_a_used_database_is_whole_and_overwrites_nothing() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("store.db");
    let store = open(&path, Rules::default(), START);
    let plan = start(&store, 3).await;
    let granted = take(&store, plan).await;
    store.finish(result(&granted), START).await.unwrap();
    let later = START.plus(Duration::from_secs(1));
    store.sweep(later).await.unwrap();
    let target = place.path().join("backup");
    fs::create_dir(&target).unwrap();
    let copy = target.join("store.db");
    let backup = back_up(&path, &copy).unwrap();
    assert_eq!(backup.acknowledged, 4);
    assert_eq!(backup.bytes, fs::metadata(&copy).unwrap().len());
    let again = back_up(&path, &copy).unwrap_err().to_string();
    assert!(again.contains("exists already"), "{again}");
    let mut names: Vec<_> = fs::read_dir(&target)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["store.db", "store.db.mark"]);
    // The first goes on, and both have what was there.
    take(&store, plan).await;
    let copied = try_open(&copy, LossPolicy::Refuse).unwrap();
    for (store, reserved) in [(&store, 1), (&copied, 0)] {
        let none = Capabilities::default();
        let status = store.status(plan, none, START).await.unwrap();
        assert_eq!((status.reserved, status.done), (reserved, 1));
    }
    drop(copied);
    fs::remove_file(&copy).unwrap();
    assert!(lost(&copy).contains("4 acknowledged changes are lost"));
}

#[tokio::test]
async fn backup_of_a_database_with_losses_is_refused() {
    let (place, path) = killed(2).await;
    fs::remove_file(beside(&path, "-wal")).unwrap();
    let copy = place.path().join("copy.db");
    assert!(matches!(back_up(&path, &copy), Err(StoreError::Lost(_))));
    assert!(!copy.exists());
}

/// Single requests without waiting for the disk: what the mark costs is most visible then.
#[tokio::test]
#[ignore = "prints figures; run it alone"]
async fn mark_costs_less_than_a_tenth_of_a_commit() {
    const CYCLES: usize = 4_000;
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..7 {
        for (index, policy) in [LossPolicy::Ignore, LossPolicy::Refuse]
            .into_iter()
            .enumerate()
        {
            let place = tempfile::tempdir_in("/dev/shm").unwrap();
            let path = place.path().join("store.db");
            let opened =
                SqliteStore::open_with(&path, Durability::Normal, Rules::default(), START, policy);
            let store = opened.unwrap().0;
            start(&store, 1).await;
            let began = testplan::clock::monotonic();
            for at in 0..CYCLES {
                // Every commit writes the clock, and so the count and the mark.
                let now = START.plus(Duration::from_millis(at as u64 + 1));
                store
                    .publish(vec![template("t", &[["", "OS=Linux"][at % 2]])], now)
                    .await
                    .unwrap();
            }
            times[index].push(began.elapsed());
        }
    }
    for list in &mut times {
        list.sort();
    }
    let [without, with] = times.map(|list| list[list.len() / 2]);
    println!("{CYCLES} commits: {without:?} without a mark, {with:?} with one");
    assert!(with < without.mul_f64(1.1), "{without:?} {with:?}");
}
