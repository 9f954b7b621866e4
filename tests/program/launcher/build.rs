//! The build of the action's own checkout.

use std::{fs, path::Path};

use super::checkout::{Checkout, executable};

/// Tells how it was called, and leaves a binary where cargo would.
const CARGO: &str = r#"
    printf 'called: %s\n' "$*"; pwd; echo "target=$CARGO_BUILD_TARGET"
    while [ "$1" != --target-dir ]; do shift; done
    mkdir -p "$2/release"; printf '#!/bin/sh\nexit 7\n' >"$2/release/testplan"; chmod +x "$2/release/testplan""#;

/// A checkout with a source, and a cargo that does this.
fn with_source(cargo: &str) -> Option<Checkout> {
    let checkout = Checkout::new()?;
    let root = checkout.path("action");
    fs::create_dir_all(root.join("src/run")).unwrap();
    for file in ["Cargo.toml", "Cargo.lock", "src/main.rs", "src/run/it.rs"] {
        fs::write(root.join(file), file).unwrap();
    }
    executable(&checkout.path("path/cargo"), cargo);
    Some(checkout)
}

#[test]
fn the_source_is_built_once_and_not_taken_for_a_release() {
    let Some(checkout) = with_source(CARGO) else {
        return;
    };
    let ended = checkout
        .main()
        .env("CARGO_BUILD_TARGET", "elsewhere")
        .run()
        .code_is(7);
    let target = checkout.path("temp/testplan-build");
    let called = format!(
        "called: build --release --locked --bin testplan --target-dir {}\n",
        target.display()
    );
    let root = fs::canonicalize(checkout.path("action")).unwrap();
    let grouped = format!(
        "::group::cargo build\n{called}{}\ntarget=\n::endgroup::\n",
        root.display()
    );
    assert!(ended.stdout.contains(&grouped), "{ended}");

    let ended = checkout.main().run().code_is(7);
    assert!(!ended.stdout.contains("called"), "{ended}");
    assert!(!checkout.kept("1.2.3").exists());
    let versions: Vec<_> = fs::read_dir(checkout.path("tools/testplan"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        matches!(&versions[..], [one] if one.to_str().unwrap().starts_with("1.2.3-src-")),
        "{versions:?}"
    );
}

#[test]
fn each_source_is_built() {
    let Some(checkout) = with_source(CARGO) else {
        return;
    };
    checkout.main().run().code_is(7);
    let root = checkout.path("action");
    let changes: [&dyn Fn(&Path); 5] = [
        &|root| fs::write(root.join("Cargo.toml"), "changed").unwrap(),
        &|root| fs::write(root.join("Cargo.lock"), "changed").unwrap(),
        &|root| fs::write(root.join("src/run/it.rs"), "changed").unwrap(),
        &|root| fs::rename(root.join("src/run/it.rs"), root.join("src/run/that.rs")).unwrap(),
        &|root| fs::write(root.join("src/new.sql"), "").unwrap(),
    ];
    for change in changes {
        change(&root);
        let ended = checkout.main().run().code_is(7);
        assert!(ended.stdout.contains("called: build"), "{ended}");
    }
    // Not the source.
    fs::write(root.join("README.md"), "changed").unwrap();
    let ended = checkout.main().run().code_is(7);
    assert!(!ended.stdout.contains("called: build"), "{ended}");
}

#[test]
fn a_build_that_fails_is_told_after_its_group() {
    let Some(checkout) = with_source("echo no such crate >&2; exit 101") else {
        return;
    };
    let ended = checkout.main().run().code_is(3);
    assert_eq!(ended.stderr, "no such crate\n");
    let names: Vec<String> = ended.commands().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["group", "endgroup", "error"]);
    let error = &ended.commands()[2].1;
    assert!(
        error.contains("\n- build: cargo ended with exit code 101\nSee what cargo said above, or "),
        "{error}"
    );
}

#[test]
fn without_cargo_rust_is_asked_for() {
    let Some(checkout) = with_source("") else {
        return;
    };
    fs::remove_file(checkout.path("path/cargo")).unwrap();
    let ended = checkout
        .main()
        .env("PATH", checkout.path("path"))
        .run()
        .code_is(3);
    let error = &ended.commands()[2].1;
    assert!(
        error.contains(
            "\n- build: there is no cargo on PATH\nInstall Rust in a step before this one"
        ),
        "{error}"
    );
}

/// The real cargo and a small crate: what is asked of cargo is what cargo does.
#[test]
fn the_real_cargo_builds_a_checkout() {
    let Some(checkout) = with_source("") else {
        return;
    };
    let root = checkout.path("action");
    let manifest =
        "[package]\nname = \"testplan\"\nversion = \"1.2.3\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(root.join("Cargo.toml"), manifest).unwrap();
    fs::write(
        root.join("Cargo.lock"),
        "version = 4\n[[package]]\nname = \"testplan\"\nversion = \"1.2.3\"\n",
    )
    .unwrap();
    fs::write(
        root.join("src/main.rs"),
        "fn main() { std::process::exit(std::env::args().count() as i32 + 40) }",
    )
    .unwrap();
    // Cargo's settings of the workspace are not the action's.
    fs::create_dir_all(checkout.path("workspace/.cargo")).unwrap();
    fs::write(
        checkout.path("workspace/.cargo/config.toml"),
        "[build]\ntarget = \"no-such-target\"\n",
    )
    .unwrap();
    let path = std::env::var_os("PATH").unwrap();
    checkout.main().env("PATH", path).run().code_is(42);
}
