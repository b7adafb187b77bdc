#pragma once
#include "engine/model/gguf_file.h"
#include "engine/model/tensor_stream.h"

namespace moescope::model {

/// How a model's tensors are stored anew. As llama.cpp does it, two kinds stay as they are: tensors of one dimension (norms,
/// biases) and routers (ffn_gate_inp), because a router that is a little off chooses other experts. So do tensors whose rows
/// are no whole number of blocks. With Q4_0 the output matrix becomes Q8_0, since its errors go straight into the logits
/// (llama.cpp takes Q6_K there, which this program does not write).
struct QuantisePlan {
    TensorType type = TensorType::Q8_0; ///< Q8_0, Q4_0 or F16
    std::string origin;                 ///< one line for people, stored as "moescope.provenance"
    int threads = 1;
};

/// The type that this tensor gets.
TensorType quantisedType(const TensorView& tensor, TensorType wanted);

/// Metadata of `file` with file type and provenance changed, and its tensors in their new types.
GgufPlan planQuantised(const GgufFile& file, const QuantisePlan& plan);

/// Writes `file` with its tensors in their new types to `path`; any architecture whose tensors this program can decode.
/// Metadata is copied. False when progress stopped it. Throws std::runtime_error with one sentence: a tensor with values that
/// are not finite or too large for the type, a disk that is full. Then, as after a stop, there is no new file.
bool quantiseModel(const GgufFile& file, const std::filesystem::path& path, const QuantisePlan& plan,
                   const StreamProgress& progress);

} // namespace moescope::model
