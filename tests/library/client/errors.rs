//! What answers are taken for, and what the user reads.

use std::sync::Arc;

use testplan::{
    client::{
        Client, CredentialKind, Credentials, Endpoint, ErrorKind, Patience, RedirectTarget, Sent,
    },
    exit_code::Conclusion,
    model::{Capabilities, PlanId, PlanKind},
};

use super::script::{CANARY, Script, Step, answer, client, page, refused};

async fn kind(step: Step) -> ErrorKind {
    let script = Script::always(step);
    client(&script).plan(PlanId(1)).await.unwrap_err().kind
}

#[tokio::test(start_paused = true)]
async fn both_envelopes_are_read() {
    let flat = answer(400, r#"{"code":1001,"message":"bad\nid"}"#);
    let nested = answer(
        400,
        r#"{"error":{"code":"1001","message":"bad id","more":1}}"#,
    );
    let expected = ErrorKind::Refused {
        status: 400,
        code: Some(1001),
        message: "bad id".into(),
    };
    assert_eq!(kind(flat).await, expected);
    assert_eq!(kind(nested).await, expected);
    let other = kind(answer(400, r#"{"detail":"bad id"}"#)).await;
    assert_eq!(
        other,
        ErrorKind::Refused {
            status: 400,
            code: None,
            message: r#"{"detail":"bad id"}"#.into()
        }
    );
    assert_eq!(
        kind(answer(500, r#"{"error":{"code":1,"message":"oh"}}"#)).await,
        ErrorKind::Failed {
            status: 500,
            message: "oh".into()
        }
    );
}

#[tokio::test(start_paused = true)]
async fn foreign_pages_are_quoted_briefly() {
    for status in [200, 204, 304, 400, 404, 418] {
        let long = format!("<html>\r\n\u{1b}[31m{}</html>", "x".repeat(5000));
        let ErrorKind::NotUnderstood { snippet, json, .. } = kind(answer(status, long)).await
        else {
            panic!("{status} was understood");
        };
        assert!(
            snippet.starts_with("<html> \\u{1b}[31mxxx") && snippet.chars().count() <= 201,
            "{snippet}"
        );
        assert!(!json);
    }
    let ErrorKind::Failed { message, .. } = kind(page(502)).await else {
        panic!("5xx is a failure");
    };
    assert!(
        message.contains("Bad Gateway") && message.contains("\\u{7}"),
        "{message}"
    );
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_broken_in_any_way_are_not_understood() {
    let deep = "[".repeat(200_000);
    let huge = format!("[{}1]", "1,".repeat(4_000_000));
    for body in [
        "",
        "null",
        "7",
        r#"{"id":1"#,
        r#"{"id":{},"title":1}"#,
        "\u{feff}{}",
        deep.as_str(),
        huge.as_str(),
    ] {
        let kind = kind(answer(200, body.to_owned())).await;
        assert!(
            matches!(kind, ErrorKind::NotUnderstood { status: 200, .. }),
            "{kind}"
        );
    }
    let kind = kind(answer(200, b"\xff\xfe\x00".as_slice())).await;
    assert!(matches!(kind, ErrorKind::NotUnderstood { .. }), "{kind}");
}

#[tokio::test(start_paused = true)]
async fn redirects_say_what_to_do() {
    let to = |status, location| answer(status, "").with("location", location);
    let target = |kind| match kind {
        ErrorKind::Redirected { target, .. } => target,
        other => panic!("{other}"),
    };
    assert_eq!(
        target(kind(to(302, "/login/index")).await),
        RedirectTarget::Login
    );
    assert_eq!(
        target(kind(to(301, "/activation/index")).await),
        RedirectTarget::Activation
    );
    let elsewhere = to(308, "https://tc.example.com/tc/execution/v1/testplans/1");
    let elsewhere = kind(elsewhere).await;
    assert!(
        elsewhere
            .to_string()
            .contains("the URL should be https://tc.example.com/tc "),
        "{elsewhere}"
    );

    // An address of another host is shown, and no advice leads there.
    let location = "https://new.example.com/tc/execution/v1/testplans/1";
    let script = Script::new([to(308, location)]);
    let error = client(&script).plan(PlanId(1)).await.unwrap_err();
    assert!(error.to_string().contains(location), "{error}");
    let help = error.help();
    assert!(
        !help.contains("new.example.com") && !help.contains("TESTCENTER_URL"),
        "{help}"
    );

    let script = Script::new([to(302, "/activation/index")]);
    let error = client(&script).plan(PlanId(1)).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Test Center has no licence or first user yet"),
        "{error}"
    );
    assert!(!error.may_have_happened);
}

#[tokio::test(start_paused = true)]
async fn a_look_up_that_finds_nothing_is_not_a_broken_service() {
    let find = async |step| {
        let script = Script::always(step);
        client(&script)
            .find_plan("p", "T", PlanKind::Template)
            .await
            .unwrap_err()
    };
    let error = find(answer(
        404,
        r#"{"code":1002,"message":"did you mean \"TT\"?"}"#,
    ))
    .await;
    assert_eq!(error.conclusion(), Conclusion::NothingToRun);
    assert!(
        error
            .to_string()
            .ends_with(r#"no template "T" in project "p": did you mean "TT"?"#),
        "{error}"
    );
    assert_eq!(error.call, "GET /execution/v1/testplans");
    // A web server that knows no such page has not looked anything up.
    assert_eq!(
        find(page(404)).await.conclusion(),
        Conclusion::Infrastructure
    );
    assert_eq!(
        find(answer(404, "")).await.conclusion(),
        Conclusion::Infrastructure
    );
    assert_eq!(
        find(refused(400, 1)).await.conclusion(),
        Conclusion::Infrastructure
    );
    // An instance is no template.
    let instance = answer(200, r#"{"id":1,"title":"T","type":"instance"}"#);
    assert!(matches!(
        find(instance).await.kind,
        ErrorKind::NotUnderstood { .. }
    ));
    // Nor has another call that gets 404.
    let script = Script::new([refused(404, 1002)]);
    let error = client(&script)
        .status(PlanId(1), &Capabilities::default())
        .await
        .unwrap_err();
    assert_eq!(error.conclusion(), Conclusion::Infrastructure);
}

#[tokio::test(start_paused = true)]
async fn help_fits_what_was_presented() {
    let endpoint = || Endpoint::parse("https://tc.example.com", false).unwrap();
    let password = Credentials::Password {
        user: "ada".into(),
        password: CANARY.into(),
    };
    for (credentials, presented, help) in [
        (None, CredentialKind::None, "set TESTCENTER_TOKEN, or"),
        (
            Some(Credentials::Token(CANARY.into())),
            CredentialKind::Token,
            "check that TESTCENTER_TOKEN",
        ),
        (
            Some(password),
            CredentialKind::Password,
            "TESTCENTER_PASSWORD",
        ),
    ] {
        let script = Script::new([refused(401, 1)]);
        let client = Client::new(
            Arc::clone(&script) as _,
            endpoint(),
            credentials,
            Patience::default(),
        )
        .unwrap();
        let error = client.plan(PlanId(1)).await.unwrap_err();
        let expected = ErrorKind::Unauthorized {
            status: 401,
            message: "because".into(),
            presented,
        };
        assert_eq!(error.kind, expected);
        assert!(error.help().contains(help), "{}", error.help());
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_is_one_line_with_one_thing_to_do() {
    for step in [
        Step::Fail(Sent::No),
        page(200),
        page(502),
        refused(400, 1),
        refused(429, 1),
        answer(401, ""),
        answer(302, "").with("location", "/x"),
    ] {
        let script = Script::always(step);
        let error = client(&script).plan(PlanId(1)).await.unwrap_err();
        let line = error.to_string();
        assert!(
            line.starts_with("GET /execution/v1/testplans/1: ") && !line.contains('\n'),
            "{line}"
        );
        assert_eq!(
            line.contains(&format!("(after {} tries)", error.tries)),
            error.tries > 1,
            "{line}"
        );
        assert!(!error.help().is_empty() && !error.help().contains('\n'));
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_never_show_even_if_the_service_echoes_them() {
    // ada:canary4ever
    let basic = "YWRhOmNhbmFyeTRldmVy";
    let echoes = || {
        [
            answer(
                400,
                format!(r#"{{"code":1,"message":"Authorization: Token {CANARY} Basic {basic}"}}"#),
            ),
            answer(400, format!(r#"{{"Token":"{CANARY}","Basic":"{basic}"}}"#)),
            answer(401, format!(r#"{{"message":"{CANARY} {basic}"}}"#)),
            answer(
                502,
                format!("<pre>{}{CANARY} {basic}</pre>", "-".repeat(187)),
            ),
            answer(200, format!("<pre>{CANARY} {basic}</pre>")),
            answer(200, format!(r#"{{"id":"{CANARY}","title":"{basic}"}}"#)),
            answer(302, "").with(
                "location",
                "https://canary4ever@x/canary4ever?canary4ever#canary4ever",
            ),
        ]
    };
    for credentials in [
        Credentials::Token(CANARY.into()),
        Credentials::Password {
            user: "ada".into(),
            password: CANARY.into(),
        },
    ] {
        for step in echoes() {
            let script = Script::always(step);
            let endpoint = Endpoint::parse("https://tc.example.com", false).unwrap();
            let patience = Patience::default();
            let client = Client::new(
                Arc::clone(&script) as _,
                endpoint,
                credentials.clone(),
                patience,
            )
            .unwrap();
            let error = client.plan(PlanId(1)).await.unwrap_err();
            let all = format!("{error} {error:?} {} {client:?}", error.help());
            // A token's client does not know the other form, which is not its secret.
            let hidden: &[&str] = match credentials {
                Credentials::Password { .. } => &[CANARY, basic, "canary"],
                Credentials::Token(_) => &[CANARY, "canary"],
            };
            for secret in hidden {
                assert!(!all.contains(secret), "{all}");
            }
        }
    }
}

#[tokio::test]
async fn credentials_stay_off_plain_http() {
    let script = Script::new([]);
    let open = |allow| {
        let endpoint = Endpoint::parse("http://tc.example.com", allow).unwrap();
        let credentials = Credentials::Token(CANARY.into());
        Client::new(
            Arc::clone(&script) as _,
            endpoint,
            credentials,
            Patience::default(),
        )
    };
    let error = open(false).unwrap_err();
    assert!(
        error.to_string().contains("unencrypted") && error.help().contains("--allow-http"),
        "{error}"
    );
    assert!(open(true).is_ok());
    let endpoint = Endpoint::parse("http://tc.example.com", false).unwrap();
    assert!(Client::new(script, endpoint, None, Patience::default()).is_ok());
}
