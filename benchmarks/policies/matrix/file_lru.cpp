// One row of the matrix.
#include "policies/matrix_map.hpp"

namespace bench {

matrix_row file_lru() {
    using storage = quire::storage::file;
    using replacement = quire::replacement::lru;
    return {storage::name, replacement::name, open_matrix<storage, replacement>};
}

} // namespace bench
