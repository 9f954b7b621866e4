//! Where uploads are kept: the same behaviour in a folder, in a store of objects in memory, and in a real S3 server.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::{ObjectStore as _, memory::InMemory};
use testplan::files::{
    Bucket, FileStore, FilesLocation, FolderStore, ImportName, IncomingFiles, StorageError,
};

use crate::s3_server::S3Server;

/// More than two parts, and not a multiple of one.
const LARGE: usize = 20 * 1024 * 1024 + 7;

/// A place for files, and a look into it past the interface.
enum Place {
    Folder(tempfile::TempDir),
    Memory(Arc<InMemory>),
    S3(S3Server),
}

impl Place {
    /// All that there are here.
    fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Folder(tempfile::tempdir().unwrap()),
            Self::Memory(Arc::new(InMemory::new())),
        ];
        all.extend(S3Server::start().map(Self::S3));
        all
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Memory(_) => "memory",
            Self::S3(_) => "s3",
        }
    }

    async fn open(&self) -> FileStore {
        let bucket = match self {
            Self::Folder(folder) => {
                return FileStore::Folder(FolderStore {
                    path: folder.path().join("imports"),
                    durable: true,
                    is_shared: true,
                });
            }
            Self::Memory(objects) => {
                Bucket::new(objects.clone(), "ci/testplan", "memory".to_owned()).unwrap()
            }
            Self::S3(server) => connect(server),
        };
        assert!(bucket.check().await.unwrap().creates_once);
        FileStore::Bucket(bucket)
    }

    /// The names of what is stored, and of parts of unfinished uploads.
    async fn names(&self) -> Vec<String> {
        match self {
            Self::Folder(folder) => below(&folder.path().join("imports")),
            Self::Memory(objects) => {
                let prefix = "ci/testplan/";
                let names = objects
                    .list(None)
                    .map_ok(|it| it.location.as_ref()[prefix.len()..].to_owned());
                let mut names: Vec<_> = names.try_collect().await.unwrap();
                names.sort();
                names
            }
            Self::S3(server) => [server.objects(), server.unfinished()].concat(),
        }
    }

    async fn wait_until_empty(&self, when: &str) {
        for _ in 0..500 {
            if self.names().await.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{when}, {}: {:?}", self.name(), self.names().await);
    }
}

fn connect(server: &S3Server) -> Bucket {
    testplan::client::install_tls_provider();
    let FilesLocation::Bucket(url) = FilesLocation::parse(Path::new(S3Server::URL)).unwrap() else {
        panic!("it is a bucket");
    };
    let variables = server.variables();
    let variables = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()));
    Bucket::connect(&url, variables).unwrap()
}

fn below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                let path: PathBuf = entry.path().strip_prefix(folder).unwrap().to_owned();
                found.push(path.display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// Bytes that differ from part to part.
fn content(length: usize) -> Bytes {
    let thousands = (0..=250).flat_map(|byte| std::iter::repeat_n(byte, 1000));
    thousands.cycle().take(length).collect()
}

fn import() -> ImportName {
    ImportName {
        project: "p".to_owned(),
        batch: "b".to_owned(),
    }
}

async fn write(incoming: &mut IncomingFiles, mut bytes: Bytes) {
    while !bytes.is_empty() {
        let chunk = bytes.split_to(bytes.len().min(300_000));
        incoming.write(chunk).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upload_is_stored_as_it_was_sent_and_kept_alone() {
    for place in Place::all() {
        let store = place.open().await;
        let mut incoming = IncomingFiles::begin(&store).await.unwrap();
        let mut files = Vec::new();
        let sent = [
            ("a b/results.xml", content(5_000)),
            ("empty.zip", Bytes::new()),
            ("video.mp4", content(LARGE)),
            ("one-part.zip", content(8 * 1024 * 1024)),
        ];
        for (name, bytes) in &sent {
            incoming.file(name).await.unwrap();
            write(&mut incoming, bytes.clone()).await;
            files.push(incoming.end().await.unwrap());
        }
        let names: Vec<_> = files.iter().map(|file| file.name.clone()).collect();
        let expected = [
            "001-results.xml",
            "002-empty.zip",
            "003-video.mp4",
            "004-one-part.zip",
        ];
        assert_eq!(names, expected, "{}", place.name());
        let name = incoming.name().to_owned();
        let lengths: Vec<_> = files.iter().map(|file| file.bytes).collect();
        let reading = move || {
            for (file, (_, bytes)) in files.iter().zip(&sent) {
                let mut read = Vec::new();
                let mut reader = incoming.reader(&file.name, file.bytes).unwrap();
                reader.read_to_end(&mut read).unwrap();
                assert!(read == *bytes, "{}", file.name);
            }
            assert!(incoming.read_fault().is_none());
            incoming
        };
        let incoming = tokio::task::spawn_blocking(reading).await.unwrap();
        assert_eq!(lengths[3], 8 * 1024 * 1024);
        let sealed = incoming.seal(import()).await.unwrap();
        sealed.keep().await.unwrap();
        let kept: Vec<_> = expected
            .iter()
            .map(|file| format!("{name}/{file}"))
            .collect();
        assert_eq!(place.names().await, kept, "{}", place.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upload_that_is_dropped_leaves_nothing_wherever_it_was() {
    for place in Place::all() {
        let store = place.open().await;
        for (bytes, ended) in [
            (0, false),
            (5_000, false),
            (5_000, true),
            (LARGE, false),
            (LARGE, true),
        ] {
            let mut incoming = IncomingFiles::begin(&store).await.unwrap();
            incoming.file("first.xml").await.unwrap();
            write(&mut incoming, content(100)).await;
            incoming.end().await.unwrap();
            incoming.file("a.zip").await.unwrap();
            write(&mut incoming, content(bytes)).await;
            if ended {
                incoming.end().await.unwrap();
            }
            assert!(!place.names().await.is_empty(), "{}", place.name());
            drop(incoming);
            place
                .wait_until_empty(&format!("after {bytes} bytes, {ended}"))
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealed_upload_stays_unless_the_store_has_no_import_of_it() {
    for place in Place::all() {
        let store = place.open().await;
        let sealed = async || {
            let mut incoming = IncomingFiles::begin(&store).await.unwrap();
            incoming.file("a.xml").await.unwrap();
            write(&mut incoming, content(100)).await;
            incoming.end().await.unwrap();
            let name = incoming.name().to_owned();
            (name, incoming.seal(import()).await.unwrap())
        };
        let (_, refused) = sealed().await;
        refused.remove().await.unwrap();
        assert_eq!(place.names().await, [""; 0], "{}", place.name());
        let (name, unclear) = sealed().await;
        drop(unclear);
        // The task of the upload ends soon.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let names = place.names().await;
        assert!(names.contains(&format!("{name}/001-a.xml")), "{names:?}");
    }
}

/// An upload of a process that dies: its tasks end with its runtime, and nothing is cleaned up.
fn killed(server: &S3Server, bytes: usize, is_sealed: bool) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (name, incoming, sealed) = runtime.block_on(async {
        let bucket = connect(server);
        let mut incoming = IncomingFiles::begin(&FileStore::Bucket(bucket))
            .await
            .unwrap();
        let name = incoming.name().to_owned();
        incoming.file("first.xml").await.unwrap();
        write(&mut incoming, content(100)).await;
        incoming.end().await.unwrap();
        incoming.file("a.zip").await.unwrap();
        write(&mut incoming, content(bytes)).await;
        if is_sealed {
            incoming.end().await.unwrap();
            return (name, None, Some(incoming.seal(import()).await.unwrap()));
        }
        while server.parts() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        (name, Some(incoming), None)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    drop((incoming, sealed));
    name
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_killed_processes_left_is_removed_an_hour_later_by_any_other() {
    let Some(server) = S3Server::start() else {
        return;
    };
    let server = Arc::new(server);
    let seen = Arc::clone(&server);
    let dying = move || {
        let half = killed(&seen, LARGE, false);
        let sealed = [killed(&seen, LARGE, true), killed(&seen, 5, true)];
        (half, sealed)
    };
    let (half, [imported, lost]) = tokio::task::spawn_blocking(dying).await.unwrap();
    assert!(server.parts() > 0, "{:?}", server.unfinished());
    let store = FileStore::Bucket(connect(&server));
    assert_eq!(store.abandoned(true).await.unwrap(), [], "all are recent");
    server.age(Duration::from_secs(3_700));
    let found = store.abandoned(false).await.unwrap();
    let mut names: Vec<_> = found.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    let mut expected = [half.as_str(), &imported, &lost];
    expected.sort_unstable();
    assert_eq!(names, expected);
    for upload in &found {
        assert_eq!(upload.import.is_some(), upload.name != half);
        store.settle(upload, upload.name == imported).await.unwrap();
        // Two processes at once.
        store.settle(upload, upload.name == imported).await.unwrap();
    }
    let left = ["001-first.xml", "002-a.zip"].map(|file| format!("{imported}/{file}"));
    assert_eq!(server.objects(), left);
    assert_eq!(server.unfinished(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bucket_that_goes_away_is_named_and_used_again_when_it_is_back() {
    let Some(mut server) = S3Server::start() else {
        return;
    };
    let place = connect(&server);
    let store = FileStore::Bucket(place.clone());
    let mut incoming = IncomingFiles::begin(&store).await.unwrap();
    incoming.file("a.zip").await.unwrap();
    write(&mut incoming, content(9 * 1024 * 1024)).await;
    server.stop();
    let says = |error: StorageError| {
        let text = error.to_string();
        let is_named = text.contains(S3Server::URL) && text.contains("cannot be reached");
        assert!(is_named && !text.contains("canary"), "{text}");
    };
    says(incoming.end().await.unwrap_err());
    says(incoming.write(content(5)).await.unwrap_err());
    says(IncomingFiles::begin(&store).await.unwrap_err());
    assert!(place.check().await.is_err());
    server.start_again();
    place.check().await.unwrap();
    let incoming = IncomingFiles::begin(&store).await.unwrap();
    drop(incoming);
}
