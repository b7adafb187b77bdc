#pragma once
#include "engine/runtime/engine.h"

#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace moescope::app {

/// Model, threads and settings: the flags that every command with an engine has.
struct EngineFlags {
    std::string model;
    int threads = 0;
    std::string calibration;
    std::string backend; ///< empty: auto
    std::string hostMemory = "pinned";
    std::string gateTarget; ///< mean experts per token and layer; empty: the threshold as given
    /// By settingNames(), as given; empty = default.
    std::vector<std::pair<std::string, std::string>> settings;
};
/// What to ask and how to sample.
struct PromptFlags {
    std::vector<std::string> prompts;
    std::string promptFile;
    std::vector<std::string> rawPrompts;
    std::string system;
    std::vector<std::string> stop;
    int maxTokens = 256;
    model::SamplerSettings sampling;
};

/// --trace-level. The value must outlive the parser.
struct TraceFlags {
    int level = 0;
    bool pmSampling = false;
};
void addTraceFlags(CLI::App& command, TraceFlags& flags);
/// The flags objects must outlive the parser.
void addEngineFlags(CLI::App& command, EngineFlags& flags);
void addPromptFlags(CLI::App& command, PromptFlags& flags);

/// What a setting does, with unit and example.
std::string settingHelp(const std::string& setting);

/// Throws std::invalid_argument with one sentence when a setting's value is not allowed, std::runtime_error when the model
/// file is missing. A target for the gate becomes its threshold, and stderr says which.
runtime::EngineOptions engineOptions(const EngineFlags& flags);
/// One text per turn; raw tells that they do not go through the model's chat form. Throws when none or too many are given.
struct Questions {
    std::vector<std::string> texts;
    bool raw = false;
};
Questions questionsOf(const PromptFlags& flags);
runtime::GenerationRequest samplingRequest(const PromptFlags& flags);

/// Reads a whole text file ("-": stdin). Throws std::runtime_error with one sentence.
std::string readText(const std::string& path);

} // namespace moescope::app
