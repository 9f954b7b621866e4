source(findFile("scripts", "book.py"))


def main():
    table = new_book()
    add("Grace", "Hopper")
    add("Ada", "Lovelace")
    first = waitForObjectItem(table, "0/0")
    # Known: new entries go to the top. A failure that is expected passes; if it is mended, this says so.
    # stand-in: xfail entries are sorted by name
    test.xcompare(str(first.text), "Ada", "entries are sorted by name")
