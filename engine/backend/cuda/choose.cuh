#pragma once
// policy::topKChoice() for one token, bit for bit, by one warp.
#include "engine/backend/cuda/kernels.h"
#include "engine/backend/cuda/quantise.cuh"
#include "engine/policy/gate_exp.h"

namespace moescope::backend::cuda {

/// Softmax in the order of policy::softmax(), into shared memory.
__device__ inline void softmaxInOrder(const float* logits, int experts, float* probabilities) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    float most = logits[0];
    for (int expert = lane; expert < experts; expert += 32)
        most = fmaxf(most, logits[expert]);
    most = maxOfLanes(most);
    for (int expert = lane; expert < experts; expert += 32)
        probabilities[expert] = policy::gateExp(logits[expert] - most);
    __syncwarp();
    double sum = 0;
#pragma unroll 8
    for (int expert = 0; expert < experts; ++expert)
        sum += probabilities[expert];
    const auto scale = static_cast<float>(1.0 / sum);
    __syncwarp();
    for (int expert = lane; expert < experts; expert += 32)
        probabilities[expert] *= scale;
    __syncwarp();
}

/// Place of an expert by falling probability; of equal ones the lower id comes first.
__device__ inline int rankOf(const float* probabilities, int experts, int expert) {
    const float mine = probabilities[expert];
    int rank = 0;
#pragma unroll 8
    for (int other = 0; other < experts; ++other)
        rank += probabilities[other] > mine || (probabilities[other] == mine && other < expert) ? 1 : 0;
    return rank;
}

/// Scratch and result in shared memory.
struct Choice {
    float probabilities[kMostExperts];
    float weights[kFewWeights];
    std::int32_t slots[kFewWeights];
};

/// By one warp. Whoever tells leaves the choice for later kernels too, and hands the logits to the host.
__device__ inline void chooseExperts(const ChooseCall& call, bool tells, Choice& choice) {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    if (lane < call.topK) { // what stays if the logits are no numbers: any experts, but real ones
        choice.weights[lane] = 0;
        choice.slots[lane] = call.slots[lane];
    }
    softmaxInOrder(call.logits, call.experts, choice.probabilities);
    for (int expert = lane; expert < call.experts; expert += 32)
        if (const int rank = rankOf(choice.probabilities, call.experts, expert); rank < call.topK) {
            choice.weights[rank] = choice.probabilities[expert];
            choice.slots[rank] = call.slots[expert];
        }
    __syncwarp();
    if (!tells)
        return;
    float sum = 0;
    for (int rank = 0; rank < call.topK; ++rank)
        sum += choice.weights[rank];
    if (lane < call.topK) {
        call.weights[lane] = call.renormalise && sum > 0 ? choice.weights[lane] / sum : choice.weights[lane];
        call.chosen[lane] = choice.slots[lane];
    }
    for (int i = lane; i < call.targets * call.experts; i += 32)
        __stwt(reinterpret_cast<float2*>(call.told + i), make_float2(call.logits[i], __uint_as_float(*call.number)));
}

} // namespace moescope::backend::cuda
