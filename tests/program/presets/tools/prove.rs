//! Perl's prove, where a test is a file.

use crate::{
    presets::tool::{Does, Tool, none, starts},
    support::Stage,
};

pub(crate) static PROVE: Tool = Tool {
    preset: "prove",
    mode: "batch",
    suite: "t",
    testcase: |name| format!("{name}.t"),
    // A file has no `/` in its name, and 255 bytes at most.
    can_have: |name| !name.contains('/') && name.len() < 250,
    refuses: none,
    has_stream: true,
    // Its output ends before its plan is fulfilled.
    exit_outcome: "failed",
    refuses_unknown: false,
    program: || starts("perl").then(|| vec!["perl".to_owned()]),
    run_all: &["-MApp::Prove", "-e", RUN],
    write,
};

const RUN: &str = "$app = App::Prove->new; $app->process_args('t'); exit($app->run ? 0 : 1)";

const SCRIPT: &str = "#!/usr/bin/perl
use strict; use warnings; use Test::More tests => 1; use File::Basename;
my ($does) = 'DOES';
open my $ran, '>>', 'ran' or die; print {$ran} basename($0), \"\\n\"; close $ran;
exit 0 if $does eq 'exits';
while ($does eq 'waits' && -e 't' && !-e 'go') { select undef, undef, undef, 0.02 }
ok($does ne 'fails');
";

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    let _ = std::fs::remove_dir_all(stage.path("t"));
    for (name, does) in tests {
        stage.write(&format!("t/{name}.t"), SCRIPT.replace("DOES", does.word()));
    }
}
