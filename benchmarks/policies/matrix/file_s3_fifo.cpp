// One row of the matrix.
#include "policies/matrix_map.hpp"

namespace bench {

matrix_row file_s3_fifo() {
    using storage = quire::storage::file;
    using replacement = quire::replacement::s3_fifo;
    return {storage::name, replacement::name, open_matrix<storage, replacement>};
}

} // namespace bench
