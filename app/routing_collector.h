#pragma once
#include "engine/policy/target_k.h"
#include "engine/trace/tracer.h"

#include <map>
#include <optional>
#include <vector>

namespace moescope::app {

/// How many of the chosen experts earlier layers' guesses named.
struct GuessCount {
    std::int64_t found = 0;
    std::int64_t asked = 0;
    double foundMass = 0; ///< of the chosen experts' weight, 1 per decision
    std::int64_t decisions = 0;
    double recall() const { return asked > 0 ? static_cast<double>(found) / static_cast<double>(asked) : -1; }
    double massRecall() const { return decisions > 0 ? foundMass / static_cast<double>(decisions) : -1; }
};

/// Keeps what an engine's router decided: a trace to try gates on, and how well the layers were foreseen. One engine at a time;
/// reading is for after the run.
class RoutingCollector final : public trace::Tracer, public trace::TracerSource {
public:
    trace::Tracer& openProducer(std::string_view) override { return *this; }
    /// Only the engine's thread says ExpertsChosen.
    void emit(const trace::Event& event, trace::Payload payload) noexcept override;

    /// Nothing before the first decision.
    const std::optional<policy::DecisionTrace>& decisions() const { return m_decisions; }
    /// [depth - 1][layer]; empty counts where there is no such guess.
    const std::vector<std::vector<GuessCount>>& guesses() const { return m_guesses; }

private:
    using Place = std::pair<int, std::int32_t>; ///< layer, token
    void add(const trace::ExpertsChosen& chosen, trace::Payload payload);
    void compare(int depth, const std::vector<std::uint16_t>& guess, int layer, const trace::RoutingPayload& routing);

    std::optional<policy::DecisionTrace> m_decisions;
    std::vector<std::vector<GuessCount>> m_guesses;
    std::map<Place, std::vector<std::pair<int, std::vector<std::uint16_t>>>> m_pending; ///< depth and guess, by what is guessed
};

} // namespace moescope::app
