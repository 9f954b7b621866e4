//! Where the binary comes from, in order; and what is said where none is.

use std::fs;

use super::checkout::{Checkout, arch, executable};
use crate::support::Answer;

#[test]
fn binary_path_goes_before_all_else_in_both_spellings() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let place = checkout.keep("1.2.3", "exit 7");
    fs::write(place.with_extension("complete"), "").unwrap();
    let binary = checkout.binary("workspace/my testplan", "exit 9");

    checkout.main().binary_path(&binary).run().code_is(9);
    checkout
        .main()
        .binary_path("  my testplan\n")
        .run()
        .code_is(9);
    checkout
        .main()
        .env("INPUT_BINARY_PATH", &binary)
        .run()
        .code_is(9);
    checkout
        .main()
        .binary_path(" ")
        .env("INPUT_BINARY_PATH", &binary)
        .run()
        .code_is(9);
    checkout.main().binary_path(" ").run().code_is(7);
}

#[test]
fn a_binary_path_that_is_no_file_is_an_error_and_nothing_else_is_tried() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let place = checkout.keep("1.2.3", "exit 7");
    fs::write(place.with_extension("complete"), "").unwrap();
    for path in ["not/there", "."] {
        let ended = checkout.main().binary_path(path).run().code_is(3);
        let error = ended.only("error");
        let whole = checkout.path("workspace").join(path);
        assert!(
            error.contains(&format!("binary-path says {path}, but")),
            "{error}"
        );
        assert!(
            error.contains(whole.to_str().unwrap().trim_end_matches("/.")),
            "{error}"
        );
        assert_eq!(checkout.state(), []);
    }
}

#[test]
fn a_binary_that_cannot_be_started_is_told_with_its_cure() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let plain = checkout.path("plain");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    let error = checkout
        .main()
        .binary_path(&plain)
        .run()
        .code_is(3)
        .only("error");
    assert!(
        error.contains("EACCES") && error.contains("chmod +x"),
        "{error}"
    );

    let foreign = checkout.path("foreign");
    fs::write(&foreign, "").unwrap();
    executable(&foreign, "");
    let text = fs::read_to_string(&foreign)
        .unwrap()
        .replace("/bin/sh", "/not/there");
    fs::write(&foreign, text).unwrap();
    let error = checkout
        .main()
        .binary_path(&foreign)
        .run()
        .code_is(3)
        .only("error");
    assert!(
        error.contains("ENOENT") && error.contains("operating system"),
        "{error}"
    );
    assert_eq!(checkout.state(), []);
}

/// Whatever ends with 0 would be green.
#[test]
fn a_binary_path_that_is_not_testplan_is_an_error() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    for (script, said) in [
        ("exit 0", "exit code 0 and printed \"\""),
        ("echo testplan", "printed \"testplan\\n\""),
        ("echo testplanner 1.2.3", "printed \"testplanner 1.2.3\\n\""),
        ("echo testplan 1.2.3; exit 1", "exit code 1"),
        ("yes", "is not testplan"),
        ("kill -TERM $$", "ended by SIGTERM"),
    ] {
        let other = checkout.stranger("other", script);
        let ended = checkout.main().binary_path(&other).run().code_is(3);
        let error = ended.only("error");
        assert!(error.contains(said), "{script}: {error}");
        assert!(error.contains("leave the input out"), "{error}");
        assert_eq!(checkout.state(), [], "{script}: there is nothing for post");
    }
    checkout.main().binary_path("/bin/true").run().code_is(3);
}

#[test]
fn the_tool_cache_needs_the_marker_the_version_and_the_processor() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let place = checkout.keep("1.2.3", "exit 7");
    let marker = place.with_file_name(format!("{}.complete", arch()));
    checkout.main().run().code_is(3);

    fs::write(&marker, "").unwrap();
    checkout.main().run().code_is(7);

    fs::remove_file(place.join("testplan")).unwrap();
    checkout.main().run().code_is(3);

    let other = checkout.keep("1.2.4", "exit 8");
    fs::write(other.with_file_name(format!("{}.complete", arch())), "").unwrap();
    checkout.main().run().code_is(3);
}

#[test]
fn the_tool_cache_goes_before_the_download() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let host = super::download::release_host([Answer::new(404, "")]);
    checkout.release(&super::download::files(
        &format!("{}/testplan", host.url),
        b"x",
    ));
    let place = checkout.keep("1.2.3", "exit 7");
    fs::write(place.with_file_name(format!("{}.complete", arch())), "").unwrap();
    checkout.main().run().code_is(7);
    assert!(host.requests().is_empty());
}

#[test]
fn failure_names_every_attempt_and_one_cure() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let error = checkout.main().run().code_is(3).only("error");
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 5, "{error}");
    assert_eq!(lines[0], "There is no testplan 1.2.3 for this machine.");
    assert_eq!(
        lines[1],
        format!(
            "- tool cache: no 1.2.3 for {} in {}",
            arch(),
            checkout.path("tools").display()
        )
    );
    assert!(
        lines[2].starts_with("- download: dist/manifest.json of this version lists none for "),
        "{error}"
    );
    assert!(
        lines[3].starts_with("- build: ") && lines[3].ends_with("has no Cargo.toml"),
        "{error}"
    );
    assert_eq!(
        lines[4],
        "Use a released version of this action, or give the path of a testplan binary in the input binary-path."
    );
    assert_eq!(checkout.state(), []);
}

#[test]
fn an_unknown_machine_is_named() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    let preload = checkout.path("odd.cjs");
    fs::write(
        &preload,
        "Object.defineProperty(process, 'arch', { value: 'riscv64' });",
    )
    .unwrap();
    let options = format!("--require \"{}\"", preload.display());
    let ended = checkout.main().env("NODE_OPTIONS", options).run();
    let error = ended.code_is(3).only("error");
    assert!(error.contains("lists none for linux-riscv64"), "{error}");
}

#[test]
fn hostile_paths_stay_text() {
    let Some(checkout) = Checkout::new() else {
        return;
    };
    for hostile in [
        "x\n::set-env name=A::b",
        "x\r::stop-commands::y",
        "%0A::warning::y",
        "##[add-mask]x",
        "é\u{2028}\u{7}",
    ] {
        let ended = checkout.main().binary_path(hostile).run().code_is(3);
        let error = ended.only("error");
        assert!(error.contains(&format!("says {hostile}, but")), "{error:?}");

        let tools = checkout.path(&format!("tools {}", hostile.replace('/', "")));
        let ended = checkout
            .main()
            .env("RUNNER_TOOL_CACHE", &tools)
            .run()
            .code_is(3);
        let error = ended.only("error");
        assert!(error.contains(tools.to_str().unwrap()), "{error:?}");
        let binary = checkout.binary(&hostile.replace('/', ""), "exit 0");
        assert_eq!(
            checkout
                .main()
                .binary_path(binary)
                .run()
                .code_is(0)
                .commands(),
            []
        );
    }
}
