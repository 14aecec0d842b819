// The replacement policies of the library, each with the simulator of the textbook that it is
// measured against (tests/support/textbook.hpp), and traces to run them on.
// Thread-safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using trace_view = std::span<const std::uint32_t>;

struct named_policy {
    std::string_view name;
    std::size_t bytes_per_frame;
    // Hits of a trace whose pages are below `pages`, with so many frames.
    std::uint64_t (*hits)(trace_view trace, std::uint32_t pages, std::uint32_t frames);
    std::uint64_t (*textbook)(trace_view trace, std::size_t frames);
};

// The simplest first.
[[nodiscard]] std::span<const named_policy> every_policy();

// Hits of the policy that knows the future: no policy has more.
[[nodiscard]] std::uint64_t most_hits(trace_view trace, std::size_t frames);

// Requests for the pages 1 to `pages`, each of which is in the trace.
struct dense_trace {
    std::vector<std::uint32_t> requests;
    std::uint32_t pages = 0;
};

// Pages get numbers in the order in which they are first asked for.
[[nodiscard]] dense_trace dense(trace_view trace);

[[nodiscard]] inline double percent(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

} // namespace bench
