#include "profiler/gpu/nvml.h"

#include <fmt/format.h>

#include <array>
#include <dlfcn.h>

namespace moescope::gpu {
namespace {

struct Rates {
    unsigned gpu = 0;
    unsigned memory = 0;
};
struct Memory {
    unsigned long long total = 0;
    unsigned long long free = 0;
    unsigned long long used = 0;
};
constexpr int kSuccess = 0;
constexpr unsigned kStreamingClock = 1; // NVML_CLOCK_SM

template <class Function>
bool bindTo(void* library, const char* name, Function& into) {
    into = reinterpret_cast<Function>(dlsym(library, name));
    return into != nullptr;
}

} // namespace

struct Nvml::Functions {
    int (*init)() = nullptr;
    int (*deviceByIndex)(unsigned, void**) = nullptr;
    int (*deviceName)(void*, char*, unsigned) = nullptr;
    int (*driverVersion)(char*, unsigned) = nullptr;
    int (*linkGeneration)(void*, unsigned*) = nullptr;
    int (*linkWidth)(void*, unsigned*) = nullptr;
    int (*mostLinkGeneration)(void*, unsigned*) = nullptr;
    int (*mostLinkWidth)(void*, unsigned*) = nullptr;
    int (*utilisation)(void*, Rates*) = nullptr;
    int (*memory)(void*, Memory*) = nullptr;
    int (*clock)(void*, unsigned, unsigned*) = nullptr;
    int (*power)(void*, unsigned*) = nullptr;

    bool load() {
        void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
        return library && bindTo(library, "nvmlInit_v2", init) &&
               bindTo(library, "nvmlDeviceGetHandleByIndex_v2", deviceByIndex) &&
               bindTo(library, "nvmlDeviceGetName", deviceName) &&
               bindTo(library, "nvmlSystemGetDriverVersion", driverVersion) &&
               bindTo(library, "nvmlDeviceGetCurrPcieLinkGeneration", linkGeneration) &&
               bindTo(library, "nvmlDeviceGetCurrPcieLinkWidth", linkWidth) &&
               bindTo(library, "nvmlDeviceGetMaxPcieLinkGeneration", mostLinkGeneration) &&
               bindTo(library, "nvmlDeviceGetMaxPcieLinkWidth", mostLinkWidth) &&
               bindTo(library, "nvmlDeviceGetUtilizationRates", utilisation) &&
               bindTo(library, "nvmlDeviceGetMemoryInfo", memory) && bindTo(library, "nvmlDeviceGetClockInfo", clock) &&
               bindTo(library, "nvmlDeviceGetPowerUsage", power) && init() == kSuccess;
    }
    /// Once per process; the library stays open.
    static const Functions* get() {
        static const auto* const functions = [] {
            auto* loaded = new Functions;
            return loaded->load() ? loaded : nullptr;
        }();
        return functions;
    }
};

std::optional<Nvml> Nvml::open() {
    const Functions* functions = Functions::get();
    void* device = nullptr;
    if (!functions || functions->deviceByIndex(0, &device) != kSuccess)
        return std::nullopt;
    return Nvml(*functions, device);
}

std::string Nvml::description() const {
    std::array<char, 128> name{};
    std::array<char, 128> driver{};
    unsigned generation = 0;
    unsigned width = 0;
    m_functions->deviceName(m_device, name.data(), static_cast<unsigned>(name.size() - 1));
    m_functions->driverVersion(driver.data(), static_cast<unsigned>(driver.size() - 1));
    std::string text = fmt::format("{}, driver {}", name.data(), driver.data());
    if (m_functions->mostLinkGeneration(m_device, &generation) == kSuccess &&
        m_functions->mostLinkWidth(m_device, &width) == kSuccess)
        text += fmt::format(", PCIe {}.0 x{}", generation, width);
    return text;
}

std::optional<trace::GpuSample> Nvml::sample(trace::TimeNs now) const {
    Rates busy;
    Memory memory;
    if (m_functions->utilisation(m_device, &busy) != kSuccess || m_functions->memory(m_device, &memory) != kSuccess)
        return std::nullopt;
    unsigned generation = 0;
    unsigned width = 0;
    unsigned clock = 0;
    unsigned milliwatts = 0;
    m_functions->linkGeneration(m_device, &generation);
    m_functions->linkWidth(m_device, &width);
    m_functions->clock(m_device, kStreamingClock, &clock);
    m_functions->power(m_device, &milliwatts);
    return trace::GpuSample{.at = now,
                            .memoryUsedBytes = static_cast<std::int64_t>(memory.used),
                            .busyPercent = static_cast<float>(busy.gpu),
                            .memoryBusyPercent = static_cast<float>(busy.memory),
                            .watts = static_cast<float>(milliwatts) / 1000,
                            .clockMhz = static_cast<std::int32_t>(clock),
                            .linkGeneration = static_cast<std::uint8_t>(generation),
                            .linkWidth = static_cast<std::uint8_t>(width)};
}

} // namespace moescope::gpu
