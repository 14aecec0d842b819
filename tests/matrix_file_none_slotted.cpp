// The policy matrix: storage::file, txn::none, the slotted layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(file_none, slotted_records)
