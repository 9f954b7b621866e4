//! Files to upload, a service of ours that takes them, and a socket that only looks.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use secrecy::SecretString;
use testplan::{
    client::{
        Client, Credentials, Endpoint, HttpOptions, HttpTransport, Import, Patience, StartPlan,
        UploadFile, UploadFileKind,
    },
    clock::{self, ServiceClock},
    files::{FileStore, FolderStore},
    model::{Capability, Plan, PlanKind, Test},
    service::{Access, ImportStorage, Limits, Principal, Service},
    store::{
        PlannedTest, Rules, Store as _, TemplateDefinition,
        sqlite::{Durability, SqliteStore},
    },
};
use tokio::{net::TcpListener, task::JoinHandle};

pub(super) const TOKEN: &str = "canary-of-imports";

pub(super) const JUNIT: &str = r#"<testsuites><testsuite name="suite_a"><testcase classname="suite_a" name="tst_one" time="1.5"/><testcase classname="suite_a" name="tst_two"><failure message="no"/></testcase></testsuite></testsuites>"#;

/// A client of `url` that has little patience.
pub(super) fn client(url: &str) -> Client {
    let patience = Patience {
        service: Duration::from_secs(5),
        finish: Duration::from_secs(5),
        request: Duration::from_millis(700),
    };
    Client::new(
        Arc::new(HttpTransport::new(&HttpOptions::default()).unwrap()),
        Endpoint::parse(url, false).unwrap(),
        Credentials::Token(SecretString::from(TOKEN)),
        patience,
    )
    .unwrap()
}

/// A file in a folder, as one to upload.
pub(super) fn file(folder: &Path, name: &str, content: &[u8]) -> UploadFile {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    UploadFile {
        kind: UploadFileKind::of(&path).unwrap(),
        name: name.to_owned(),
        path,
    }
}

/// An upload of files to a project and a batch.
pub(super) fn import(labels: &[&str], files: Vec<UploadFile>) -> Import {
    Import {
        project: "example".to_owned(),
        batch: "nightly 7".to_owned(),
        labels: labels.iter().map(|label| label.parse().unwrap()).collect(),
        files,
        key: None,
    }
}

/// A service of ours on a socket, with one plan of two tests on Linux.
pub(super) struct Served {
    pub(super) url: String,
    pub(super) place: tempfile::TempDir,
    task: JoinHandle<()>,
}

impl Served {
    pub(super) async fn start() -> Self {
        Self::limited(ImportStorage::LIMIT).await
    }

    pub(super) async fn limited(limit: u64) -> Self {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("store.db");
        let (store, opened) =
            SqliteStore::open(&file, Durability::Normal, Rules::default(), clock::wall()).unwrap();
        let tests = ["tst_one", "tst_two"].map(|testcase| PlannedTest {
            test: Test {
                suite: "suite_a".to_owned(),
                testcase: testcase.to_owned(),
            },
            required: [Capability::new("OS", "Linux")].into_iter().collect(),
        });
        let template = TemplateDefinition {
            project: "example".to_owned(),
            title: "T".to_owned(),
            description: String::new(),
            tags: Vec::new(),
            executions: tests.into(),
        };
        store.publish(vec![template], clock::wall()).await.unwrap();
        let access = Access::Principals(vec![Principal::token("ci", &SecretString::from(TOKEN))]);
        let clock = Arc::new(ServiceClock::starting_at(opened.high_water));
        let service = Service::new(Arc::new(store), clock, access, Limits::default());
        let folder = FolderStore {
            path: place.path().join("imports"),
            durable: true,
            is_shared: false,
        };
        let files = FileStore::Folder(folder);
        let imports = ImportStorage { files, limit };
        service.keep_imports(imports).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = async move {
            service
                .serve(listener, std::future::pending())
                .await
                .unwrap();
        };
        Self {
            url,
            place,
            task: tokio::spawn(serving),
        }
    }

    pub(super) fn client(&self) -> Client {
        client(&self.url)
    }

    /// A plan in the batch of [`import`].
    pub(super) async fn plan(&self) -> Plan {
        let client = self.client();
        let template = client
            .find_plan("example", "T", PlanKind::Template)
            .await
            .unwrap();
        let start = StartPlan {
            project: template.project,
            template: template.id,
            title: "nightly".to_owned(),
            batch: "nightly 7".to_owned(),
            planned: None,
            linked: Vec::new(),
            tests: None,
            discovery: None,
            origin: testplan::model::PlanOrigin::default(),
        };
        client.execute_plan(&start).await.unwrap()
    }

    /// What is in the folder of imports.
    pub(super) fn kept(&self) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(self.place.path().join("imports")) else {
            return Vec::new();
        };
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}
