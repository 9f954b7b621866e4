//! Maven with Surefire and JUnit 5. A test is a class: signs that no class can have become numbers.

use std::path::Path;

use crate::{
    presets::{
        tool::{Does, Tool, none, starts},
        tools::go,
    },
    support::Stage,
};

/// Debian's, which knows the versions of Debian's plugins.
const MVN: &str = "/usr/share/maven/bin/mvn";
/// Where Debian has Maven's plugins and JUnit.
const REPOSITORY: &str = "/usr/share/maven-repo";

pub(crate) static MAVEN: Tool = Tool {
    preset: "maven",
    mode: "batch",
    suite: "src/test",
    testcase: |name| format!("p.{}", class(name)),
    // A file has 255 bytes at most in its name, and Java reads it in the coding of the system.
    can_have: |name| name.is_ascii() && class(name).len() < 200,
    refuses: none,
    has_stream: false,
    exit_outcome: "error",
    refuses_unknown: false,
    program: || {
        let needed = [
            "org/apache/maven/plugins/maven-surefire-plugin",
            "org/junit/jupiter/junit-jupiter-engine",
        ];
        let has = |path: &str| Path::new(REPOSITORY).join(path).exists();
        let repository = format!("-Dmaven.repo.local={REPOSITORY}");
        // Without a JVM of its own for the tests: that of Surefire 2.22.3 waits for ten seconds at its end.
        let program = [
            "env",
            "MAVEN_OPTS=-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
            MVN,
            "--offline",
            "--quiet",
            &repository,
            "-DforkCount=0",
        ];
        (needed.into_iter().all(has) && starts(MVN)).then(|| program.map(str::to_owned).to_vec())
    },
    run_all: &["test"],
    write,
};

/// With the name of a test class.
fn class(name: &str) -> String {
    go::testcase(name)
}

const ACT: &str = r#"package p;
import java.nio.file.*;
class Act {
    static void act(String name, String does) throws Exception {
        Files.write(Paths.get("ran"), (name + "\n").getBytes("UTF-8"), StandardOpenOption.APPEND, StandardOpenOption.CREATE);
        if (does.equals("exits")) System.exit(0);
        while (does.equals("waits") && Files.exists(Paths.get("pom.xml")) && !Files.exists(Paths.get("go"))) Thread.sleep(20);
        if (does.equals("fails")) throw new AssertionError("boom");
    }
}
"#;

const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>g</groupId><artifactId>a</artifactId><version>1</version>
  <properties>
    <maven.compiler.source>8</maven.compiler.source>
    <maven.compiler.target>8</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter-engine</artifactId><version>debian</version>
      <scope>test</scope>
    </dependency>
  </dependencies>
</project>
"#;

fn write(stage: &Stage, tests: &[(&str, Does)]) {
    let folder = "src/test/java/p";
    let _ = std::fs::remove_dir_all(stage.path(folder));
    stage.write("pom.xml", POM);
    stage.write(&format!("{folder}/Act.java"), ACT);
    for (name, does) in tests {
        let (class, does) = (class(name), does.word());
        let text = format!(
            "package p;\nclass {class} {{\n  @org.junit.jupiter.api.Test void passes() {{}}\n  \
             @org.junit.jupiter.api.Nested class Inner {{\n    \
             @org.junit.jupiter.api.Test void acts() throws Exception {{ Act.act(\"p.{class}\", \"{does}\"); }}\n  }}\n}}\n"
        );
        stage.write(&format!("{folder}/{class}.java"), text);
    }
}
