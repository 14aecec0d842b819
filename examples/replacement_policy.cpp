// A replacement policy of your own: which page leaves memory when another one must come in. Its
// laws are tried first; then the same reads go through a small cache, with it and with two of the
// library.
//     replacement_policy [file]
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <quire/btree_map.hpp>
#include <quire/cache/replacement/check.hpp>

namespace replacement = quire::replacement;

// docs:policy
// A clock that counts: the hand takes one use from every page that it passes, and gives up the
// first page that has none left.
class counting_clock : public replacement::policy_base {
    static constexpr std::uint8_t most_uses = 7;

public:
    static constexpr std::string_view name = "counting_clock";
    static constexpr bool wants_hits = true;
    static constexpr std::size_t bytes_per_frame = 1;

    void reset(std::uint32_t frames, std::uint32_t) {
        uses_.assign(frames, 0);
        hand_ = 0;
    }
    void on_load(std::uint32_t frame, quire::page_id, replacement::arrival) noexcept {
        uses_[frame] = 0;
    }
    void on_hit(std::uint32_t frame) noexcept {
        if (uses_[frame] < most_uses) ++uses_[frame];
    }
    template <class Frames>
    [[nodiscard]] std::uint32_t victim(Frames&& frames) noexcept {
        for (std::size_t looked = 0; looked < (most_uses + 1) * uses_.size(); ++looked) {
            const std::uint32_t frame = hand_;
            hand_ = hand_ + 1 == uses_.size() ? 0 : hand_ + 1;
            if (uses_[frame] > 0) --uses_[frame];
            else if (frames.take(frame)) return frame;
        }
        return replacement::no_frame;
    }

private:
    std::vector<std::uint8_t> uses_; // by frame, since the hand took the last one
    std::uint32_t hand_ = 0;
};
// docs:end

constexpr std::uint32_t records = 50'000;
constexpr int lookups = 40'000;

// Pages read for the same lookups. The policy's name is not stored: any of them opens the file.
template <class Policy>
std::uint64_t pages_read(const std::string& file) {
    quire::btree_map<std::uint32_t, std::string, Policy> map{file, {.cache_bytes = 512 << 10}};
    std::minstd_rand random{1};
    std::uint64_t missing = 0;
    for (int i = 0; i < lookups; ++i) {
        double x = 1; // a product of fractions: small keys far more often
        for (int factor = 0; factor < 5; ++factor)
            x *= static_cast<double>(random()) / random.max();
        missing += map.contains(static_cast<std::uint32_t>(x * (records - 1))) ? 0U : 1U;
    }
    const std::uint64_t read = map.stats().pages_read;
    std::printf("%-15s %6llu pages read for %d lookups\n", std::string(Policy::name).c_str(),
                static_cast<unsigned long long>(read), lookups);
    return missing == 0 ? read : 0;
}

int main(int count, char** arguments) try {
    const std::string broken = replacement::broken_law<counting_clock>(1);
    std::printf("laws: %s\n", broken.empty() ? "kept" : broken.c_str());

    const std::string file = count > 1 ? arguments[1] : "replacement_policy.quire";
    {
        quire::btree_map<std::uint32_t, std::string> map{file};
        auto all = map.transaction();
        for (std::uint32_t i = 0; i < records; ++i) all.insert_or_assign(i, std::string(80, 'x'));
        all.commit();
        std::printf("%llu pages\n", static_cast<unsigned long long>(map.stats().pages));
    }
    const std::uint64_t mine = pages_read<counting_clock>(file);
    const std::uint64_t clock = pages_read<replacement::clock>(file);
    const std::uint64_t lru = pages_read<replacement::lru>(file);
    return broken.empty() && mine > 0 && mine < clock && mine < lru ? 0 : 1;
} catch (const quire::error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
