//! Lists of tests that come with requests for plans, and templates that are published on request.

use testplan::{
    model::{DiscoveryAccount, PlanId, PlannedTest, TestListDigest},
    store::{
        ExecutePlan, PlanQuery, PlanTests, RefusalCode, RequestedTests, Rules, TemplateDefinition,
    },
};

use crate::store::world::{Fresh, World, refused, request_for, template};

type Make = fn(Rules) -> Fresh;

/// The tests t1, t2, … with these labels each.
fn list(labels: &[&str]) -> Vec<PlannedTest> {
    template("", labels).executions
}

fn with(template: PlanId, tests: &[PlannedTest], is_sent: bool) -> ExecutePlan {
    ExecutePlan {
        tests: Some(RequestedTests {
            digest: TestListDigest::of(tests),
            list: is_sent.then(|| tests.to_vec()),
        }),
        ..request_for(template)
    }
}

/// A world, and the number of its template.
async fn world(make: Make, labels: &[&str]) -> (World, PlanId) {
    let mut world = World::new(make, labels).await;
    let ids = publish(&world, &[template("template", labels)]).await;
    world.plan = PlanId(0);
    (world, ids[0])
}

async fn publish(world: &World, templates: &[TemplateDefinition]) -> Vec<PlanId> {
    let published = world.store.publish(templates.to_vec(), world.now());
    published.await.unwrap()
}

/// The names of a plan's tests, with the number and the labels of each.
async fn tests(world: &World, plan: PlanId) -> Vec<(String, i64, String)> {
    let page = world.store.executions(plan, None, 0, 1_000, world.now());
    let items = page.await.unwrap().items.into_iter();
    items
        .map(|e| (e.test.testcase, e.test_id.0, e.required.to_string()))
        .collect()
}

pub(crate) async fn plan_has_the_requested_tests(make: Make) {
    let (world, template) = world(make, &["OS=Linux", ""]).await;
    let (old, new) = (list(&["OS=Linux", ""]), list(&["", "OS=Linux", "OS=Mac"]));
    let mut plans = vec![];
    for (tests, is_sent) in [(&old, false), (&new, true), (&old, false), (&new, false)] {
        let plan = world.execute(with(template, tests, is_sent)).await.unwrap();
        assert_eq!(plan.count, tests.len() as u64);
        let kept = world.store.plan_tests(plan.id, world.now()).await.unwrap();
        assert_eq!(kept.digest, Some(TestListDigest::of(tests)));
        plans.push(plan.id);
    }
    let vendor = world.execute(request_for(template)).await.unwrap();
    let kept = world.store.plan_tests(vendor.id, world.now());
    assert_eq!(kept.await.unwrap(), PlanTests::default());

    let row = |name: &str, id, labels: &str| (name.to_owned(), id, labels.to_owned());
    let of_old = [row("t1", 1, "OS=Linux"), row("t2", 2, "any")];
    // A test keeps its number whatever list it is in.
    let of_new = [
        row("t1", 1, "any"),
        row("t2", 2, "OS=Linux"),
        row("t3", 3, "OS=Mac"),
    ];
    for (index, plan) in plans.into_iter().enumerate() {
        let expected = if index % 2 == 0 { &of_old[..] } else { &of_new };
        assert_eq!(tests(&world, plan).await, expected, "{index}");
    }
    assert_eq!(tests(&world, vendor.id).await, of_old);
}

pub(crate) async fn unknown_list_starts_no_plan(make: Make) {
    let (world, template) = world(make, &[""]).await;
    let tests = list(&["", ""]);
    let mut request = with(template, &tests, false);
    "new".clone_into(&mut request.title);
    request.key = Some("k".to_owned());
    assert_eq!(
        refused(world.execute(request.clone()).await),
        RefusalCode::UnknownTests
    );
    let query = PlanQuery {
        project: "project".to_owned(),
        title: "new".to_owned(),
        kind: testplan::model::PlanKind::Instance,
    };
    let found = world.store.find_plan(query, world.now()).await;
    assert_eq!(refused(found), RefusalCode::Unknown);
    // The key is not used up: the same request with its list starts the plan, and either way gets it again.
    request.tests = with(template, &tests, true).tests;
    let plan = world.execute(request.clone()).await.unwrap();
    assert_eq!(world.execute(request.clone()).await.unwrap(), plan);
    request.tests = with(template, &tests, false).tests;
    assert_eq!(world.execute(request.clone()).await.unwrap(), plan);
    for other in [None, with(template, &list(&[""]), false).tests] {
        request.tests = other;
        assert_eq!(
            refused(world.execute(request.clone()).await),
            RefusalCode::KeyReused
        );
    }
}

pub(crate) async fn list_with_a_wrong_digest_is_refused(make: Make) {
    let (world, template) = world(make, &[""]).await;
    let (tests, other) = (list(&["", ""]), list(&["", "", ""]));
    let mut forged = with(template, &tests, true);
    forged.tests.as_mut().unwrap().list = Some(other.clone());
    assert_eq!(refused(world.execute(forged).await), RefusalCode::Malformed);
    for tests in [&tests, &other] {
        let request = with(template, tests, false);
        assert_eq!(
            refused(world.execute(request).await),
            RefusalCode::UnknownTests
        );
    }
    // Nor is that of a request which is refused for another reason.
    let mut request = with(PlanId(9_999), &tests, true);
    assert_eq!(
        refused(world.execute(request.clone()).await),
        RefusalCode::Unknown
    );
    request.template = template;
    request.tests.as_mut().unwrap().list = None;
    assert_eq!(
        refused(world.execute(request).await),
        RefusalCode::UnknownTests
    );
    let mut nameless = list(&[""]);
    nameless[0].test.testcase.clear();
    let request = with(template, &nameless, true);
    assert_eq!(
        refused(world.execute(request).await),
        RefusalCode::Malformed
    );
}

pub(crate) async fn list_is_known_only_in_its_project(make: Make) {
    let (world, here) = world(make, &[""]).await;
    let elsewhere = TemplateDefinition {
        project: "other".to_owned(),
        ..template("template", &[""])
    };
    let there = publish(&world, &[elsewhere]).await[0];
    let tests = list(&["", ""]);
    world.execute(with(here, &tests, true)).await.unwrap();
    let request = with(there, &tests, false);
    assert_eq!(
        refused(world.execute(request).await),
        RefusalCode::UnknownTests
    );
    let plan = world.execute(with(there, &tests, true)).await.unwrap();
    assert_eq!(plan.count, 2);
}

pub(crate) async fn plan_stores_its_discovery(make: Make) {
    let (world, template) = world(make, &[""]).await;
    let account = DiscoveryAccount {
        listed: 3,
        taken: 1,
        left_out_lines: 2,
        ..DiscoveryAccount::default()
    };
    let request = ExecutePlan {
        discovery: Some(account.clone()),
        ..with(template, &list(&[""]), false)
    };
    let plan = world.execute(request).await.unwrap();
    let kept = world.store.plan_tests(plan.id, world.now()).await.unwrap();
    assert_eq!(kept.discovery, Some(account));
    let of_template = world.store.plan_tests(template, world.now()).await;
    assert!(of_template.is_err());
}

pub(crate) async fn publishing_on_request_keeps_other_templates(make: Make) {
    let (world, id) = world(make, &["", "OS=Linux"]).await;
    let changed = template("template", &["", "OS=Mac", ""]);
    let new = template("new", &[""]);
    let both = vec![changed.clone(), new.clone()];
    let ask = |dry_run| {
        let templates = both.clone();
        world
            .store
            .publish_templates(templates, dry_run, world.now())
    };
    let dry = ask(true).await.unwrap();
    assert_eq!((dry[0].id, dry[1].id), (Some(id), None));
    let shape = |it: &testplan::store::TemplateDifference| {
        let flags = (it.is_new, it.is_changed);
        (flags, (it.before, it.count), (it.added, it.removed))
    };
    assert_eq!(shape(&dry[0]), ((false, true), (2, 3), (2, 1)));
    assert_eq!(shape(&dry[1]), ((true, true), (0, 1), (1, 0)));
    assert_eq!(dry[0].first_added, changed.executions[1..]);
    assert_eq!(dry[0].first_removed, list(&["", "OS=Linux"])[1..]);
    let count = async |id| world.store.plan(id, world.now()).await.unwrap().count;
    assert_eq!(count(id).await, 2, "a dry run changes nothing");

    let done = ask(false).await.unwrap();
    assert_eq!(
        (shape(&done[0]), shape(&done[1])),
        (shape(&dry[0]), shape(&dry[1]))
    );
    assert_eq!(count(id).await, 3);
    let again = ask(false).await.unwrap();
    assert_eq!(shape(&again[0]), ((false, false), (3, 3), (0, 0)));
    // One alone hides no other.
    let alone = vec![template("third", &[])];
    let published = world.store.publish_templates(alone, false, world.now());
    published.await.unwrap();
    assert_eq!(count(id).await, 3);
    let vendor = world.execute(request_for(id)).await.unwrap();
    assert_eq!(vendor.count, 3);
}

pub(crate) async fn unchanged_file_does_not_undo_a_published_template(make: Make) {
    let (world, id) = world(make, &["", ""]).await;
    let file = [template("template", &["", ""])];
    let (newer, new) = (template("template", &[""]), template("new", &[""]));
    let published = world
        .store
        .publish_templates(vec![newer, new], false, world.now());
    let of_request = published.await.unwrap()[1].id.unwrap();
    let count = async |id| {
        let request = request_for(id);
        world.execute(request).await.map(|plan| plan.count)
    };
    // A restart with the file as it was.
    assert_eq!(publish(&world, &file).await, [id]);
    assert_eq!(count(id).await.unwrap(), 1);
    assert_eq!(count(of_request).await.unwrap(), 1, "no file ever had it");
    // A restart with a newer file.
    let newest = [template("template", &["", "", ""])];
    publish(&world, &newest).await;
    assert_eq!(count(id).await.unwrap(), 3);
    // It leaves its file, is published on request, and stays.
    publish(&world, &[template("last", &[])]).await;
    assert_eq!(refused(count(id).await), RefusalCode::Unknown);
    let published = world
        .store
        .publish_templates(file.to_vec(), false, world.now());
    assert!(published.await.unwrap()[0].is_new);
    publish(&world, &[template("last", &[])]).await;
    assert_eq!(count(id).await.unwrap(), 2);
}
