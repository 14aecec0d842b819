#include <string_view>

#include <doctest/doctest.h>

#include <quire/txn/policy.hpp>

namespace txn_policies {

struct own : quire::txn::policy_base {
    static constexpr std::string_view name = "own";
    static constexpr bool transactional = true;
};
struct no_base {
    static constexpr std::string_view name = "no base";
    static constexpr bool transactional = true;
};
struct no_name : quire::txn::policy_base {
    static constexpr bool transactional = true;
};
struct says_nothing : quire::txn::policy_base {
    static constexpr std::string_view name = "says nothing";
};

} // namespace txn_policies

TEST_CASE("what a transaction policy is") {
    using quire::txn::policy;
    CHECK(policy<quire::txn::none>);
    CHECK(policy<quire::txn::shadow>);
    CHECK(policy<quire::txn::wal>);
    CHECK(policy<quire::txn::basic_wal<quire::wal::write_through>>);
    CHECK(policy<txn_policies::own>);
    CHECK_FALSE(policy<txn_policies::no_base>);
    CHECK_FALSE(policy<txn_policies::no_name>);
    CHECK_FALSE(policy<txn_policies::says_nothing>);
    CHECK_FALSE(policy<int>);
}

TEST_CASE("names are stable, and none alone has no transactions, wal alone a log") {
    CHECK(quire::txn::none::name == "none");
    CHECK(quire::txn::shadow::name == "shadow");
    CHECK_FALSE(quire::txn::none::transactional);
    CHECK(quire::txn::shadow::transactional);
    CHECK_FALSE(quire::txn::shadow::logs);
    CHECK(quire::txn::wal::name == "wal");
    CHECK(quire::txn::wal::transactional);
    CHECK(quire::txn::wal::logs);
}
