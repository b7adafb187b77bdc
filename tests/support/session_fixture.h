#pragma once
#include "profiler/session/batch.h"
#include "tests/support/synthetic_run.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace moescope::test {

/// A folder of its own for a test, removed afterwards.
class SessionFolder : public ::testing::Test {
protected:
    SessionFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "moescope-test-XXXXXX").string();
        m_folder = mkdtemp(pattern.data());
    }
    ~SessionFolder() override {
        std::error_code ignored;
        std::filesystem::remove_all(m_folder, ignored);
    }
    std::filesystem::path file(const std::string& name = "run.moescope") const { return m_folder / name; }
    const std::filesystem::path& folder() const { return m_folder; }

private:
    std::filesystem::path m_folder;
};

/// Bytes that are the same exactly when two events are: every field, no padding.
inline std::string text(const session::Batch& batch, const session::Record& record) {
    std::string out = std::to_string(record.seq) + " kind " + std::to_string(record.event.index());
    const auto add = [&out](auto value) { out += " " + std::to_string(value); };
    struct Fields {
        decltype(add)& put;
        void operator()(const trace::PromptBegan& e) const {
            put(e.at), put(e.turn.value), put(e.firstToken.value), put(e.promptTokens), put(e.reusedTokens),
                put(e.contextTokens);
        }
        void operator()(const trace::TokenPrompted& e) const {
            put(e.at), put(e.turn.value), put(e.token.value), put(e.tokenId);
        }
        void operator()(const trace::TokenEmitted& e) const {
            put(e.at), put(e.turn.value), put(e.token.value), put(e.tokenId), put(e.logProbability), put(e.contextUsed);
        }
        void operator()(const trace::AnswerEnded& e) const {
            put(e.at), put(e.turn.value), put(static_cast<int>(e.reason)), put(e.tokens), put(e.promptBeganAt);
        }
        void operator()(const trace::ExpertsChosen& e) const {
            put(e.at), put(e.token.value), put(e.layer.value), put(static_cast<int>(e.phase)), put(int{e.candidates});
            put(int{e.kept}), put(int{e.predictedDepths}), put(int{e.experts});
        }
        void key(const trace::ExpertKey& k) const { put(k.layer.value), put(k.expert.value); }
        void operator()(const trace::ExpertHit& e) const { put(e.at), put(e.token.value), key(e.key); }
        void operator()(const trace::ExpertMissed& e) const { put(e.at), put(e.token.value), key(e.key), put(int{e.inFlight}); }
        void operator()(const trace::ExpertEvicted& e) const {
            put(e.at), put(e.token.value), key(e.key), put(static_cast<int>(e.cause)), key(e.replacedBy);
        }
        void operator()(const trace::PrefetchIssued& e) const {
            put(e.at), put(e.token.value), key(e.key), put(e.transfer.value), put(int{e.depth}), put(e.probability);
        }
        void operator()(const trace::PrefetchResolved& e) const {
            put(e.at), put(e.token.value), key(e.key), put(e.transfer.value), put(int{e.used});
        }
        void operator()(const trace::TransferSpan& e) const {
            put(e.begin), put(e.end), put(e.queuedAt), put(e.token.value), key(e.key), put(e.transfer.value);
            put(static_cast<int>(e.cause)), put(static_cast<int>(e.outcome)), put(int{e.emulated}), put(e.bytes);
        }
        void operator()(const trace::StageSpan& e) const {
            put(e.begin), put(e.end), put(e.token.value), put(e.tokens), put(e.layer.value);
            put(static_cast<int>(e.stage)), put(static_cast<int>(e.phase));
        }
        void operator()(const trace::StallSpan& e) const {
            put(e.begin), put(e.end), put(e.token.value), key(e.key), put(e.transfer.value);
        }
        void operator()(const trace::InPlaceSpan& e) const {
            put(e.begin), put(e.end), put(e.token.value), key(e.key), put(e.tokens), put(e.bytes);
        }
        void operator()(const trace::SettingChanged& e) const { put(e.at), put(e.token.value); }
        void operator()(const trace::SlotsAllocated& e) const { put(e.at), put(e.layer.value), put(e.slots); }
        void operator()(const trace::HostSample& e) const {
            put(e.at), put(e.residentBytes), put(e.cpuPercent), put(e.recorderLagUs);
        }
        void operator()(const trace::EventsLost& e) const { put(e.at), put(e.count); }
        void operator()(const trace::NoteMade& e) const { put(e.at), put(e.token.value); }
        void operator()(const trace::RunFailed& e) const { put(e.at); }
        void operator()(const trace::GpuCopySpan& e) const {
            put(e.begin), put(e.end), put(e.bytes), put(e.token.value), key(e.key), put(e.transfer.value), put(e.stream);
            put(e.correlation), put(static_cast<int>(e.stage)), put(static_cast<int>(e.direction));
            put(static_cast<int>(e.from)), put(static_cast<int>(e.to));
        }
        void operator()(const trace::KernelSpan& e) const {
            put(e.begin), put(e.end), put(e.token.value), key(e.key), put(e.kernel.value), put(e.stream), put(e.blocks);
            put(e.threads), put(e.correlation), put(int{e.registers}), put(static_cast<int>(e.stage)), put(int{e.graph});
        }
        void operator()(const trace::KernelNamed& e) const { put(e.at), put(e.kernel.value); }
        void operator()(const trace::GpuWaitSpan& e) const {
            put(e.begin), put(e.end), put(e.token.value), key(e.key), put(e.stream), put(e.correlation);
            put(static_cast<int>(e.stage)), put(static_cast<int>(e.kind));
        }
        void operator()(const trace::ClockAligned& e) const { put(e.at), put(e.offsetNs), put(e.errorNs), put(e.deviceLeadNs); }
        void operator()(const trace::TracerSample& e) const {
            put(e.at), put(e.records), put(e.overheadNs), put(e.longestFlushUs), put(int{e.level});
        }
        void operator()(const trace::RecordsLost& e) const {
            put(e.begin), put(e.end), put(e.count), put(static_cast<int>(e.cause));
        }
        void operator()(const trace::OverheadMeasured& e) const {
            put(e.at), put(e.offTokenNs), put(e.onTokenNs), put(e.pairs), put(e.tokens), put(e.lowShare), put(e.highShare);
            put(int{e.level});
        }
        void operator()(const trace::GpuSample& e) const {
            put(e.at), put(e.memoryUsedBytes), put(e.busyPercent), put(e.memoryBusyPercent), put(e.watts), put(e.clockMhz);
            put(int{e.linkGeneration}), put(int{e.linkWidth});
        }
        void operator()(const trace::CounterSample& e) const {
            put(e.begin), put(e.end), put(e.fromHostBytes), put(e.toHostBytes), put(e.memoryReadPercent);
            put(e.memoryWritePercent), put(e.multiprocessorPercent), put(e.tensorPercent);
        }
    };
    std::visit(Fields{add}, record.event);
    out += " payload ";
    const auto payload = batch.payload(record);
    out.append(reinterpret_cast<const char*>(payload.data()), payload.size());
    return out;
}

inline std::vector<std::string> texts(const session::Batch& batch) {
    std::vector<std::string> all;
    for (const session::Record& record : batch.records)
        all.push_back(text(batch, record));
    return all;
}

} // namespace moescope::test
