// References to overflow runs, and runs that are not what was written.
#include <quire/tree/overflow.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <quire/cache/memory_pages.hpp>

#include "plain_tree.hpp"

using namespace tree_test;

namespace {

std::vector<std::byte> run_of(page_ref first, const std::string& value) {
    std::vector<std::byte> run(format::page_header_size + value.size());
    format::start_page(run.data(), {format::page_kind::overflow, 0, tree_id{1}}, first.id,
                       version{first.birth});
    format::set_value_size(run.data(), static_cast<std::uint32_t>(value.size()));
    copy_bytes(run.data() + format::page_header_size, view(value).data(), value.size());
    format::seal(run);
    return run;
}

template <class Error>
Error refused(page_store& store, const tree::run_ref& run) {
    std::vector<std::byte> value(run.value_size);
    try {
        tree::read_run(store, run, value);
    } catch (const Error& e) {
        return e;
    }
    FAIL("the run was accepted");
    return Error("unreachable", {});
}

} // namespace

TEST_CASE("a reference is twelve bytes, little-endian") {
    const auto bytes = tree::encode(tree::run_ref{{page_id{0x01020304}, 0x05060708}, 0x090A0B0C});
    constexpr unsigned char right[] = {4, 3, 2, 1, 8, 7, 6, 5, 0xC, 0xB, 0xA, 9};
    REQUIRE(bytes.size() == sizeof right);
    for (std::size_t i = 0; i < bytes.size(); ++i) CHECK(bytes[i] == std::byte{right[i]});
    const tree::run_ref back = tree::decode_run(bytes, {});
    CHECK(back.first == page_ref{page_id{0x01020304}, 0x05060708});
    CHECK(back.value_size == 0x090A0B0C);
}

TEST_CASE("bytes that are no reference are refused") {
    const std::string path = "a/store";
    const auto field_of = [&](bytes_view bytes) -> std::string {
        try {
            static_cast<void>(tree::decode_run(bytes, path));
        } catch (const corruption& e) {
            CHECK(e.path() == path);
            return e.field();
        }
        return "accepted";
    };
    const page_ref first{page_id{7}, 1};
    const auto most = static_cast<std::uint32_t>(tree::largest_value);
    CHECK(field_of(tree::encode({first, most})) == "accepted");
    CHECK(field_of(tree::encode({first, most + 1})) == "value_size");
    CHECK(field_of(tree::encode({first, 0xFFFFFFFF})) == "value_size");
    CHECK(field_of(tree::encode({{}, 5})) == "value_size");
    const std::array<std::byte, 16> bytes{std::byte{1}};
    for (const std::size_t size : {0U, 1U, 11U, 13U, 16U}) {
        CAPTURE(size);
        CHECK(field_of(bytes_view(bytes).first(size)) == "run_ref");
    }
}

TEST_CASE("a run is read as it was written") {
    page_store store;
    dice d(1);
    for (const std::uint64_t size : {0U, 1U, 480U, 481U, 100'000U}) {
        CAPTURE(size);
        const page_ref first{page_id{50}, 9};
        const std::string value = d.bytes(size);
        store.runs[first.id] = run_of(first, value);
        std::vector<std::byte> read(size);
        tree::read_run(store, {first, static_cast<std::uint32_t>(size)}, read);
        CHECK(text(read) == value);
    }
}

TEST_CASE("a run that is not the one that was written is refused, and the field is named") {
    page_store store;
    const page_ref first{page_id{50}, 9};
    const std::string value(700, 'v');
    const tree::run_ref run{first, 700};
    const auto spoilt = [&](std::size_t at, bool sealed) {
        store.runs[first.id] = run_of(first, value);
        store.runs[first.id][at] ^= std::byte{0x20};
        if (sealed) format::seal(store.runs[first.id]);
        const auto e = refused<corruption>(store, run);
        CHECK(e.page() == first.id);
        CHECK(e.path() == store.name);
        return e.field();
    };
    CHECK(spoilt(4, true) == "kind");
    CHECK(spoilt(8, true) == "birth");  // another page's run
    CHECK(spoilt(16, true) == "birth"); // another version's
    CHECK(spoilt(24, true) == "value_size");
    CHECK(spoilt(0, false) == "checksum");
    CHECK(spoilt(30, false) == "checksum");
    CHECK(spoilt(32, false) == "checksum");
    CHECK(spoilt(731, false) == "checksum");
    // A reference that promises more or less than the run holds.
    store.runs[first.id] = run_of(first, value);
    CHECK(refused<corruption>(store, {first, 699}).field() == "value_size");
    CHECK(refused<corruption>(store, {{first.id, 8}, 700}).field() == "birth");
}

TEST_CASE("the end of the file and errors of the medium are told apart") {
    page_store store;
    const page_ref first{page_id{50}, 9};
    store.runs[first.id] = run_of(first, std::string(700, 'v'));
    store.runs[first.id].resize(600);
    const auto e = refused<corruption>(store, {first, 700});
    CHECK(std::string(e.what()).find("file ends") != std::string::npos);
    CHECK(e.page() == first.id);
    store.run_fails_with = EIO;
    try {
        std::vector<std::byte> value(700);
        tree::read_run(store, {first, 700}, value);
        FAIL("the error was not seen");
    } catch (const io_error& io) {
        CHECK(io.number() == EIO);
        CHECK(io.page() == first.id);
        CHECK(io.path() == store.name);
    }
}

TEST_CASE("a run in memory has no checksum and is read all the same") {
    cache::memory_pages<512> pages;
    const page_ref first{page_id{50}, 9};
    const std::string value(700, 'v');
    pages.admit(page_id{52});
    const auto run = run_of(first, value);
    pages.write_run(first.id, bytes_view(run).first(format::page_header_size), view(value));
    std::vector<std::byte> read(700);
    tree::read_run(pages, {first, 700}, read);
    CHECK(text(read) == value);
}
