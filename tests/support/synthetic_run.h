#pragma once
#include "profiler/session/batch.h"
#include "profiler/session/session_info.h"

#include <functional>
#include <list>
#include <random>
#include <vector>

namespace moescope::test {

/// Makes the events of an imaginary decode as an engine with a small cache would emit them: about sixty per token, in order,
/// with times that grow. Seeded; the model is a caricature, the mixture of events is not.
class SyntheticRun {
public:
    struct Shape {
        int layers = 8;
        int experts = 8;
        int topK = 2;
        int slotsPerLayer = 6;
        bool prefetch = true;
    };
    using Emit = std::function<void(const trace::Event&, trace::Payload)>;

    explicit SyntheticRun(Shape shape) : SyntheticRun(shape, 1) {}
    SyntheticRun(Shape shape, unsigned seed);

    /// PromptBegan and its tokens.
    void prompt(int tokens, const Emit& emit);
    /// One decode step and the token that it makes.
    void token(const Emit& emit);
    void end(const Emit& emit);
    trace::TimeNs now() const { return m_now; }

    /// Facts that fit the events.
    session::SessionInfo info() const;
    /// The next `events` events or a few more, numbered on from `seq`, as one batch.
    session::Batch batch(std::int64_t number, std::int64_t firstSeq, std::size_t events);

private:
    void layer(int layer, const Emit& emit);
    void choose(int layer, const Emit& emit);
    void ask(int layer, int expert, const Emit& emit);
    void load(trace::ExpertKey key, trace::TransferCause cause, trace::TimeNs queuedAt, const Emit& emit);
    void stage(trace::Stage stage, int layer, trace::TimeNs begin, const Emit& emit);
    trace::TimeNs pass(int leastNs, int mostNs);

    struct Slot {
        int expert = 0;
        int prefetchedBy = -1;
    };
    Shape m_shape;
    std::mt19937 m_random;
    std::vector<std::list<Slot>> m_cache; // [layer], most recent first
    std::vector<int> m_chosen;
    std::vector<std::byte> m_routing;
    trace::TimeNs m_now = 1'000'000;
    trace::TimeNs m_promptAt = 0;
    int m_token = 0;
    int m_turn = 0;
    int m_answered = 0;
    int m_transfer = 0;
};

} // namespace moescope::test
