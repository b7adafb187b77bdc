#include "profiler/gpu/cupti_api.h"

#include <fmt/format.h>

#include <cstdlib>
#include <dlfcn.h>

namespace moescope::gpu {
namespace {

constexpr const char* kLibrary = "libcupti.so.13";
constexpr const char* kFolders[] = {"lib64", "lib", "targets/x86_64-linux/lib", "extras/CUPTI/lib64"};
/// 130001 and 130000 are one family: the records have the same layouts.
constexpr std::uint32_t kVersionsPerFamily = 100;

CuptiApi tableOf(void* library) {
    CuptiApi api;
    const auto find = [&](const char* name, auto& into) {
        findCupti(library, name, into, "The device's work is not recorded");
    };
    find("cuptiGetVersion", api.getVersion);
    find("cuptiGetResultString", api.resultString);
    find("cuptiSubscribe_v2", api.subscribe);
    find("cuptiUnsubscribe", api.unsubscribe);
    find("cuptiGetTimestamp", api.timestamp);
    find("cuptiActivityRegisterTimestampCallback", api.registerTimestamp);
    find("cuptiActivitySetAttribute", api.setAttribute);
    find("cuptiActivityRegisterCallbacks", api.registerBuffers);
    find("cuptiActivityEnable", api.enable);
    find("cuptiActivityDisable", api.disable);
    find("cuptiActivityEnableRuntimeApi", api.enableRuntimeCall);
    find("cuptiActivityEnableDriverApi", api.enableDriverCall);
    find("cuptiActivityEnableAllSyncRecords", api.enableAllWaits);
    find("cuptiActivityPushExternalCorrelationId", api.pushId);
    find("cuptiActivityPopExternalCorrelationId", api.popId);
    find("cuptiActivityFlushAll", api.flushAll);
    find("cuptiActivityGetNextRecord", api.nextRecord);
    find("cuptiActivityGetNumDroppedRecords", api.droppedRecords);
    return api;
}

} // namespace

std::vector<std::filesystem::path> cuptiPlaces(const std::filesystem::path& wanted) {
    if (!wanted.empty())
        return {wanted};
    std::vector<std::filesystem::path> places;
    if (const char* home = std::getenv("CUDA_HOME"); home && *home != '\0')
        for (const char* folder : kFolders)
            places.push_back(std::filesystem::path(home) / folder / kLibrary);
    places.emplace_back(kLibrary);
    for (const char* root : {"/usr/local/cuda", "/usr/local/cuda-13.0"})
        for (const char* folder : kFolders)
            places.push_back(std::filesystem::path(root) / folder / kLibrary);
    return places;
}

void checkCuptiVersion(const CuptiApi& api) {
    std::uint32_t version = 0;
    if (api.getVersion(&version) != CUPTI_SUCCESS)
        throw CuptiMissing("The device's work is not recorded: libcupti does not say its version.");
    if (version / kVersionsPerFamily != CUPTI_API_VERSION / kVersionsPerFamily)
        throw CuptiMissing(fmt::format("The device's work is not recorded: libcupti is of version {}, and this build reads the "
                                       "records of version {} only.",
                                       version, CUPTI_API_VERSION));
}

void* cuptiFunction(void* library, const char* name, std::string_view notDone) {
    if (void* function = dlsym(library, name))
        return function;
    throw CuptiMissing(fmt::format("{}: this libcupti lacks {}.", notDone, name));
}

void* openCupti(const std::filesystem::path& wanted) {
    for (const std::filesystem::path& place : cuptiPlaces(wanted))
        if (void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL))
            return library;
    return nullptr;
}

CuptiApi loadCupti(const std::filesystem::path& wanted) {
    if (void* library = openCupti(wanted)) {
        const CuptiApi api = tableOf(library);
        checkCuptiVersion(api);
        return api;
    }
    throw CuptiMissing(fmt::format("The device's work is not recorded: {} was not found; set CUDA_HOME to the folder of a CUDA "
                                   "13.0 toolkit.",
                                   wanted.empty() ? std::string(kLibrary) : wanted.string()));
}

} // namespace moescope::gpu
