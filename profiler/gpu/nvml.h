#pragma once
#include "engine/trace/event.h"

#include <optional>
#include <string>

namespace moescope::gpu {

/// The first GPU as NVIDIA's management library sees it: what it is and how busy. The library is opened when asked for; its
/// functions have had the same binary form since its version 2, so no header is needed. One thread.
class Nvml {
public:
    /// Nothing without the library, a driver or a GPU.
    static std::optional<Nvml> open();

    /// "NVIDIA H100, driver 580.159.04, PCIe 5.0 x16".
    std::string description() const;
    std::optional<trace::GpuSample> sample(trace::TimeNs now) const;

private:
    struct Functions;
    explicit Nvml(const Functions& functions, void* device) : m_functions(&functions), m_device(device) {}
    const Functions* m_functions;
    void* m_device;
};

} // namespace moescope::gpu
