// The policy matrix: storage::mmap, txn::none, the slotted layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(mmap_none, slotted_records)
