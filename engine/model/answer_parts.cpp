#include "engine/model/answer_parts.h"

#include <algorithm>
#include <array>

namespace moescope::model {
namespace {

constexpr std::string_view kThink = "<think>";
constexpr std::string_view kThought = "</think>";
constexpr std::string_view kChannel = "<|channel|>";
constexpr std::string_view kMessage = "<|message|>";
constexpr std::array<std::string_view, 3> kChannelEnds = {"<|end|>", "<|start|>", kChannel};

/// How many bytes at the end of the text may become the mark.
std::size_t heldBack(std::string_view text, std::string_view mark) {
    for (std::size_t length = std::min(text.size(), mark.size() - 1); length > 0; --length)
        if (mark.starts_with(text.substr(text.size() - length)))
            return length;
    return 0;
}

} // namespace

AnswerParts::AnswerParts(bool thinking) {
    if (thinking) {
        m_style = Style::Tags;
        m_state = State::Thinking;
    }
}

void AnswerParts::push(std::string_view text) {
    m_pending += text;
    bool again = true;
    while (again) {
        switch (m_style) {
        case Style::Undecided:
            again = decide();
            break;
        case Style::Plain:
            release(m_pending.size());
            again = false;
            break;
        case Style::Tags:
            again = readTags();
            break;
        case Style::Channels:
            again = m_state == State::Header ? readHeader() : readChannel();
            break;
        }
    }
}

void AnswerParts::finish() {
    if (m_state == State::Header)
        m_pending.clear();
    release(m_pending.size());
}

/// Marks count where an answer begins; further on they are words about marks.
bool AnswerParts::decide() {
    const std::size_t first = std::min(m_pending.find_first_not_of(" \n\r\t"), m_pending.size());
    const std::string_view text = std::string_view(m_pending).substr(first);
    if (text.starts_with(kThink)) {
        m_style = Style::Tags;
        m_state = State::Thinking;
        m_pending.erase(0, first + kThink.size());
        return true;
    }
    if (text.starts_with(kChannel) || text.starts_with("<|start|>")) {
        m_style = Style::Channels;
        m_state = State::Header;
        return true;
    }
    const bool open = kThink.starts_with(text) || kChannel.starts_with(text) || std::string_view("<|start|>").starts_with(text);
    if (!open)
        m_style = Style::Plain;
    return !open;
}

bool AnswerParts::readTags() {
    const std::size_t end = m_pending.find(kThought);
    if (end == std::string::npos) {
        release(m_pending.size() - heldBack(m_pending, kThought));
        return false;
    }
    release(end);
    m_pending.erase(0, kThought.size());
    m_style = Style::Plain;
    m_state = State::Saying;
    return true;
}

bool AnswerParts::readHeader() {
    const std::size_t end = m_pending.find(kMessage);
    if (end == std::string::npos)
        return false;
    m_state = m_pending.substr(0, end).find("analysis") != std::string::npos ? State::Thinking : State::Saying;
    m_pending.erase(0, end + kMessage.size());
    return true;
}

bool AnswerParts::readChannel() {
    std::size_t end = std::string::npos;
    std::size_t held = 0;
    for (const std::string_view mark : kChannelEnds) {
        end = std::min(end, m_pending.find(mark));
        held = std::max(held, heldBack(m_pending, mark));
    }
    if (end == std::string::npos) {
        release(m_pending.size() - held);
        return false;
    }
    release(end);
    m_state = State::Header;
    return true;
}

void AnswerParts::release(std::size_t bytes) {
    (m_state == State::Thinking ? m_reasoning : m_answer).append(m_pending, 0, bytes);
    m_pending.erase(0, bytes);
}

std::string AnswerParts::answerOf(std::string_view whole, bool thinking) {
    AnswerParts parts(thinking);
    parts.push(whole);
    parts.finish();
    if (parts.m_reasoning.empty())
        return parts.m_answer;
    return parts.m_answer.substr(std::min(parts.m_answer.find_first_not_of(" \n\r\t"), parts.m_answer.size()));
}

} // namespace moescope::model
