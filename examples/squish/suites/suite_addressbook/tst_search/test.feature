Feature: Search

    @smoke
    Scenario: An entry is found by a part of its name
        Given an address book with "Ada Lovelace" and "Grace Hopper"
        When I search for "love"
        Then 1 entry is shown

    Scenario: What is not there is not found
        Given an address book with "Ada Lovelace" and "Grace Hopper"
        When I search for "turing"
        Then 0 entries are shown
