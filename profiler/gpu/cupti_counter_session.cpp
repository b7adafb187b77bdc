#include "profiler/gpu/cupti_counter_session.h"

#include "profiler/gpu/cupti_switches.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace moescope::gpu {
namespace {

/// Readings per look: more make a larger image, which is cleared each time.
constexpr std::uint32_t kMostReadings = 64;
constexpr std::size_t kHardwareBuffer = std::size_t{64} << 20U;

/// In the order of CounterReading; sets that some chips can count in one pass, the best first.
const std::array<std::vector<const char*>, 3>& metricSets() {
    static const std::array<std::vector<const char*>, 3> kSets{
        {{"pcie__read_bytes.sum", "pcie__write_bytes.sum", "dram__read_throughput.avg.pct_of_peak_sustained_elapsed",
          "dram__write_throughput.avg.pct_of_peak_sustained_elapsed", "sm__cycles_active.avg.pct_of_peak_sustained_elapsed",
          "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_elapsed"},
         {"PCI.TriageCompute.pcie__read_bytes.sum", "PCI.TriageCompute.pcie__write_bytes.sum",
          "dram__read_throughput.avg.pct_of_peak_sustained_elapsed", "dram__write_throughput.avg.pct_of_peak_sustained_elapsed",
          "sm__cycles_active.avg.pct_of_peak_sustained_elapsed",
          "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_elapsed"},
         {"pcie__read_bytes.sum", "pcie__write_bytes.sum"}}};
    return kSets;
}

template <class Params>
Params params(std::size_t size) {
    Params made{};
    made.structSize = size;
    return made;
}
#define MOESCOPE_PARAMS(name) params<name>(name##_STRUCT_SIZE)

} // namespace

CounterSession::CounterSession(const CounterApi& api, std::int64_t intervalNs) : m_api(api) {
    auto profiler = MOESCOPE_PARAMS(CUpti_Profiler_Initialize_Params);
    require(m_api.initialise(&profiler));
    auto chip = MOESCOPE_PARAMS(CUpti_Device_GetChipName_Params);
    require(m_api.chipName(&chip));
    m_chip = chip.pChipName ? chip.pChipName : "";
    auto available = MOESCOPE_PARAMS(CUpti_PmSampling_GetCounterAvailability_Params);
    require(m_api.availability(&available));
    Image availability(available.counterAvailabilityImageSize);
    available.pCounterAvailabilityImage = availability.data();
    require(m_api.availability(&available));
    bool configured = false;
    for (const auto& metrics : metricSets())
        configured = configured || configure(availability, metrics);
    if (!configured)
        throw CuptiMissing(fmt::format("The GPU's counters are not read: {} cannot count them in one pass.", m_chip));
    auto enable = MOESCOPE_PARAMS(CUpti_PmSampling_Enable_Params);
    require(m_api.enable(&enable));
    m_sampling = enable.pPmSamplingObject;
    auto config = MOESCOPE_PARAMS(CUpti_PmSampling_SetConfig_Params);
    config.pPmSamplingObject = m_sampling;
    config.configSize = m_config.size();
    config.pConfig = m_config.data();
    config.hardwareBufferSize = kHardwareBuffer;
    config.samplingInterval = static_cast<std::uint64_t>(intervalNs);
    config.triggerMode = CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_TIME_INTERVAL;
    config.hwBufferAppendMode = CUPTI_PM_SAMPLING_HARDWARE_BUFFER_APPEND_MODE_KEEP_LATEST;
    require(m_api.setConfig(&config));
    prepareData();
}

CounterSession::~CounterSession() {
    if (m_running) {
        auto stop = MOESCOPE_PARAMS(CUpti_PmSampling_Stop_Params);
        stop.pPmSamplingObject = m_sampling;
        m_api.stop(&stop);
    }
    if (m_sampling) {
        auto disable = MOESCOPE_PARAMS(CUpti_PmSampling_Disable_Params);
        disable.pPmSamplingObject = m_sampling;
        m_api.disable(&disable);
    }
    if (m_host) {
        auto host = MOESCOPE_PARAMS(CUpti_Profiler_Host_Deinitialize_Params);
        host.pHostObject = m_host;
        m_api.hostEnd(&host);
    }
}

void CounterSession::require(CUptiResult result) const {
    if (result != CUPTI_SUCCESS)
        throw CuptiMissing("The GPU's counters are not read: " + cuptiReason(m_api.resultString, result));
}

bool CounterSession::configure(const Image& availability, const std::vector<const char*>& metrics) {
    if (m_host) {
        auto old = MOESCOPE_PARAMS(CUpti_Profiler_Host_Deinitialize_Params);
        old.pHostObject = std::exchange(m_host, nullptr);
        m_api.hostEnd(&old);
    }
    auto host = MOESCOPE_PARAMS(CUpti_Profiler_Host_Initialize_Params);
    host.profilerType = CUPTI_PROFILER_TYPE_PM_SAMPLING;
    host.pChipName = m_chip.c_str();
    host.pCounterAvailabilityImage = availability.data();
    require(m_api.hostBegin(&host));
    m_host = host.pHostObject;
    m_metrics = metrics;
    auto add = MOESCOPE_PARAMS(CUpti_Profiler_Host_ConfigAddMetrics_Params);
    add.pHostObject = m_host;
    add.ppMetricNames = m_metrics.data();
    add.numMetrics = m_metrics.size();
    if (m_api.addMetrics(&add) != CUPTI_SUCCESS)
        return false;
    auto size = MOESCOPE_PARAMS(CUpti_Profiler_Host_GetConfigImageSize_Params);
    size.pHostObject = m_host;
    if (m_api.configSize(&size) != CUPTI_SUCCESS)
        return false;
    m_config.resize(size.configImageSize);
    auto image = MOESCOPE_PARAMS(CUpti_Profiler_Host_GetConfigImage_Params);
    image.pHostObject = m_host;
    image.configImageSize = m_config.size();
    image.pConfigImage = m_config.data();
    auto passes = MOESCOPE_PARAMS(CUpti_Profiler_Host_GetNumOfPasses_Params);
    passes.configImageSize = m_config.size();
    passes.pConfigImage = m_config.data();
    return m_api.config(&image) == CUPTI_SUCCESS && m_api.passes(&passes) == CUPTI_SUCCESS && passes.numOfPasses == 1;
}

void CounterSession::prepareData() {
    auto size = MOESCOPE_PARAMS(CUpti_PmSampling_GetCounterDataSize_Params);
    size.pPmSamplingObject = m_sampling;
    size.pMetricNames = m_metrics.data();
    size.numMetrics = m_metrics.size();
    size.maxSamples = kMostReadings;
    require(m_api.dataSize(&size));
    m_data.resize(size.counterDataSize);
    clearData();
}

void CounterSession::clearData() {
    auto data = MOESCOPE_PARAMS(CUpti_PmSampling_CounterDataImage_Initialize_Params);
    data.pPmSamplingObject = m_sampling;
    data.counterDataSize = m_data.size();
    data.pCounterData = m_data.data();
    require(m_api.dataBegin(&data));
}

void CounterSession::start() {
    auto start = MOESCOPE_PARAMS(CUpti_PmSampling_Start_Params);
    start.pPmSamplingObject = m_sampling;
    require(m_api.start(&start));
    m_running = m_first = true;
}

void CounterSession::stop() {
    auto stop = MOESCOPE_PARAMS(CUpti_PmSampling_Stop_Params);
    stop.pPmSamplingObject = m_sampling;
    m_running = false;
    require(m_api.stop(&stop));
}

void CounterSession::read(std::vector<CounterReading>& into) {
    for (bool full = true; full;) {
        auto decode = MOESCOPE_PARAMS(CUpti_PmSampling_DecodeData_Params);
        decode.pPmSamplingObject = m_sampling;
        decode.pCounterDataImage = m_data.data();
        decode.counterDataImageSize = m_data.size();
        require(m_api.decode(&decode));
        auto info = MOESCOPE_PARAMS(CUpti_PmSampling_GetCounterDataInfo_Params);
        info.pCounterDataImage = m_data.data();
        info.counterDataImageSize = m_data.size();
        require(m_api.dataInfo(&info));
        for (std::size_t i = 0; i < info.numCompletedSamples; ++i) {
            const CounterReading reading = readingAt(i);
            if (!std::exchange(m_first, false))
                into.push_back(reading);
        }
        full = decode.decodeStopReason == CUPTI_PM_SAMPLING_DECODE_STOP_REASON_COUNTER_DATA_FULL;
        if (info.numCompletedSamples > 0)
            clearData();
    }
}

CounterReading CounterSession::readingAt(std::size_t index) const {
    auto sample = MOESCOPE_PARAMS(CUpti_PmSampling_CounterData_GetSampleInfo_Params);
    sample.pPmSamplingObject = m_sampling;
    sample.pCounterDataImage = m_data.data();
    sample.counterDataImageSize = m_data.size();
    sample.sampleIndex = index;
    require(m_api.sampleInfo(&sample));
    std::array<double, 6> values{};
    auto metrics = m_metrics;
    auto evaluate = MOESCOPE_PARAMS(CUpti_Profiler_Host_EvaluateToGpuValues_Params);
    evaluate.pHostObject = m_host;
    evaluate.pCounterDataImage = m_data.data();
    evaluate.counterDataImageSize = m_data.size();
    evaluate.rangeIndex = index;
    evaluate.ppMetricNames = metrics.data();
    evaluate.numMetrics = metrics.size();
    evaluate.pMetricValues = values.data();
    require(m_api.evaluate(&evaluate));
    return {static_cast<std::int64_t>(sample.startTimestamp),
            static_cast<std::int64_t>(sample.endTimestamp),
            values[0],
            values[1],
            values[2],
            values[3],
            values[4],
            values[5]};
}

#undef MOESCOPE_PARAMS

} // namespace moescope::gpu
