// One row of the matrix.
#include "policies/matrix_map.hpp"

namespace bench {

matrix_row file_two_queue() {
    using storage = quire::storage::file;
    using replacement = quire::replacement::two_queue;
    return {storage::name, replacement::name, open_matrix<storage, replacement>};
}

} // namespace bench
