#include "engine/runtime/answer_text.h"

namespace moescope::runtime {

std::string AnswerText::push(std::string_view piece, bool last) {
    std::string whole = m_stream.push(piece);
    if (m_trim && !whole.empty()) {
        if (whole.front() == ' ')
            whole.erase(0, 1);
        m_trim = false;
    }
    std::string released = m_filter.push(whole);
    m_text += released;
    if (last)
        released += finish();
    return released;
}

std::string AnswerText::finish() {
    std::string rest;
    if (!m_filter.stopped()) {
        rest = m_filter.push(m_stream.finish());
        rest += m_filter.finish();
    }
    m_text += rest;
    return rest;
}

} // namespace moescope::runtime
