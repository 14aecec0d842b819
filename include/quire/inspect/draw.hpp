// A store as text: each tree as its pages, indented by depth, with first and last keys.
//
//     tree 1 "main" u64 -> u64
//       page 7 level 1 born 4: 3 children, 100 to 200
//         page 4 leaf born 2: 31 records, 1 to 99
//
// Thread-safety: as the device's; the file must not be changed meanwhile.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include <quire/core/bytes.hpp>
#include <quire/core/ids.hpp>
#include <quire/format/page_header.hpp>
#include <quire/inspect/check.hpp>
#include <quire/inspect/keys.hpp>
#include <quire/inspect/report.hpp>
#include <quire/inspect/source.hpp>
#include <quire/inspect/visitor.hpp>

namespace quire::inspect {

// At most `lines` lines, and one more that says where it was cut. What is wrong with a page stands
// behind a '!' before the page's own line.
template <class Device>
[[nodiscard]] std::string draw(const Device& device, std::size_t lines = 1000);

// ------------------------------------------------------------------------------------------------

namespace detail {

class drawing final : public visitor {
public:
    explicit drawing(std::size_t lines) : left_(lines) {}

    bool page(const page_seen& seen) override {
        std::string line(2 * (std::size_t{seen.depth} + 1), ' ');
        const auto number = [](std::uint64_t n) { return std::to_string(n); };
        const std::string born = " born " + number(to_integer(seen.birth)) + ": ";
        if (seen.use == page_use::overflow) {
            line += "run at page " + number(to_integer(seen.id)) + born + number(seen.pages) +
                    (seen.pages == 1 ? " page, " : " pages, ") + number(seen.value_size) + " bytes";
        } else if (seen.use == page_use::free_map) {
            line += "free map page " + number(to_integer(seen.id)) + " level " +
                    number(seen.level) + born + content_of_map(seen);
        } else {
            line += "page " + number(to_integer(seen.id)) +
                    (seen.level == 0 ? " leaf" : " level " + number(seen.level)) + born;
            if (seen.content != nullptr) line += content_of(seen);
            else line += "cannot be read";
        }
        return add(line);
    }
    void tree(const tree_seen& seen) override {
        add("tree " + std::to_string(to_integer(seen.id)) + " \"" + seen.name + "\" " +
            seen.schema.key_codec + " -> " + seen.schema.value_codec +
            (seen.root ? "" : ", empty"));
    }
    void found(finding f) override { add("! " + text_of(f)); }

    // False when there was no room.
    bool add(const std::string& line) {
        if (left_ == 0) {
            if (!cut_) text += "...\n";
            cut_ = true;
            return false;
        }
        --left_;
        text += line + "\n";
        return true;
    }

    std::string text;

private:
    [[nodiscard]] static std::string content_of(const page_seen& seen) {
        const page_content& content = *seen.content;
        const bool leaf = seen.level == 0;
        const std::size_t things = leaf ? content.keys.size() : content.children.size();
        std::string said = std::to_string(things);
        said +=
            leaf ? (things == 1 ? " record" : " records") : (things == 1 ? " child" : " children");
        if (!content.keys.empty()) said += ", " + key_text(seen.order, content.key(0));
        if (content.keys.size() > 1)
            said += " to " + key_text(seen.order, content.key(content.keys.size() - 1));
        return said;
    }
    [[nodiscard]] static std::string content_of_map(const page_seen& seen) {
        std::size_t things = 0;
        const bytes_view body = seen.bytes.subspan(format::page_header_size);
        for (std::size_t i = 0; i + 8 <= body.size(); i += 8) {
            const auto word = load_le<std::uint64_t>(body.data() + i);
            things += seen.level == 0 ? static_cast<std::size_t>(std::popcount(word))
                                      : static_cast<std::size_t>(word != 0);
        }
        return std::to_string(things) + (seen.level == 0 ? " free pages" : " parts");
    }

    std::size_t left_;
    bool cut_ = false;
};

} // namespace detail

template <class Device>
std::string draw(const Device& device, std::size_t lines) {
    detail::drawing to(lines);
    const source from(device);
    const header_facts header = read_header(from, to);
    to.add(header.reason);
    if (header.chosen >= 0) page_walk(from, header.current(), to).run();
    return std::move(to.text);
}

} // namespace quire::inspect
