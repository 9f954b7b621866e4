#!/usr/bin/env bash
# Gradle 4.4.1 (Debian 12) with JUnit 4.13: `System.exit(0)` in a test is a successful build, although tests did not run.
#
# Expected: a failed build, as the JVM of the tests ended before they did.
# Real:     exit code 0. The report of the class has the tests that ended before, all passed, and tests="1" for its three.
#
# Output seen, 2026-11-30:
#   exit code 0
#   report: tests="1" failures="0" errors="0"
# Needs: apt-get install gradle junit4
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
mkdir -p src/test/java/p
cat >build.gradle <<'GRADLE'
apply plugin: 'java'
dependencies { testCompile files('/usr/share/java/junit4.jar', '/usr/share/java/hamcrest-core.jar') }
GRADLE
touch settings.gradle
cat >src/test/java/p/ATest.java <<'JAVA'
package p;

import org.junit.*;
import org.junit.runners.MethodSorters;

@FixMethodOrder(MethodSorters.NAME_ASCENDING)
public class ATest {
    @Test
    public void a() {}

    @Test
    public void b() throws Exception {
        // The end of the test before has been reported.
        Thread.sleep(2000);
        System.exit(0);
    }

    @Test
    public void c() {
        Assert.fail("boom");
    }
}
JAVA
code=0
gradle --offline --no-daemon --quiet test >out.txt 2>&1 </dev/null || code=$?
{
    echo "exit code $code"
    echo "report: $(grep -oE '(tests|failures|errors)="[0-9]+"' build/test-results/test/TEST-p.ATest.xml | paste -sd ' ')"
} | tee seen.txt
diff - seen.txt <<'SEEN' || { echo "Gradle behaves differently from the description above" >&2; exit 1; }
exit code 0
report: tests="1" failures="0" errors="0"
SEEN
