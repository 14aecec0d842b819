// One row of the matrix.
#include "policies/matrix_map.hpp"

namespace bench {

matrix_row memory_clock() {
    using storage = quire::storage::memory;
    using replacement = quire::replacement::clock;
    return {storage::name, replacement::name, open_matrix<storage, replacement>};
}

} // namespace bench
