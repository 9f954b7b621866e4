// Registers a test for each line `WHAT IT DOES<tab>NAME` of tests.txt; each notes in `ran` that it ran.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

class FromFile : public testing::Test {
 public:
  FromFile(std::string does, std::string name) : does_(does), name_(name) {}

  void TestBody() override {
    std::ofstream("ran", std::ios::app) << name_ << "\n" << std::flush;
    if (does_ == "exits") std::exit(0);
    if (does_ == "waits") {
      while (!std::ifstream("go")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ASSERT_NE(does_, "fails");
  }

 private:
  std::string does_, name_;
};

int main(int count, char **arguments) {
  testing::InitGoogleTest(&count, arguments);
  std::ifstream tests("tests.txt");
  for (std::string line; std::getline(tests, line);) {
    auto tab = line.find('\t');
    auto does = line.substr(0, tab), name = line.substr(tab + 1);
    testing::RegisterTest("S x", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [=]() -> testing::Test * { return new FromFile(does, name); });
  }
  return RUN_ALL_TESTS();
}
