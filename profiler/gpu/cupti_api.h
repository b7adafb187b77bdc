#pragma once
#include <cupti.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moescope::gpu {

/// The functions of CUPTI that are used, as a table: filled from the library by loadCupti, or by a test.
struct CuptiApi {
    decltype(&cuptiGetVersion) getVersion = nullptr;
    decltype(&cuptiGetResultString) resultString = nullptr;
    decltype(&cuptiSubscribe_v2) subscribe = nullptr;
    decltype(&cuptiUnsubscribe) unsubscribe = nullptr;
    decltype(&cuptiGetTimestamp) timestamp = nullptr;
    decltype(&cuptiActivityRegisterTimestampCallback) registerTimestamp = nullptr;
    decltype(&cuptiActivitySetAttribute) setAttribute = nullptr;
    decltype(&cuptiActivityRegisterCallbacks) registerBuffers = nullptr;
    decltype(&cuptiActivityEnable) enable = nullptr;
    decltype(&cuptiActivityDisable) disable = nullptr;
    decltype(&cuptiActivityEnableRuntimeApi) enableRuntimeCall = nullptr;
    decltype(&cuptiActivityEnableDriverApi) enableDriverCall = nullptr;
    decltype(&cuptiActivityEnableAllSyncRecords) enableAllWaits = nullptr;
    decltype(&cuptiActivityPushExternalCorrelationId) pushId = nullptr;
    decltype(&cuptiActivityPopExternalCorrelationId) popId = nullptr;
    decltype(&cuptiActivityFlushAll) flushAll = nullptr;
    decltype(&cuptiActivityGetNextRecord) nextRecord = nullptr;
    decltype(&cuptiActivityGetNumDroppedRecords) droppedRecords = nullptr;
};

/// Why CUPTI cannot be used, in one sentence.
class CuptiMissing : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Where the library is looked for, in order: the given file, $CUDA_HOME, the loader's own path, the usual folders.
std::vector<std::filesystem::path> cuptiPlaces(const std::filesystem::path& wanted);

/// Opens the first of the places that can be opened, for good. Null if there is none.
void* openCupti(const std::filesystem::path& wanted);

/// Throws CuptiMissing, which begins with what is not done without it, if the library lacks the function.
void* cuptiFunction(void* library, const char* name, std::string_view notDone);
template <class Function>
void findCupti(void* library, const char* name, Function& into, std::string_view notDone) {
    into = reinterpret_cast<Function>(cuptiFunction(library, name, notDone));
}

/// Opens the first of the places that can be opened; the library stays open for the life of the process, because its own
/// threads may run until then. Throws CuptiMissing: no library, a function that it lacks, or another version than the
/// one whose record layouts this build knows (a library fills only its own).
CuptiApi loadCupti(const std::filesystem::path& wanted);

/// Throws CuptiMissing unless the library is of the compiled family (13.0).
void checkCuptiVersion(const CuptiApi& api);

} // namespace moescope::gpu
