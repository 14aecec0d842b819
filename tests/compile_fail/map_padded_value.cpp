// expect: quire: this class has padding
#include <quire/btree_map.hpp>

// No aggregate, so it cannot be stored field by field; padded, so not as its bytes either.
class padded {
public:
    padded() = default;
    explicit padded(char c) : c_(c) {}
    int sum() const { return c_ + i_; }

private:
    char c_ = 0;
    int i_ = 0;
};

quire::btree_map<int, padded> map{"map.quire"};
