// The policy matrix: storage::mmap, txn::wal, the fixed layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(mmap_wal, fixed_records)
