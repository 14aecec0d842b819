// The policy matrix: storage::memory, txn::shadow, the fixed layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(memory_shadow, fixed_records)
