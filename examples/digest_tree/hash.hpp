#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <weft/context.hpp>

struct evp_md_st;
struct evp_md_ctx_st;

namespace digest_tree {

struct digest {
  std::string hex;  // 64 lower-case digits; empty when the file could not be read
  int error = 0;    // errno of the open or read that failed
};

// Computes SHA-256 of files, one after another, with one context and one buffer for all of them.
// One per goroutine: calls on the same hasher must not overlap.
class hasher {
 public:
  hasher();

  // Reads the whole file; blocks the thread. on_bytes is called after each chunk with its size.
  // Nothing when ctx was done before the end of the file.
  std::optional<digest> operator()(const weft::context& ctx, const std::string& path,
                                   const std::function<void(std::size_t)>& on_bytes);

 private:
  struct free_algorithm {
    void operator()(evp_md_st* algorithm) const;
  };
  struct free_context {
    void operator()(evp_md_ctx_st* context) const;
  };

  std::unique_ptr<evp_md_st, free_algorithm> algorithm_;
  std::unique_ptr<evp_md_ctx_st, free_context> context_;
  std::vector<unsigned char> buffer_;
};

}  // namespace digest_tree
