source(findFile("scripts", "book.py"))


def main():
    table = new_book()
    test.compare(table.rowCount, 0, "a new book is empty")
    add("Ada", "Lovelace")
    test.compare(table.rowCount, 1, "the entry is there")
    test.verify(table.isWindowModified, "the book is marked as changed")
