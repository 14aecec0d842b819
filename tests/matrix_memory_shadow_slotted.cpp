// The policy matrix: storage::memory, txn::shadow, the slotted layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(memory_shadow, slotted_records)
