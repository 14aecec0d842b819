// The policy matrix: storage::file, txn::none, the fixed layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(file_none, fixed_records)
