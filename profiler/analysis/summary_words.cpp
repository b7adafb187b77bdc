#include "profiler/analysis/summary_words.h"

namespace moescope::analysis {

std::string_view reasonKey(trace::EndReason reason) {
    switch (reason) {
    case trace::EndReason::EndOfText:
        return "end_of_text";
    case trace::EndReason::StopString:
        return "stop_string";
    case trace::EndReason::TokenLimit:
        return "token_limit";
    case trace::EndReason::ContextFull:
        return "context_full";
    case trace::EndReason::Requested:
        return "requested";
    case trace::EndReason::Failed:
        return "failed";
    }
    return "unknown";
}

std::string_view reasonWords(trace::EndReason reason) {
    switch (reason) {
    case trace::EndReason::EndOfText:
        return "end of text";
    case trace::EndReason::StopString:
        return "stop string";
    case trace::EndReason::TokenLimit:
        return "token limit";
    case trace::EndReason::ContextFull:
        return "context full";
    case trace::EndReason::Requested:
        return "stopped on request";
    case trace::EndReason::Failed:
        return "failed";
    }
    return "unknown";
}

std::string_view originKey(session::Origin origin) {
    switch (origin) {
    case session::Origin::Recorded:
        return "recorded";
    case session::Origin::Simulated:
        return "simulated";
    case session::Origin::Imported:
        return "imported";
    }
    return "unknown";
}

} // namespace moescope::analysis
