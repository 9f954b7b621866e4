// Registers a test for each line `WHAT IT DOES<tab>NAME` of tests.txt; each notes in `ran` that it ran.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <thread>

static std::map<std::string, std::string> does_of;

static void run() {
  std::string name = doctest::getContextOptions()->currentTest->m_name;
  auto &does = does_of[name];
  std::ofstream("ran", std::ios::app) << name << "\n" << std::flush;
  if (does == "exits") std::exit(0);
  if (does == "waits") {
    while (!std::ifstream("go") && std::ifstream("tests.txt")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  REQUIRE(does != "fails");
}

int main(int count, char **arguments) {
  using namespace doctest::detail;
  std::ifstream tests("tests.txt");
  unsigned number = 0;
  for (std::string line; std::getline(tests, line);) {
    auto tab = line.find('\t');
    auto known = does_of.emplace(line.substr(tab + 1), line.substr(0, tab)).first;
    regTest(TestCase(run, __FILE__, ++number, doctest_detail_test_suite_ns::getCurrentTestSuite()) * known->first.c_str());
  }
  return doctest::Context(count, arguments).run();
}
