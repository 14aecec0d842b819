// One row of the matrix.
#include "policies/matrix_map.hpp"

namespace bench {

matrix_row file_arc() {
    using storage = quire::storage::file;
    using replacement = quire::replacement::arc;
    return {storage::name, replacement::name, open_matrix<storage, replacement>};
}

} // namespace bench
