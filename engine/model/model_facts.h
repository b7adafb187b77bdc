#pragma once
#include <cstdint>
#include <string>

namespace moescope::model {

/// What a session, a report or a window says about a model. Filled from the file's metadata; no tensors.
struct ModelFacts {
    std::string name;
    std::string path;
    std::string architecture; ///< "llama"
    std::string quantisation; ///< of the experts: "Q8_0"
    std::string hash;         ///< 16 hex digits: XXH64-free FNV-1a over header, tensor table and 64 KiB samples of the data
    std::string licence;
    std::int64_t fileBytes = 0;
    std::int64_t parameters = 0;
    std::int64_t activeParameters = 0; ///< read per decoded token
    std::int64_t expertBytes = 0;      ///< one expert as stored: what crosses the link
    int layers = 0;
    int experts = 0; ///< per layer
    int topK = 0;
    int hidden = 0;
    int vocabulary = 0;
    int contextTokens = 0;
    bool synthetic = false; ///< general.name or a metadata key says the weights are made up
};

} // namespace moescope::model
