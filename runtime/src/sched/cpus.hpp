#pragma once
// How many CPUs this process may use.
#include <weft/runtime.hpp>

#include <string>

namespace weft::detail {

/// CPUs in the affinity mask; at least 1 (RT-7).
int affinity_cpus();

/// The CPU quota of the process's cgroup, v1 or v2, in CPUs rounded up; the smallest on the way
/// to the root; 0: none. `root` is "" or, for tests, a folder that holds proc/ and sys/.
int cgroup_cpus(const std::string& root);

/// Fills in what the caller left open: from the environment, then from the machine.
/// Throws std::invalid_argument naming the option or variable.
runtime_options resolve(runtime_options options);

/// A whole number from the environment; `fallback` when the variable is not set. Throws
/// std::invalid_argument, in which `whose` says who asked.
std::uint64_t number_from(const char* name, std::uint64_t fallback, std::uint64_t least,
                          std::uint64_t most, const char* whose = "run");

}  // namespace weft::detail
