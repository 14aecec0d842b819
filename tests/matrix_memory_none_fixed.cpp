// The policy matrix: storage::memory, txn::none, the fixed layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(memory_none, fixed_records)
