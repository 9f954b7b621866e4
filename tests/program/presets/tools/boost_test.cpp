// Registers a test for each line `WHAT IT DOES<tab>NAME` of tests.txt; each notes in `ran` that it ran.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_ALTERNATIVE_INIT_API
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

using namespace boost::unit_test;

static void run(const std::string &does) {
  std::ofstream("ran", std::ios::app) << framework::current_test_case().p_name.get() << "\n" << std::flush;
  if (does == "exits") std::exit(0);
  if (does == "waits") {
    while (!std::ifstream("go") && std::ifstream("tests.txt")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  BOOST_REQUIRE(does != "fails");
}

static bool add_tests() {
  auto *suite = BOOST_TEST_SUITE("S x");
  std::ifstream tests("tests.txt");
  for (std::string line; std::getline(tests, line);) {
    auto tab = line.find('\t');
    auto does = line.substr(0, tab);
    suite->add(make_test_case([does] { run(does); }, line.substr(tab + 1), __FILE__, __LINE__));
  }
  framework::master_test_suite().add(suite);
  return true;
}

int main(int count, char **arguments) { return unit_test_main(add_tests, count, arguments); }
