// Has a row for each line `WHAT IT DOES<tab>NAME` of tests.txt; each notes in `ran` that it ran.
#include <QtTest/QtTest>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

class T : public QObject {
  Q_OBJECT

 private slots:
  void t_data() {
    QTest::addColumn<QString>("does");
    std::ifstream tests("tests.txt");
    for (std::string line; std::getline(tests, line);) {
      auto tab = line.find('\t');
      QTest::newRow(line.substr(tab + 1).c_str()) << QString::fromStdString(line.substr(0, tab));
    }
  }

  void t() {
    QFETCH(QString, does);
    std::ofstream("ran", std::ios::app) << "t(" << QTest::currentDataTag() << ")\n" << std::flush;
    if (does == "exits") std::exit(0);
    if (does == "waits") {
      while (!std::ifstream("go") && std::ifstream("tests.txt")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    QVERIFY(does != "fails");
  }
};

QTEST_APPLESS_MAIN(T)
#include "t.moc"
