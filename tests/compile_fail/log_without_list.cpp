// expect: quire: txn::wal, the default, keeps a log in files beside the store
#include <quire/btree_map.hpp>

// A device that does not say which files there are.
class unlisting : public quire::storage::file {
    using quire::storage::file::list;
};
static_assert(sizeof(quire::btree_map<int, int, unlisting>) != 0);
