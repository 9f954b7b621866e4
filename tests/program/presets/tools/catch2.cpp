// Registers a test for each line `WHAT IT DOES<tab>NAME` of tests.txt; each notes in `ran` that it ran.
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

class FromFile : public Catch::ITestInvoker {
 public:
  FromFile(std::string does, std::string name) : does_(does), name_(name) {}

  void invoke() const override {
    std::ofstream("ran", std::ios::app) << name_ << "\n" << std::flush;
    if (does_ == "exits") std::exit(0);
    if (does_ == "waits") {
      while (!std::ifstream("go") && std::ifstream("tests.txt")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    REQUIRE(does_ != "fails");
  }

 private:
  std::string does_, name_;
};

int main(int count, char **arguments) {
  std::ifstream tests("tests.txt");
  for (std::string line; std::getline(tests, line);) {
    auto tab = line.find('\t');
    auto does = line.substr(0, tab), name = line.substr(tab + 1);
    Catch::getMutableRegistryHub().registerTest(Catch::makeTestCase(
        new FromFile(does, name), "", Catch::NameAndTags(name, ""), CATCH_INTERNAL_LINEINFO));
  }
  return Catch::Session().run(count, arguments);
}
