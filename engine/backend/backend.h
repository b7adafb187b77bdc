#pragma once
#include "engine/expert/expert_mover.h"
#include "engine/policy/gate_policy.h"

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace moescope::backend {

struct PassToken {
    std::int32_t id = 0;
    std::int32_t position = 0; ///< in the KV cache; consecutive within a pass
};

/// One token's use of an expert within a pass.
struct ExpertRow {
    int row = 0;  ///< token's index in the pass
    int rank = 0; ///< its place among the token's kept experts; outputs are summed in rank order, never in arrival order
};

/// One resident expert and the tokens of the pass that use it; or, as far as ExpertLoader::blocksOfFirstPart() have arrived,
/// its first part, and later the rest.
struct ExpertCall {
    int slot = -1;
    std::span<const ExpertRow> rows;
    expert::ExpertPart part = expert::ExpertPart::Whole;
};

/// What a backend has to know to take a token down all layers by itself: every expert is resident, and the gate is plain top-k.
struct ResidentRouting {
    std::span<const int> slots; ///< [layers][experts]
    policy::RouterRule rule;
    int depths = 0;          ///< layers ahead that predict() will be asked for
    bool attributed = false; ///< somebody wants to know of each piece of device work what it is for
};

/// Where the arithmetic happens. About ten verbs at block level, cut between "route" and "run experts", where this product
/// lives. One pass = begin, then for each layer attend, route, (predict), runExperts*, combine, then logits. Engine thread
/// only, except ExpertLoader's calls. Results do not depend on how tokens are grouped into passes, nor on the thread count:
/// bit for bit.
class Backend : public expert::ExpertLoader {
public:
    virtual std::string name() const = 0; ///< for people: "CPU (AVX-512 VNNI), 2 threads"
    virtual int maxPassTokens() const = 0;
    virtual std::int64_t residentBytes() const = 0; ///< dense weights + slots + KV + scratch

    /// Memory of a device apart from the processor's, and what of it is taken beside the slots, by name; nothing without one.
    struct DeviceMemory {
        std::int64_t totalBytes = 0;
        std::vector<std::pair<std::string, std::int64_t>> parts;
    };
    virtual DeviceMemory deviceMemory() const { return {}; }
    /// How many slots the fast tier could have beside everything else that its memory holds now. Any thread.
    virtual int mostSlots() const { return std::numeric_limits<int>::max(); }
    virtual void reserveSlots(int count) = 0; ///< grows or shrinks the fast tier; contents of kept slots stay
    virtual void freeSlot(int slot) = 0;      ///< its expert was evicted: the memory may go until the next load
    virtual void beginPass(std::span<const PassToken> tokens) = 0;
    virtual void attend(int layer) = 0;
    /// Optional, after beginPass() of one token: the backend will choose the experts, to the bits of policy::topKChoice().
    /// False: it cannot, and nothing is different. Then for each layer attend(), chooseExperts() and runChosen(), and at the
    /// end endResident() queue the whole pass. Then for each layer awaitStage(), route() and predict() tell what became of it;
    /// runExperts() and combine() are not called.
    virtual bool beginResident(const ResidentRouting& routing) {
        (void)routing;
        return false;
    }
    virtual void chooseExperts(int layer) { (void)layer; }
    virtual void runChosen(int layer) { (void)layer; }
    virtual void endResident() {}
    /// Waits until a queued layer is past its attention or its experts.
    virtual void awaitStage(int layer, trace::Stage stage) {
        (void)layer;
        (void)stage;
    }
    /// Norm and router; logits is [tokens][experts].
    virtual void route(int layer, std::span<float> logits) = 0;
    /// targetLayer's router on the *current* layer's gate input of the given row; logits is [experts].
    virtual void predict(int targetLayer, int row, std::span<float> logits) = 0;
    /// Runs resident experts on the layer's gate input; together, so that the threads meet once per stage. May be called
    /// several times per layer, as experts arrive.
    virtual void runExperts(int layer, std::span<const ExpertCall> calls) = 0;
    /// Runs one expert on the processor from where it waits, without a slot and without its bytes going over the link: the same
    /// bits as runExperts() would give. Returns when it is computed.
    virtual void runInPlace(trace::ExpertKey key, std::span<const ExpertRow> rows) = 0;
    /// hidden += sum over ranks of weights[row][rank] * output, in rank order. weights is [tokens][stride].
    virtual void combine(int layer, std::span<const float> weights, int stride, std::span<const int> kept) = 0;
    /// Final norm and head for one row of the pass; out is [vocabulary].
    virtual void logits(int row, std::span<float> out) = 0;
    /// What the head reads for one row of the pass, after its last combine: the final norm's output, [hidden]. False if this
    /// backend does not hand it out; then nobody foresees the first layer of the next token.
    virtual bool finalNorm(int row, std::span<float> out) {
        (void)row;
        (void)out;
        return false;
    }
    /// Forgets KV entries at positions >= length.
    virtual void truncate(int length) = 0;
};

} // namespace moescope::backend
