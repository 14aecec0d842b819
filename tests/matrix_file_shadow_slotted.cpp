// The policy matrix: storage::file, txn::shadow, the slotted layout.
#include "support/matrix.hpp"

QUIRE_MATRIX(file_shadow, slotted_records)
