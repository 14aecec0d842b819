// The policy matrix: storage::mmap, txn::wal, the slotted layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(mmap_wal, slotted_records)
