#include "profiler/gpu/scope_code.h"

namespace moescope::gpu {
namespace {

constexpr int kStageBits = 4;
constexpr int kExpertBits = 17;
constexpr int kLayerBits = 13;
constexpr int kTokenBits = 25;

/// Ids beyond what fits count as none rather than as another's.
template <class Id>
std::uint64_t part(Id id, int bits) {
    const std::int64_t value = std::int64_t{id.value} + 1;
    return value > 0 && value < (std::int64_t{1} << bits) ? static_cast<std::uint64_t>(value) : 0;
}

std::int32_t take(std::uint64_t& code, int bits) {
    const auto value = static_cast<std::int32_t>(code & ((std::uint64_t{1} << bits) - 1));
    code >>= bits;
    return value;
}

} // namespace

std::uint64_t encodePlace(const trace::Scope& scope) {
    std::uint64_t code = part(scope.token, kTokenBits);
    code = (code << kLayerBits) | part(scope.key.layer, kLayerBits);
    code = (code << kExpertBits) | part(scope.key.expert, kExpertBits);
    return (code << kStageBits) | static_cast<std::uint64_t>(scope.stage);
}

std::uint64_t encodeTransfer(trace::TransferId transfer) {
    return transfer.valid() ? static_cast<std::uint64_t>(transfer.value) + 1 : 0;
}

trace::TransferId decodeTransfer(std::uint64_t code) {
    return code > 0 && code <= std::uint64_t{1} << 31 ? trace::TransferId(static_cast<std::int32_t>(code - 1))
                                                      : trace::TransferId();
}

trace::Scope decodePlace(std::uint64_t code) {
    trace::Scope scope;
    const std::int32_t stage = take(code, kStageBits);
    const std::int32_t expert = take(code, kExpertBits);
    const std::int32_t layer = take(code, kLayerBits);
    const std::int32_t token = take(code, kTokenBits);
    if (code != 0 || stage > static_cast<std::int32_t>(trace::Stage::Sample))
        return {};
    scope.stage = static_cast<trace::Stage>(stage);
    scope.key = {trace::Layer(layer - 1), trace::Expert(expert - 1)};
    scope.token = trace::TokenIndex(token - 1);
    return scope;
}

} // namespace moescope::gpu
