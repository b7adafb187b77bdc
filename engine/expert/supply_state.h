#pragma once
#include "engine/expert/expert_supply.h"
#include "engine/expert/prefetch_meter.h"

namespace moescope::expert {

/// The inside of ExpertSupply: the open question, what is under way, and the moves between the two. One thread.
struct ExpertSupply::State {
    /// How far a wanted expert has come. Hit, Arrived and InPlace wait to be handed out.
    enum class Stage : std::uint8_t { Hit, NeedsSlot, Moving, Arrived, InPlace, Handed, Done };
    struct Item {
        trace::ExpertKey key;
        Stage stage = Stage::NeedsSlot;
        trace::TransferId transfer; ///< that brought it, for the stall
        int tokens = 1;
        float weight = 0;
        bool begins = false;        ///< its first part has arrived, and was not handed out
        bool begun = false;         ///< its first part was handed out
        bool guessed = false;       ///< on its way when it was asked for
        bool inPlace = false;       ///< it is not waited for, and nothing is pinned for it
        trace::TimeNs handedAt = 0; ///< to be computed in place
        bool pinned() const { return !inPlace && stage != Stage::NeedsSlot && stage != Stage::Done; }
    };
    /// What the mover was told about a copy since it was requested: nothing, to drop it if it has not begun, to drop it.
    enum class Fate : std::uint8_t { Wanted, Withdrawn, Cancelled };
    /// What an expert is going through besides its residency.
    struct Journey {
        trace::TransferId transfer;  ///< under way; invalid if none
        trace::TransferId guess;     ///< the prefetch that brought or brings it, until it is known whether it was used
        std::int64_t targetStep = 0; ///< of a guess
        trace::TransferCause cause = trace::TransferCause::Demand;
        Fate fate = Fate::Wanted;
        bool promoted = false;      ///< a guess that was asked for before it had arrived
        trace::TimeNs askedAt = 0;  ///< when it was promoted
        double expectedAt = 0;      ///< its arrival, as far as copies' times are known
        trace::TimeNs copyNs = 0;   ///< of a guess that has arrived
        std::int64_t lostStep = -1; ///< in which it left for a guess; -1: it did not
    };
    class Expected final : public policy::Residency {
    public:
        explicit Expected(const State& state) : m_state(state) {}
        bool resident(trace::ExpertKey key) const override;

    private:
        const State& m_state;
    };

    State(ExpertCache& cache, ExpertMover& mover, trace::Tracer& tracer, const trace::Clock& clock);

    Journey& journey(trace::ExpertKey key);
    const Journey& journey(trace::ExpertKey key) const;
    bool samePool(trace::ExpertKey key, int layer) const { return cache.plan().global() || key.layer.value == layer; }

    void classify(const Want& want, trace::ExpertKey key, trace::TimeNs now);
    void shareMisses(trace::TimeNs now);
    void awaitGuess(trace::ExpertKey key, trace::TimeNs now);
    void ranInPlace(const Item& item);
    void closeQuestion();
    void drain();
    void arrived(trace::ExpertKey key);
    void firstPartArrived(trace::ExpertKey key);
    bool somethingCame() const;
    void lost(trace::ExpertKey key);
    void admitWaiting();
    void makeRoom();
    void withdrawStale();
    void abandonSpeculation();
    void awaitAll();
    int countOf(Stage stage) const;
    std::optional<ExpertSupply::Ready> handOut();
    ExpertSupply::Ready handOutInPlace();

    void request(trace::ExpertKey key, int slot, trace::TransferCause cause);
    void expectArrival(Journey& road, trace::TransferCause cause);
    void evicted(trace::ExpertKey key, trace::EvictionCause cause, trace::ExpertKey replacedBy);
    void resolveGuess(trace::ExpertKey key, bool used);
    void emitAllocation();
    void measure(const TransferDone& done, Journey& road);
    void announce(policy::PrefetchWatch::Turn turn);

    ExpertCache& cache;
    ExpertMover& mover;
    trace::Tracer& tracer;
    const trace::Clock& clock;

    Expected expected{*this};
    trace::TokenIndex token;
    std::int64_t step = 0;
    int askedLayer = -1;
    std::vector<Item> items;           ///< of the open question, in the order asked
    std::vector<std::size_t> arrivals; ///< indices of items, in order of arrival
    std::size_t handedArrivals = 0;
    std::vector<Journey> journeys;             ///< [layers * experts]
    std::vector<trace::ExpertKey> speculative; ///< under way without having been asked for, oldest first
    int underWay = 0;
    PrefetchMeter meter;

    std::unique_ptr<policy::MissService> service = policy::makeMissService("copy");
    double copyNs = -1;    ///< of a demand copy, lately; -1: unknown
    double linkFreeAt = 0; ///< when it has carried all that was requested
    double inPlaceNs = -1; ///< of a computation in place, per token
    bool foresees = false; ///< guesses were offered for the last question
    int untried = 0;       ///< questions with misses since one was computed in place
    std::vector<policy::MissQuestion::Miss> misses;
    std::vector<std::size_t> missItems; ///< [misses] their items
    std::vector<int> chosen;
};

} // namespace moescope::expert
