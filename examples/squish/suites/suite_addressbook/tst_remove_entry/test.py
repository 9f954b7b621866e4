source(findFile("scripts", "book.py"))


def main():
    table = new_book()
    add("Ada", "Lovelace")
    add("Grace", "Hopper")
    clickItem(table, "0/0", 5, 5, 0, Qt.LeftButton)
    activateItem(waitForObjectItem({"type": "QMenu", "title": "Edit"}, "Remove..."))
    test.compare(table.rowCount, 1, "one entry is left")
