// How many CPUs the process may use: affinity mask, cgroup quota, environment.
#include "sched/cpus.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

using weft::detail::affinity_cpus;
using weft::detail::cgroup_cpus;
using weft::detail::resolve;

/// A file system root with what the kernel would show in /proc and /sys.
class CgroupQuota : public ::testing::Test {
 protected:
  static constexpr const char* v1_point = "/sys/fs/cgroup/cpu,cpuacct";
  static constexpr const char* v2_point = "/sys/fs/cgroup";

  CgroupQuota() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-cpus-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no temporary folder");
    }
    root_ = name;
  }
  ~CgroupQuota() override { std::filesystem::remove_all(root_); }

  void append(const std::string& path, const std::string& line) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path, std::ios::app) << line << '\n';
  }

  void mount_v1(const std::string& visible, const std::string& process) {
    append("/proc/self/mountinfo",
           "31 25 0:27 / /sys/fs/cgroup/memory rw shared:10 - cgroup "
           "cgroup rw,memory");
    append("/proc/self/mountinfo", "30 25 0:26 " + visible + " " + v1_point +
                                       " rw,nosuid shared:9 master:3 - cgroup cgroup "
                                       "rw,cpu,cpuacct");
    append("/proc/self/cgroup", "5:memory:/elsewhere");
    append("/proc/self/cgroup", "4:cpu,cpuacct:" + process);
  }
  void mount_v2(const std::string& visible, const std::string& process,
                const std::string& point = v2_point) {
    append("/proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw");
    append("/proc/self/mountinfo",
           "29 23 0:25 " + visible + " " + point + " rw,nosuid - cgroup2 cgroup2 rw,nsdelegate");
    append("/proc/self/cgroup", "0::" + process);
  }
  void quota_v1(const std::string& group, const std::string& quota, const std::string& period) {
    append(v1_point + group + "/cpu.cfs_quota_us", quota);
    append(v1_point + group + "/cpu.cfs_period_us", period);
  }
  void quota_v2(const std::string& group, const std::string& quota,
                const std::string& point = v2_point) {
    append(point + group + "/cpu.max", quota);
  }
  int cpus() const { return cgroup_cpus(root_); }

 private:
  std::string root_;
};

// RT-7
TEST_F(CgroupQuota, IsNoneWithoutProcAndSys) { EXPECT_EQ(cpus(), 0); }

TEST_F(CgroupQuota, IsNoneWhereTheFilesAreMissing) {
  mount_v1("/", "/a/b");
  mount_v2("/", "/a/b", "/sys/fs/cgroup/unified");
  EXPECT_EQ(cpus(), 0);
}

TEST_F(CgroupQuota, IsNoneForMalformedFiles) {
  append("/proc/self/mountinfo", "nonsense");
  append("/proc/self/cgroup", "nonsense");
  mount_v2("/", "/a");
  quota_v2("/a", "");
  quota_v2("", "nonsense 100000");
  EXPECT_EQ(cpus(), 0);
}

TEST_F(CgroupQuota, OfV2IsRoundedUp) {
  mount_v2("/", "/app");
  quota_v2("/app", "150000 100000");
  EXPECT_EQ(cpus(), 2);
}

TEST_F(CgroupQuota, OfV2IsExactForWholeCpus) {
  mount_v2("/", "/app");
  quota_v2("/app", "300000 100000");
  EXPECT_EQ(cpus(), 3);
}

TEST_F(CgroupQuota, IsAtLeastOneCpu) {
  mount_v2("/", "/app");
  quota_v2("/app", "1000 100000");
  EXPECT_EQ(cpus(), 1);
}

TEST_F(CgroupQuota, OfV2IsTheLeastOnTheWayToTheRoot) {
  mount_v2("/", "/a/b/c");
  quota_v2("/a/b/c", "400000 100000");
  quota_v2("/a/b", "max 100000");
  quota_v2("/a", "200000 100000");
  quota_v2("/other", "100000 100000");
  EXPECT_EQ(cpus(), 2);
}

TEST_F(CgroupQuota, OfV2CountsAtTheMountPointItself) {
  mount_v2("/", "/");
  quota_v2("", "700000 100000");
  EXPECT_EQ(cpus(), 7);
}

TEST_F(CgroupQuota, MaxMeansNone) {
  mount_v2("/", "/app");
  quota_v2("/app", "max 100000");
  EXPECT_EQ(cpus(), 0);
}

TEST_F(CgroupQuota, OfV1IsRoundedUp) {
  mount_v1("/", "/app");
  quota_v1("/app", "150000", "100000");
  EXPECT_EQ(cpus(), 2);
}

TEST_F(CgroupQuota, OfV1IsTheLeastOnTheWayToTheRoot) {
  mount_v1("/", "/a/b/c");
  quota_v1("/a/b/c", "-1", "100000");
  quota_v1("/a/b", "500000", "100000");
  quota_v1("/a", "600000", "200000");
  quota_v1("", "900000", "100000");
  EXPECT_EQ(cpus(), 3);
}

TEST_F(CgroupQuota, MinusOneMeansNone) {
  mount_v1("/", "/app");
  quota_v1("/app", "-1", "100000");
  EXPECT_EQ(cpus(), 0);
}

TEST_F(CgroupQuota, OfV1NeedsBothFiles) {
  mount_v1("/", "/app");
  append(std::string(v1_point) + "/app/cpu.cfs_quota_us", "100000");
  EXPECT_EQ(cpus(), 0);
}

// In a container the mount point shows the container's own group.
TEST_F(CgroupQuota, IsFoundWhereTheMountShowsOnlyAPartOfTheHierarchy) {
  mount_v1("/docker/abc", "/docker/abc/inner");
  quota_v1("/inner", "400000", "100000");
  quota_v1("", "250000", "100000");
  EXPECT_EQ(cpus(), 3);
}

TEST_F(CgroupQuota, OfV2IsFoundWhereTheMountShowsOnlyAPartOfTheHierarchy) {
  mount_v2("/pod/abc", "/pod/abc");
  quota_v2("", "250000 100000");
  EXPECT_EQ(cpus(), 3);
}

TEST_F(CgroupQuota, DoesNotMistakeAGroupForAnotherWhoseNameBeginsTheSame) {
  mount_v2("/pod/a", "/pod/abc");
  quota_v2("bc", "100000 100000");  // beside the mount point: no group
  quota_v2("", "250000 100000");
  EXPECT_EQ(cpus(), 3);
}

// The kernel writes a space as \040, a backslash as \134; /proc/self/cgroup has them plain.
TEST_F(CgroupQuota, IsFoundWherePathsHaveSpaces) {
  mount_v2("/my\\040pod", "/my pod/app", "/sys/fs/c\\040group");
  quota_v2("/app", "300000 100000", "/sys/fs/c group");
  EXPECT_EQ(cpus(), 3);
}

TEST_F(CgroupQuota, IsFoundWherePathsHaveBackslashes) {
  mount_v2("/a\\134040b", "/a\\040b/app", "/sys/fs/c\\134\\011group\\9");
  quota_v2("/app", "300000 100000", "/sys/fs/c\\\tgroup\\9");
  EXPECT_EQ(cpus(), 3);
}

TEST_F(CgroupQuota, IsTheLeastOfV1AndV2WhereBothAreMounted) {
  const std::string unified = "/sys/fs/cgroup/unified";
  mount_v1("/", "/app");
  mount_v2("/", "/app", unified);
  quota_v1("/app", "400000", "100000");
  quota_v2("/app", "200000 100000", unified);
  EXPECT_EQ(cpus(), 2);
}

TEST_F(CgroupQuota, OfV1CountsWhereV2HasNoCpuController) {
  mount_v1("/", "/app");
  mount_v2("/", "/app", "/sys/fs/cgroup/unified");
  quota_v1("/app", "400000", "100000");
  EXPECT_EQ(cpus(), 4);
}

// RT-7
TEST(AffinityCpus, AreAtLeastOne) { EXPECT_GE(affinity_cpus(), 1); }

TEST(AffinityCpus, FollowTheMask) {
  cpu_set_t before;
  ASSERT_EQ(::sched_getaffinity(0, sizeof(before), &before), 0);
  std::size_t first = 0;
  while (!CPU_ISSET(first, &before)) {
    ++first;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(affinity_cpus(), 1);
  EXPECT_EQ(resolve({}).max_procs, 1);
  ASSERT_EQ(::sched_setaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(affinity_cpus(), CPU_COUNT(&before));
}

/// A variable of the environment, for as long as this lives.
struct variable {
  const char* name;
  variable(const char* n, const char* value) : name(n) { ::setenv(n, value, 1); }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;
  ~variable() { ::unsetenv(name); }
};

// RT-6
TEST(Resolve, TakesWhatIsOpenFromTheEnvironment) {
  const variable procs("WEFT_MAX_PROCS", "7");
  const variable stack("WEFT_STACK_BYTES", "65536");
  const variable seed("WEFT_SEED", "18446744073709551615");
  const weft::runtime_options o = resolve({});
  EXPECT_EQ(o.max_procs, 7);
  EXPECT_EQ(o.stack_bytes, 65536u);
  EXPECT_EQ(o.seed, 18446744073709551615u);
}

TEST(Resolve, ReadsWhatToDoAboutLostWaits) {
  using weft::lost_wait_action;
  EXPECT_EQ(resolve({}).on_lost_wait, lost_wait_action::ignore);
  const std::pair<const char*, lost_wait_action> all[] = {{"ignore", lost_wait_action::ignore},
                                                          {"report", lost_wait_action::report},
                                                          {"wake", lost_wait_action::wake}};
  for (const auto& [text, action] : all) {
    const variable set("WEFT_LOST_WAITS", text);
    EXPECT_EQ(resolve({}).on_lost_wait, action) << text;
    EXPECT_EQ(resolve({.on_lost_wait = lost_wait_action::wake}).on_lost_wait,
              lost_wait_action::wake);
  }
}

TEST(Resolve, ReadsTheLimitForStallReports) {
  using std::chrono::milliseconds;
  EXPECT_EQ(resolve({}).stall_limit, milliseconds(0));
  const variable set("WEFT_STALL_LIMIT_MS", "250");
  EXPECT_EQ(resolve({}).stall_limit, milliseconds(250));
  EXPECT_EQ(resolve({.stall_limit = milliseconds(7)}).stall_limit, milliseconds(7));
  EXPECT_THROW(resolve({.stall_limit = milliseconds(-1)}), std::invalid_argument);
  EXPECT_THROW(resolve({.stall_limit = std::chrono::hours(25)}), std::invalid_argument);
}

TEST(Resolve, KeepsWhatTheCallerChose) {
  const variable procs("WEFT_MAX_PROCS", "7");
  const variable stack("WEFT_STACK_BYTES", "65536");
  const variable seed("WEFT_SEED", "9");
  const weft::runtime_options o = resolve({.max_procs = 2, .stack_bytes = 32768, .seed = 3});
  EXPECT_EQ(o.max_procs, 2);
  EXPECT_EQ(o.stack_bytes, 32768u);
  EXPECT_EQ(o.seed, 3u);
}

TEST(Resolve, HasDefaultsForEverything) {
  const weft::runtime_options o = resolve({});
  EXPECT_GE(o.max_procs, 1);
  EXPECT_LE(o.max_procs, affinity_cpus());
  EXPECT_EQ(o.stack_bytes, 192u * 1024);
  EXPECT_EQ(o.seed, 0u);
}

TEST(Resolve, RefusesBadValuesByVariableAndValue) {
  struct {
    const char* name;
    const char* value;
  } const bad[] = {
      {"WEFT_MAX_PROCS", "0"},
      {"WEFT_MAX_PROCS", "10001"},
      {"WEFT_MAX_PROCS", "two"},
      {"WEFT_MAX_PROCS", "4x"},
      {"WEFT_STACK_BYTES", "0"},
      {"WEFT_STACK_BYTES", "-1"},
      {"WEFT_STACK_BYTES", "64K"},
      {"WEFT_SEED", "0x10"},
      {"WEFT_SEED", "-5"},
      {"WEFT_STACK_BYTES", "1099511627777"},
      {"WEFT_SEED", "18446744073709551616"},
      {"WEFT_LOST_WAITS", "yes"},
      {"WEFT_STALL_LIMIT_MS", "1s"},
      {"WEFT_STALL_LIMIT_MS", "86400001"},
  };
  for (const auto& b : bad) {
    const variable set(b.name, b.value);
    try {
      resolve({});
      ADD_FAILURE() << b.name << "=" << b.value << " was accepted";
    } catch (const std::invalid_argument& e) {
      const std::string text = e.what();
      EXPECT_NE(text.find(std::string(b.name) + "=" + b.value), std::string::npos) << text;
    }
  }
}

}  // namespace
