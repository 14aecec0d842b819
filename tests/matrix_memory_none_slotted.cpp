// The policy matrix: storage::memory, txn::none, the slotted layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(memory_none, slotted_records)
