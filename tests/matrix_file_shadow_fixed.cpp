// The policy matrix: storage::file, txn::shadow, the fixed layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(file_shadow, fixed_records)
