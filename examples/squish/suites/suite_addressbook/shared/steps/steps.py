source(findFile("scripts", "book.py"))


@Given('an address book with "|any|" and "|any|"')
def step(context, first, second):
    context.userData["table"] = new_book()
    for name in (first, second):
        add(*name.split())


@When('I search for "|word|"')
def step(context, words):
    type(waitForObject(names.search), words)


@Then('|integer| entries are shown')
@Then('|integer| entry is shown')
def step(context, count):
    test.compare(context.userData["table"].rowCount, count)
