// The rows of the program `space`. Thread-safety: one thread calls; some rows start others.
#pragma once

#include "rows/rows.hpp"

namespace bench {

void measure_half(session& in);         // half
void measure_beside(session& in);       // beside
void measure_budget(session& in);       // budget
void measure_mixed(session& in);        // mixed
void measure_small_stores(session& in); // small
void measure_free_map(session& in);     // map

} // namespace bench
