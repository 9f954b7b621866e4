#!/usr/bin/env bash
# Maven Surefire 2.22.3 (Debian 12, libsurefire-java) with JUnit 5.9.2: `-Dtest=CLASS` leaves out the @Nested tests of the class.
#
# Expected: `mvn test -Dtest=p.ATest` runs the tests of p.ATest that `mvn test` runs.
# Real:     those in @Nested classes do not run, without a word, and the build succeeds. `-Dtest='p.ATest,p.ATest$*'` runs
#           them, and the tests of static classes inside too, which `mvn test` does not run.
#
# Output seen, 2026-11-30:
#   test: nested plain
#   test -Dtest=p.ATest: plain
#   test -Dtest=p.ATest,p.ATest$*: nested plain still
# Needs: apt-get install maven libsurefire-java maven-debian-helper junit5
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
mkdir -p src/test/java/p
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>g</groupId><artifactId>a</artifactId><version>1</version>
  <properties>
    <maven.compiler.source>8</maven.compiler.source><maven.compiler.target>8</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    <dependency>
      <groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter-engine</artifactId><version>5.9.2</version><scope>test</scope>
    </dependency>
  </dependencies>
</project>
XML
cat >src/test/java/p/ATest.java <<'JAVA'
package p;

import org.junit.jupiter.api.*;

class ATest {
    @Test
    void plain() {}

    @Nested
    class Inner {
        @Test
        void nested() {}
    }

    static class Still {
        @Test
        void still() {}
    }
}
JAVA
call() {
    rm -rf target/surefire-reports
    mvn --offline --quiet -Dmaven.repo.local=/usr/share/maven-repo -DforkCount=0 "$@" >out.txt 2>&1
    local names
    names=$(grep -ohE '<testcase name="[a-z]+"' target/surefire-reports/*.xml | cut -d'"' -f2 | sort | xargs)
    echo "$*: $names"
}
{
    call test
    call test '-Dtest=p.ATest'
    call test '-Dtest=p.ATest,p.ATest$*'
} | tee seen.txt
diff - seen.txt <<'SEEN' || { echo "Surefire behaves differently from the description above" >&2; exit 1; }
test: nested plain
test -Dtest=p.ATest: plain
test -Dtest=p.ATest,p.ATest$*: nested plain still
SEEN
