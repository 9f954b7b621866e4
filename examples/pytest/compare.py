"""Holds two JUnit files against each other: the same test ids, with the same verdicts, and enough of them."""

import collections
import sys
import xml.etree.ElementTree as ElementTree


def verdicts(path):
    """Counts (classname, name, verdict) over all cases of a file."""
    found = collections.Counter()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        kinds = {child.tag for child in case}
        verdict = next((kind for kind in ("error", "failure", "skipped") if kind in kinds), "passed")
        found[case.get("classname"), case.get("name"), verdict] += 1
    return found


def main():
    plain, ours, least = verdicts(sys.argv[1]), verdicts(sys.argv[2]), int(sys.argv[3])
    for title, difference in (("only in " + sys.argv[1], plain - ours), ("only in " + sys.argv[2], ours - plain)):
        for case in list(difference)[:20]:
            print(title, *case)
    totals = collections.Counter(verdict for (_, _, verdict) in ours.elements())
    print(f"{sum(plain.values())} cases by pytest, {sum(ours.values())} by testplan: {dict(totals)}")
    if plain != ours or sum(ours.values()) < least:
        sys.exit(f"the two files differ, or hold fewer than {least} cases")
    print("same tests, same verdicts")


if __name__ == "__main__":
    main()
