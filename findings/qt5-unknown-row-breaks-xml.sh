#!/usr/bin/env bash
# Qt Test 5.15.8 (Debian 12, qtbase5-dev): an unknown data row leaves its <TestFunction> open in the XML log, with exit code 0.
#
# Expected: an error, as for an unknown test function (exit code 1), or at least a well-formed file.
# Real:     `./t row:gone -o r.xml,xml` prints "Unknown testdata for function row" and ends with exit code 0. r.xml
#           is not well-formed. In the format junitxml the file contains a test case `row` without a failure.
#
# Output seen, 2026-11-30:
#   row:one: exit code 0, XML well-formed
#   row:gone: exit code 0, XML mismatched tag
#   gone: exit code 1
#   row:gone in junitxml: failures="0" <testcase name="row"/>
set -euo pipefail
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work"
cat >t.cpp <<'CPP'
#include <QtTest>

class T : public QObject {
    Q_OBJECT
private slots:
    void row_data() {
        QTest::addColumn<int>("number");
        QTest::newRow("one") << 1;
    }
    void row() {
        QFETCH(int, number);
        QCOMPARE(number, 1);
    }
};

QTEST_APPLESS_MAIN(T)
#include "t.moc"
CPP
qmake -qt5 -project -o t.pro "QT += testlib" "QT -= gui" "TARGET = t"
qmake -qt5 -o Makefile t.pro >/dev/null 2>&1
make -s >make.txt 2>&1
call() {
    local code=0
    ./t "$1" -o r.xml,xml 2>/dev/null || code=$?
    echo "$1: exit code $code, XML $(python3 - <<'PY'
import xml.etree.ElementTree as tree
try:
    tree.parse("r.xml")
    print("well-formed")
except tree.ParseError as error:
    print(str(error).split(":")[0])
PY
    )"
}
unknown_function=0
{
    call row:one
    call row:gone
    ./t gone >/dev/null 2>&1 || unknown_function=$?
    echo "gone: exit code $unknown_function"
    ./t row:gone -o j.xml,junitxml 2>/dev/null
    echo "row:gone in junitxml: $(grep -oE 'failures="[0-9]+"' j.xml) $(grep -oE '<testcase[^>]*name="row"[^>]*>' j.xml)"
} | tee seen.txt
diff - seen.txt <<'SEEN' || { echo "Qt Test behaves differently from the description above" >&2; exit 1; }
row:one: exit code 0, XML well-formed
row:gone: exit code 0, XML mismatched tag
gone: exit code 1
row:gone in junitxml: failures="0" <testcase name="row"/>
SEEN
