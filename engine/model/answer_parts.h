#pragma once
#include <string>
#include <string_view>

namespace moescope::model {

/// Tells what a model thought from what it says, while its answer streams in: `<think>…</think>` at the beginning, or the
/// channels of gpt-oss (`<|channel|>analysis<|message|>…`; every other channel is said). Marks may be cut across pieces; what
/// could still become one is held back. Owned by one answer; any one thread.
class AnswerParts {
public:
    /// thinking: the prompt ended with the opening mark, so that the answer begins behind it.
    explicit AnswerParts(bool thinking = false);

    void push(std::string_view text);
    /// The answer has ended: what was held back is text.
    void finish();

    const std::string& reasoning() const { return m_reasoning; }
    const std::string& answer() const { return m_answer; }
    /// Whether what comes next would be thought; also within a mark that begins or ends a thought.
    bool thinking() const { return m_state == State::Thinking || m_state == State::Header; }
    /// Only what is said, of a whole answer; without the space between that and the thoughts.
    static std::string answerOf(std::string_view whole, bool thinking = false);

private:
    enum class Style { Undecided, Plain, Tags, Channels };
    enum class State { Saying, Thinking, Header };

    bool decide();
    bool readTags();
    bool readHeader();
    bool readChannel();
    void release(std::size_t bytes);

    Style m_style = Style::Undecided;
    State m_state = State::Saying;
    std::string m_pending;
    std::string m_reasoning;
    std::string m_answer;
};

} // namespace moescope::model
