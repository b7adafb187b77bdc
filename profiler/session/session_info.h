#pragma once
#include "engine/model/model_facts.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace moescope::session {

/// Where a session's events come from; shown wherever its figures are.
enum class Origin : std::uint8_t { Recorded = 0, Simulated = 1, Imported = 2 };

struct MachineFacts {
    std::string processor;
    std::string system;
    std::string device = "CPU"; ///< what ran the experts: "CPU (AVX-512 VNNI), 2 threads", "NVIDIA H100"
    int cores = 0;
    std::int64_t memoryBytes = 0;
    /// Memory of the device that ran the experts, and what was planned in it beside the expert slots: "dense weights=852000000,
    /// KV cache and scratch=1200000000". 0 and empty on a processor and in sessions of older formats.
    std::int64_t deviceBytes = 0;
    std::string devicePlan;
    std::string hostMemory; ///< where experts waited for a GPU: pinned, mapped or pageable; else empty
};

/// How the device was recorded beside the engine.
struct TracerFacts {
    int level = 0;               ///< trace level in force: 0 engine only, 1 copies, 2 launches and waits, 3 kernels
    std::string status;          ///< one sentence: what recorded, or what was missing; empty in sessions of format 1
    std::int64_t countersNs = 0; ///< between two readings of the device's counters; 0: they were not read
    std::string counters;        ///< one sentence: how they are read, or why not; empty: not asked for
};

/// The constant facts of a session, written when it begins; `ended*` and figures when it is finished.
struct SessionInfo {
    std::string id; ///< random, 32 hex digits
    std::string title;
    std::string createdUtc; ///< ISO 8601
    std::string programVersion;
    std::string build; ///< commit, compiler, flags, in one line
    Origin origin = Origin::Recorded;
    model::ModelFacts model;
    MachineFacts machine;
    std::vector<std::pair<std::string, std::string>>
        settings;                    ///< as in force at the start, settingNames() order, then sampling and threads
    std::vector<double> sensitivity; ///< w_l of AdapMoE per layer, as calibrated; empty: not known
    std::string calibration; ///< JSON that policy::parseSensitivities reads, as the run used it; empty: none, or not stored
    TracerFacts tracer;
    std::uint64_t seed = 0;
    std::string continues; ///< id of the session this one continues (disk was full), else empty
    // known at the end; -1 while live or when the run was killed
    std::int64_t endedNs = -1;
    std::int64_t eventsLost = 0;
    bool finished() const { return endedNs >= 0; }
};

} // namespace moescope::session
