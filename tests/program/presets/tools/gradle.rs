//! Gradle with JUnit 4. A test is a class: signs that no class can have become numbers.

use std::path::Path;

use crate::{
    presets::{
        tool::{Does, Tool, starts},
        tools::{go, maven::MAVEN},
    },
    support::Stage,
};

/// Where Debian has JUnit.
const JUNIT: &str = "/usr/share/java/junit4.jar";

pub(crate) static GRADLE: Tool = Tool {
    preset: "gradle",
    program: || {
        // Not another one on the path, which may have no Java to run with.
        let gradle = "/usr/share/gradle/bin/gradle";
        let options = "GRADLE_OPTS=-XX:+UseSerialGC -XX:TieredStopAtLevel=1";
        let program = [
            "env",
            options,
            gradle,
            "--offline",
            "--no-daemon",
            "--quiet",
        ];
        let has_junit = Path::new(JUNIT).exists();
        (has_junit && starts(gradle)).then(|| program.map(str::to_owned).to_vec())
    },
    write,
    ..MAVEN
};

const ACT: &str = r#"package p;
import java.nio.file.*;
class Act {
    static void act(String name, String does) throws Exception {
        Files.write(Paths.get("ran"), (name + "\n").getBytes("UTF-8"), StandardOpenOption.APPEND, StandardOpenOption.CREATE);
        if (does.equals("exits")) System.exit(0);
        while (does.equals("waits") && Files.exists(Paths.get("build.gradle")) && !Files.exists(Paths.get("go"))) Thread.sleep(20);
        if (does.equals("fails")) throw new AssertionError("boom");
    }
}
"#;

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    let folder = "src/test/java/p";
    let _ = std::fs::remove_dir_all(stage.path(folder));
    let build = format!(
        "apply plugin: 'java'\n\
         def kind = configurations.findByName('testImplementation') ? 'testImplementation' : 'testCompile'\n\
         dependencies.add(kind, files('{JUNIT}', '/usr/share/java/hamcrest-core.jar'))\n"
    );
    stage.write("build.gradle", build);
    // Gradle would look for one around the folder.
    stage.write("settings.gradle", "rootProject.name = 'a'\n");
    stage.write(&format!("{folder}/Act.java"), ACT);
    for (name, does) in tests {
        let (class, does) = (go::testcase(name), does.word());
        let text = format!(
            "package p;\npublic class {class} {{\n  @org.junit.Test public void passes() {{}}\n  \
             public static class Inner {{\n    \
             @org.junit.Test public void acts() throws Exception {{ Act.act(\"p.{class}\", \"{does}\"); }}\n  }}\n}}\n"
        );
        stage.write(&format!("{folder}/{class}.java"), text);
    }
}
