// The policy matrix: storage::mmap, txn::shadow, the slotted layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(mmap_shadow, slotted_records)
