// The policy matrix: storage::mmap, txn::shadow, the fixed layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(mmap_shadow, fixed_records)
