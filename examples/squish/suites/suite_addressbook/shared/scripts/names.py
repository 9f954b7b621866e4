# Where the application's objects are.
main_window = {"type": "MainWindow", "unnamed": 1, "visible": 1}
table = {"container": main_window, "type": "QTableWidget", "unnamed": 1, "visible": 1}
dialog = {"type": "Dialog", "unnamed": 1, "visible": 1}
forename = {"container": dialog, "type": "QLineEdit", "leftWidget": "Forename:", "visible": 1}
surname = {"container": dialog, "type": "QLineEdit", "leftWidget": "Surname:", "visible": 1}
ok = {"container": dialog, "type": "QPushButton", "text": "OK", "visible": 1}
search = {"container": main_window, "type": "QLineEdit", "placeholderText": "Search", "visible": 1}
