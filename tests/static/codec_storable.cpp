// Which types have a codec. What is said of those that have none: tests/compile_fail/codec_*.cpp.
#include <chrono>
#include <complex>
#include <functional>
#include <map>
#include <memory>
#include <variant>
#include <vector>

#include <quire/codec/of.hpp>

namespace {

using namespace quire;
using codec::role;

template <class T>
inline constexpr bool as_key = codec::storable<T, role::key>;
template <class T>
inline constexpr bool as_value = codec::storable<T, role::value>;

struct one_array {
    int a[1];
};
struct array_then_field {
    char text[8];
    int number;
};
struct field_then_array {
    int number;
    std::string text;
    int a[2];
};
struct base {
    int x;
};
struct empty_base {};
struct derived : base {
    int y;
};
struct derived_from_empty : empty_base {
    int y;
};
struct reference {
    int& r;
};
struct const_reference {
    int x;
    const std::string& r;
};
struct pointing {
    int x;
    pointing* next;
};
struct seventeen {
    int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q;
};
struct seventeen_in_two {
    struct half {
        int a, b, c, d, e, f, g, h;
    };
    half first, second;
    int q;
};
struct bits {
    int low : 3;
    unsigned high : 5;
};
union either {
    int number;
    float measure;
};
class unique {
public:
    explicit unique(int number) : number_(number) {}
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};
struct holds_class {
    unique ticket;
    std::string text;
};
class with_double {
public:
    [[nodiscard]] double number() const { return number_; }

private:
    double number_ = 0;
};
class not_trivial {
public:
    not_trivial(const not_trivial&) {}
};
struct incomplete;
template <class T>
struct box {
    T content;
    std::vector<T> more;
};

static_assert(as_key<base> && as_key<empty_base> && as_key<seventeen_in_two> && as_key<bits>);
static_assert(!as_value<one_array> && !as_value<array_then_field> && !as_value<field_then_array>);
static_assert(!as_value<derived> && !as_value<derived_from_empty>);
static_assert(!as_value<reference> && !as_value<const_reference> && !as_value<pointing>);
static_assert(!as_value<seventeen> && !as_value<either> && !as_value<incomplete>);
static_assert(as_value<unique> && !as_key<unique>);
static_assert(as_value<holds_class> && !as_key<holds_class>);
static_assert(!as_value<with_double> && !as_value<not_trivial>);
static_assert(as_value<box<int>> && !as_key<box<int>> && !as_value<box<int*>>);

static_assert(!as_value<int*> && !as_value<const char*> && !as_value<int base::*>);
static_assert(!as_value<decltype(nullptr)> && !as_value<void> && !as_value<void (*)()>);
static_assert(!as_value<int&> && !as_value<const int> && !as_value<volatile int>);
static_assert(!as_value<char[4]> && !as_value<void()> && !as_value<long double>);
static_assert(!as_value<const std::string> && !as_value<const base> && !as_value<const unique>);
static_assert(!as_value<std::string_view> && !as_value<std::span<int>>);
static_assert(!as_value<std::span<int, 3>> && !as_value<std::wstring_view>);
static_assert(!as_value<std::unique_ptr<int>> && !as_value<std::shared_ptr<int>>);
static_assert(!as_value<std::reference_wrapper<int>> && !as_value<std::vector<int>::iterator>);
static_assert(!as_value<std::function<void()>> && !as_value<std::map<int, int>>);
static_assert(!as_value<std::complex<double>>);
static_assert(as_value<std::chrono::nanoseconds> && !as_key<std::chrono::nanoseconds>);
static_assert(as_key<std::monostate> && !as_value<std::wstring>);

static_assert(!as_value<std::vector<int*>> && !as_value<std::optional<std::string_view>>);
static_assert(!as_value<std::array<void*, 2>> && !as_value<std::pair<int, int&>>);
static_assert(!as_value<std::tuple<int, const int>> && !as_value<std::vector<empty_base>>);
static_assert(as_value<std::vector<bool>> && !as_key<std::vector<unsigned char>>);
static_assert(!as_key<std::pair<int, std::vector<int>>> && !as_key<std::optional<unique>>);

} // namespace
