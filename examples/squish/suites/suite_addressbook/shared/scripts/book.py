# What several test cases do with an address book.
import names
import squish


def new_book():
    squish.startApplication("addressbook")
    squish.activateItem(squish.waitForObjectItem({"type": "QMenuBar"}, "File"))
    squish.activateItem(squish.waitForObjectItem({"type": "QMenu", "title": "File"}, "New"))
    return squish.waitForObject(names.table)


def add(forename, surname):
    squish.activateItem(squish.waitForObjectItem({"type": "QMenuBar"}, "Edit"))
    squish.activateItem(squish.waitForObjectItem({"type": "QMenu", "title": "Edit"}, "Add..."))
    squish.type(squish.waitForObject(names.forename), forename)
    squish.type(squish.waitForObject(names.surname), surname)
    squish.clickButton(squish.waitForObject(names.ok))
