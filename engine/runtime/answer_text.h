#pragma once
#include "engine/model/tokenizer.h"
#include "engine/runtime/stop_filter.h"

namespace moescope::runtime {

/// Turns an answer's token pieces into text: whole UTF-8 characters, without the space that SPM puts before the first word
/// (in a chat), cut at stop strings. Owned by one answer; engine thread.
class AnswerText {
public:
    AnswerText(std::vector<std::string> stops, bool trimFirstSpace) : m_filter(std::move(stops)), m_trim(trimFirstSpace) {}

    /// Text that this piece completes; with `last` everything that was held back as well.
    std::string push(std::string_view piece, bool last);
    /// Releases what is held back, if no push() with `last` did.
    std::string finish();
    bool stopped() const { return m_filter.stopped(); }
    const std::string& text() const { return m_text; }

private:
    model::Utf8Stream m_stream;
    StopFilter m_filter;
    bool m_trim;
    std::string m_text;
};

} // namespace moescope::runtime
