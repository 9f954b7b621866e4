// Registers a test for each line `WHAT IT DOES<tab>NAME` of tests.txt; each notes in `ran` that it ran.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include <CppUTest/TestHarness.h>
#include <CppUTest/CommandLineTestRunner.h>
#include <CppUTest/TestRegistry.h>

class FromFile : public Utest {
 public:
  FromFile(std::string does, std::string name) : does_(does), name_(name) {}

  void testBody() override {
    std::ofstream("ran", std::ios::app) << name_ << "\n" << std::flush;
    if (does_ == "exits") std::exit(0);
    if (does_ == "waits") {
      while (!std::ifstream("go")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (does_ == "fails") FAIL("boom");
  }

 private:
  std::string does_, name_;
};

class Shell : public UtestShell {
 public:
  Shell(std::string does, const char *name) : UtestShell("G", name, __FILE__, __LINE__), does_(does), name_(name) {}
  Utest *createTest() override { return new FromFile(does_, name_); }

 private:
  std::string does_, name_;
};

int main(int count, char **arguments) {
  std::ifstream tests("tests.txt");
  for (std::string line; std::getline(tests, line);) {
    auto tab = line.find('\t');
    auto name = new std::string(line.substr(tab + 1));
    TestRegistry::getCurrentRegistry()->addTest(new Shell(line.substr(0, tab), name->c_str()));
  }
  return CommandLineTestRunner::RunAllTests(count, arguments);
}
