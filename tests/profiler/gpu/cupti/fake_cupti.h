#pragma once
#include "profiler/gpu/cupti_api.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace moescope::gpu::tests {

/// A CUPTI without a GPU: answers what it was told to, hands over records that were put in by hand through the very callbacks
/// that the real one uses. One at a time, because its functions carry no user data either.
class FakeCupti {
public:
    FakeCupti() { self() = this; }
    ~FakeCupti() { self() = nullptr; }

    std::uint32_t version = CUPTI_API_VERSION;
    CUptiResult subscribeResult = CUPTI_SUCCESS;
    std::string holder;
    std::map<CUpti_ActivityKind, CUptiResult> enableResults;
    std::int64_t clockAhead = 0; ///< of the session's clock, if no clock was registered
    std::size_t dropped = 0;     ///< told once

    std::vector<CUpti_ActivityKind> enabled;
    std::vector<std::pair<CUpti_ExternalCorrelationKind, std::uint64_t>> pushed;
    int open = 0; ///< pushes without their pop
    int subscribed = 0;

    /// Delivered with the next flush.
    template <class Activity>
    void put(const Activity& activity) {
        const std::lock_guard lock(m_mutex);
        std::vector<std::uint8_t> bytes(sizeof activity);
        std::memcpy(bytes.data(), &activity, sizeof activity);
        m_records.push_back(std::move(bytes));
    }

    CuptiApi api() const {
        CuptiApi table;
        table.getVersion = [](std::uint32_t* number) { return *number = self()->version, CUPTI_SUCCESS; };
        table.resultString = [](CUptiResult, const char** text) { return *text = "CUPTI_ERROR_OF_THE_FAKE", CUPTI_SUCCESS; };
        table.subscribe = subscribe;
        table.unsubscribe = [](CUpti_SubscriberHandle) { return --self()->subscribed, CUPTI_SUCCESS; };
        table.timestamp = timestamp;
        table.registerTimestamp = [](CUpti_TimestampCallbackFunc) { return CUPTI_ERROR_NOT_SUPPORTED; };
        table.setAttribute = [](CUpti_ActivityAttribute, std::size_t*, void*) { return CUPTI_SUCCESS; };
        table.registerBuffers = registerBuffers;
        table.enable = enable;
        table.disable = [](CUpti_ActivityKind kind) { return std::erase(self()->enabled, kind), CUPTI_SUCCESS; };
        table.enableRuntimeCall = [](CUpti_CallbackId, std::uint8_t) { return CUPTI_SUCCESS; };
        table.enableDriverCall = [](CUpti_CallbackId, std::uint8_t) { return CUPTI_SUCCESS; };
        table.enableAllWaits = [](std::uint8_t) { return CUPTI_SUCCESS; };
        table.pushId = push;
        table.popId = [](CUpti_ExternalCorrelationKind, std::uint64_t*) { return --self()->open, CUPTI_SUCCESS; };
        table.flushAll = flush;
        table.nextRecord = next;
        table.droppedRecords = [](CUcontext, std::uint32_t, std::size_t* count) {
            return *count = std::exchange(self()->dropped, 0), CUPTI_SUCCESS;
        };
        return table;
    }

private:
    static FakeCupti*& self() {
        static FakeCupti* one = nullptr;
        return one;
    }
    static CUptiResult CUPTIAPI subscribe(CUpti_SubscriberHandle*, CUpti_CallbackFunc, void*, CUpti_SubscriberParams* params) {
        if (self()->subscribeResult == CUPTI_SUCCESS)
            ++self()->subscribed;
        else
            std::strncpy(params->oldSubscriberName, self()->holder.c_str(), params->oldSubscriberSize);
        return self()->subscribeResult;
    }
    static CUptiResult CUPTIAPI timestamp(std::uint64_t* time) {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        *time =
            static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() + self()->clockAhead);
        return CUPTI_SUCCESS;
    }
    static CUptiResult CUPTIAPI registerBuffers(CUpti_BuffersCallbackRequestFunc wanted,
                                                CUpti_BuffersCallbackCompleteFunc full) {
        self()->m_wanted = wanted;
        self()->m_full = full;
        return CUPTI_SUCCESS;
    }
    static CUptiResult CUPTIAPI enable(CUpti_ActivityKind kind) {
        const auto found = self()->enableResults.find(kind);
        if (found != self()->enableResults.end())
            return found->second;
        self()->enabled.push_back(kind);
        return CUPTI_SUCCESS;
    }
    static CUptiResult CUPTIAPI push(CUpti_ExternalCorrelationKind kind, std::uint64_t id) {
        self()->pushed.emplace_back(kind, id);
        ++self()->open;
        return CUPTI_SUCCESS;
    }
    static CUptiResult CUPTIAPI flush(std::uint32_t) {
        std::vector<std::vector<std::uint8_t>> records;
        {
            const std::lock_guard lock(self()->m_mutex);
            std::swap(records, self()->m_records);
        }
        if (records.empty())
            return CUPTI_SUCCESS;
        std::uint8_t* buffer = nullptr;
        std::size_t size = 0;
        std::size_t most = 0;
        self()->m_wanted(&buffer, &size, &most);
        if (!buffer) {
            self()->dropped += records.size();
            return CUPTI_SUCCESS;
        }
        std::size_t at = 0;
        for (const auto& record : records) {
            std::memcpy(buffer + at, record.data(), record.size());
            at += record.size();
        }
        self()->m_full(nullptr, 0, buffer, size, at);
        return CUPTI_SUCCESS;
    }
    static std::size_t sizeOf(const CUpti_Activity& record) {
        switch (record.kind) {
        case CUPTI_ACTIVITY_KIND_MEMCPY:
            return sizeof(CUpti_ActivityMemcpy6);
        case CUPTI_ACTIVITY_KIND_MEMSET:
            return sizeof(CUpti_ActivityMemset4);
        case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL:
            return sizeof(CUpti_ActivityKernel10);
        case CUPTI_ACTIVITY_KIND_RUNTIME:
            return sizeof(CUpti_ActivityAPI);
        case CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION:
            return sizeof(CUpti_ActivityExternalCorrelation);
        case CUPTI_ACTIVITY_KIND_OVERHEAD:
            return sizeof(CUpti_ActivityOverhead3);
        default:
            return 0;
        }
    }
    static CUptiResult CUPTIAPI next(std::uint8_t* buffer, std::size_t bytes, CUpti_Activity** record) {
        auto* at = *record ? reinterpret_cast<std::uint8_t*>(*record) + sizeOf(**record) : buffer;
        if (at >= buffer + bytes)
            return CUPTI_ERROR_MAX_LIMIT_REACHED;
        *record = reinterpret_cast<CUpti_Activity*>(at);
        return sizeOf(**record) > 0 ? CUPTI_SUCCESS : CUPTI_ERROR_INVALID_KIND;
    }

    std::mutex m_mutex;
    std::vector<std::vector<std::uint8_t>> m_records;
    CUpti_BuffersCallbackRequestFunc m_wanted = nullptr;
    CUpti_BuffersCallbackCompleteFunc m_full = nullptr;
};

inline CUpti_ActivityMemcpy6 copyActivity(std::uint64_t start, std::uint64_t end, std::uint64_t bytes,
                                          std::uint32_t correlation) {
    CUpti_ActivityMemcpy6 a{};
    a.kind = CUPTI_ACTIVITY_KIND_MEMCPY;
    a.copyKind = CUPTI_ACTIVITY_MEMCPY_KIND_HTOD;
    a.srcKind = CUPTI_ACTIVITY_MEMORY_KIND_PINNED;
    a.dstKind = CUPTI_ACTIVITY_MEMORY_KIND_DEVICE;
    a.bytes = bytes;
    a.start = start;
    a.end = end;
    a.streamId = 14;
    a.correlationId = correlation;
    return a;
}

inline CUpti_ActivityExternalCorrelation scopeActivity(CUpti_ExternalCorrelationKind kind, std::uint64_t id,
                                                       std::uint32_t correlation) {
    CUpti_ActivityExternalCorrelation a{};
    a.kind = CUPTI_ACTIVITY_KIND_EXTERNAL_CORRELATION;
    a.externalKind = kind;
    a.externalId = id;
    a.correlationId = correlation;
    return a;
}

} // namespace moescope::gpu::tests
