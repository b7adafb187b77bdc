#pragma once
#include "profiler/gpu/cupti_counter_api.h"

#include <chrono>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

namespace moescope::gpu::tests {

/// CUPTI's counters without a GPU: readings that a test puts in come out of the next decoding. One at a time, because its
/// functions carry no user data.
class FakeCounters {
public:
    struct Reading {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        double values[6] = {};
    };

    FakeCounters() { self() = this; }
    ~FakeCounters() { self() = nullptr; }

    CUptiResult enableResult = CUPTI_SUCCESS;
    CUptiResult decodeResult = CUPTI_SUCCESS;
    std::size_t passesOfFull = 1; ///< that the full set of metrics would take
    std::size_t metrics = 0;      ///< that were asked for last
    int hosts = 0;                ///< not taken down yet
    int enabled = 0;
    int running = 0;

    void put(const Reading& reading) {
        const std::lock_guard lock(m_mutex);
        m_readings.push_back(reading);
    }
    static std::uint64_t now() {
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
    }

    CounterApi api() const {
        CounterApi table;
        table.resultString = [](CUptiResult, const char** text) { return *text = "CUPTI_ERROR_OF_THE_FAKE", CUPTI_SUCCESS; };
        table.timestamp = [](std::uint64_t* time) { return *time = now(), CUPTI_SUCCESS; };
        table.registerTimestamp = [](CUpti_TimestampCallbackFunc) { return CUPTI_ERROR_NOT_SUPPORTED; };
        table.initialise = [](CUpti_Profiler_Initialize_Params*) { return CUPTI_SUCCESS; };
        table.chipName = [](CUpti_Device_GetChipName_Params* p) { return p->pChipName = "GH100", CUPTI_SUCCESS; };
        table.availability = [](CUpti_PmSampling_GetCounterAvailability_Params* p) {
            return p->counterAvailabilityImageSize = 16, CUPTI_SUCCESS;
        };
        table.hostBegin = [](CUpti_Profiler_Host_Initialize_Params* p) {
            p->pHostObject = reinterpret_cast<CUpti_Profiler_Host_Object*>(self());
            return ++self()->hosts, CUPTI_SUCCESS;
        };
        table.hostEnd = [](CUpti_Profiler_Host_Deinitialize_Params*) { return --self()->hosts, CUPTI_SUCCESS; };
        table.addMetrics = [](CUpti_Profiler_Host_ConfigAddMetrics_Params* p) {
            return self()->metrics = p->numMetrics, CUPTI_SUCCESS;
        };
        table.configSize = [](CUpti_Profiler_Host_GetConfigImageSize_Params* p) {
            return p->configImageSize = 8, CUPTI_SUCCESS;
        };
        table.config = [](CUpti_Profiler_Host_GetConfigImage_Params*) { return CUPTI_SUCCESS; };
        table.passes = [](CUpti_Profiler_Host_GetNumOfPasses_Params* p) {
            return p->numOfPasses = self()->metrics > 2 ? self()->passesOfFull : 1, CUPTI_SUCCESS;
        };
        addSampling(table);
        return table;
    }

private:
    static void addSampling(CounterApi& table) {
        table.enable = [](CUpti_PmSampling_Enable_Params* p) {
            p->pPmSamplingObject = reinterpret_cast<CUpti_PmSampling_Object*>(self());
            if (self()->enableResult == CUPTI_SUCCESS)
                ++self()->enabled;
            return self()->enableResult;
        };
        table.disable = [](CUpti_PmSampling_Disable_Params*) { return --self()->enabled, CUPTI_SUCCESS; };
        table.setConfig = [](CUpti_PmSampling_SetConfig_Params*) { return CUPTI_SUCCESS; };
        table.dataSize = [](CUpti_PmSampling_GetCounterDataSize_Params* p) { return p->counterDataSize = 64, CUPTI_SUCCESS; };
        table.dataBegin = [](CUpti_PmSampling_CounterDataImage_Initialize_Params*) {
            return self()->m_decoded.clear(), CUPTI_SUCCESS;
        };
        table.start = [](CUpti_PmSampling_Start_Params*) {
            self()->put({}); // the first one begins whenever it likes
            return ++self()->running, CUPTI_SUCCESS;
        };
        table.stop = [](CUpti_PmSampling_Stop_Params*) { return --self()->running, CUPTI_SUCCESS; };
        table.decode = [](CUpti_PmSampling_DecodeData_Params* p) {
            const std::lock_guard lock(self()->m_mutex);
            self()->m_decoded.swap(self()->m_readings);
            self()->m_readings.clear();
            p->decodeStopReason = CUPTI_PM_SAMPLING_DECODE_STOP_REASON_OTHER;
            return self()->decodeResult;
        };
        table.dataInfo = [](CUpti_PmSampling_GetCounterDataInfo_Params* p) {
            return p->numCompletedSamples = self()->m_decoded.size(), CUPTI_SUCCESS;
        };
        table.sampleInfo = [](CUpti_PmSampling_CounterData_GetSampleInfo_Params* p) {
            p->startTimestamp = self()->m_decoded[p->sampleIndex].begin;
            p->endTimestamp = self()->m_decoded[p->sampleIndex].end;
            return CUPTI_SUCCESS;
        };
        table.evaluate = [](CUpti_Profiler_Host_EvaluateToGpuValues_Params* p) {
            std::memcpy(p->pMetricValues, self()->m_decoded[p->rangeIndex].values, p->numMetrics * sizeof(double));
            return CUPTI_SUCCESS;
        };
    }
    static FakeCounters*& self() {
        static FakeCounters* one = nullptr;
        return one;
    }

    std::mutex m_mutex; ///< guards m_readings
    std::vector<Reading> m_readings;
    std::vector<Reading> m_decoded;
};

} // namespace moescope::gpu::tests
