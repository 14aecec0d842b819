// The policy matrix: storage::mmap, txn::none, the fixed layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(mmap_none, fixed_records)
