#pragma once

namespace moescope::backend {

/// Where experts wait while they are not on the GPU.
enum class HostMemory {
    Pinned,   ///< page-locked RAM: copies run at the link's full speed, beside computing
    Mapped,   ///< the model file's mapping: little RAM, each copy goes through a small page-locked ring
    Pageable, ///< ordinary RAM: CUDA has to stage every copy
};

constexpr const char* nameOf(HostMemory memory) {
    switch (memory) {
    case HostMemory::Pinned:
        return "pinned";
    case HostMemory::Mapped:
        return "mapped";
    case HostMemory::Pageable:
        return "pageable";
    }
    return "";
}

} // namespace moescope::backend
