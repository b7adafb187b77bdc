#pragma once
#include "engine/calibrate/network.h"

namespace moescope::calibrate {

/// How good a guess of layer 0's experts is, over tokens that nothing was learnt from.
struct GuessQuality {
    double kl = 0;         ///< KL(gate || guess), nats; 0 where the guess is no distribution
    double slotRecall = 0; ///< share of the chosen experts among the k best guessed ones
    double massRecall = 0; ///< the same weighted by the chosen experts' weights
};

/// A linear gate: softmax(weights * x + bias), x what the output matrix reads for the previous token (final norm applied).
struct FirstLayerGate {
    Rows<float> weights; ///< [N x E]
    std::vector<float> bias;
    std::int64_t trainedTokens = 0;
    std::int64_t heldOutTokens = 0;
    GuessQuality heldOut;       ///< this gate
    GuessQuality usual;         ///< always the mean distribution
    GuessQuality previousToken; ///< layer 0's distribution of the previous token
};

struct TrainingPlan {
    int epochs = 20;
    int batch = 64;
    double learningRate = 3e-3; ///< falls linearly to 0
    double heldOutShare = 0.2;  ///< of the windows: the last ones
    std::uint64_t seed = 1;
};

/// Learns what layer 0 will choose for a token before that token is known (AdapMoE, arXiv 2408.10284, section 4.2: an extra
/// gate from the previous token's last activation, trained with the KL divergence to the real gate). Owned by a calibration;
/// one thread.
class FirstLayerPredictor {
public:
    FirstLayerPredictor(int hidden, int experts, int topK);

    /// Pairs of neighbouring tokens within one window.
    void add(const Tape<float>& tape);
    /// True once the pairs fill the memory that is set aside for them; further ones are left out.
    bool full() const;
    /// Minimises KL by Adam (Kingma and Ba 2015). onEpoch returns false to stop early, then what is learnt so far is returned.
    /// Throws std::runtime_error with one sentence when there are too few windows to hold one out.
    FirstLayerGate train(const TrainingPlan& plan, const std::function<bool(int epoch)>& onEpoch) const;

private:
    struct Split {
        std::vector<std::size_t> train;
        std::vector<std::size_t> heldOut;
    };
    Split split(const TrainingPlan& plan) const;
    std::span<const float> input(std::size_t pair) const { return part(m_inputs, pair, m_hidden); }
    std::span<const float> gate(std::size_t pair) const { return part(m_gates, pair, m_experts); }
    std::span<const float> previousGate(std::size_t pair) const { return part(m_previousGates, pair, m_experts); }
    static std::span<const float> part(const std::vector<float>& list, std::size_t index, int width) {
        return std::span(list).subspan(index * static_cast<std::size_t>(width), static_cast<std::size_t>(width));
    }
    /// guess fills a distribution [N] for a pair.
    GuessQuality judge(std::span<const std::size_t> pairs,
                       const std::function<void(std::size_t pair, std::span<float> out)>& guess) const;

    int m_hidden;
    int m_experts;
    int m_topK;
    int m_windows = 0;
    std::vector<float> m_inputs;
    std::vector<float> m_gates;
    std::vector<float> m_previousGates;
    std::vector<int> m_window; ///< of each pair
};

} // namespace moescope::calibrate
