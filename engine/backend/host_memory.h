#pragma once

namespace moescope::backend {

/// Where experts wait while they are not on the GPU.
enum class HostMemory {
    Pinned,   ///< page-locked RAM: copies run at the link's full speed, beside computing
    Mapped,   ///< the model file's mapping: little RAM, each copy goes through a small page-locked ring
    Pageable, ///< ordinary RAM: CUDA has to stage every copy
};

} // namespace moescope::backend
