// One row of the matrix.
#include "policies/matrix_map.hpp"

namespace bench {

matrix_row mmap_clock() {
    using storage = quire::storage::mmap;
    using replacement = quire::replacement::clock;
    return {storage::name, replacement::name, open_matrix<storage, replacement>};
}

} // namespace bench
