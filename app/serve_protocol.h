#pragma once
// The language of `moescope-engine serve`: one JSON object per line, UTF-8, at most kMaxLineBytes. Commands on stdin, replies
// and notices on stdout; nothing else is ever written there. Events do not pass here: they go to the session file.
//
// Commands: {"id":N,"command":"...", arguments}. Every one is answered by exactly one reply with the same id:
// {"id":N,"ok":true, values} or {"id":N,"ok":false,"error":"One sentence."}. A line that cannot be understood is answered with
// "id":null if it has none, and changes nothing.
//
//   hello                                             -> program, protocol, schema
//   load {model?,threads?,calibration?,output?,settings?:{name:value},max_session_mb?}
//        output: a session file to be made, or a folder to make one in -> session, backend, model facts. Replaces the run.
//   prompt {messages:[{role,text}] | raw, max_tokens?, temperature?, top_k?, top_p?, min_p?, repeat_penalty?, seed?, stop?:[]}
//        replied when accepted; the answer is in the session; ends with the notice answer_ended
//   stop                 ends the running answer within one token
//   set {name,value}     a setting by its flag's name (runtime::settingNames()); acts on the next token. gate-target-k finds
//   and
//                        sets gate-threshold, also among the settings of load
//   new_session {output?} finishes the session and begins another with an empty context -> session
//   pause | resume       holds the run between two tokens
//   relocate {folder}    goes on recording there after the disk was full -> session
//   quit                 finishes the session and ends; so does the end of stdin
//
// Notices: {"notice":"...", values}:
//   ready {session}      a model is loaded and recorded        session {session}      recording goes on in this file
//   recording_paused {reason}   recording_resumed              failed {error}
//   answer_ended {reason,tokens,error?}
//
// Plain C++: the engine and the window's child process share it. Parsing throws ProtocolError.
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace moescope::app {

inline constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;
inline constexpr int kProtocolVersion = 1;

/// One sentence for the other side. id is that of the command, if it could be read.
struct ProtocolError : std::runtime_error {
    ProtocolError(const std::string& sentence, std::optional<std::int64_t> command = {})
        : std::runtime_error(sentence), id(command) {}
    std::optional<std::int64_t> id;
};

struct HelloCommand {};
struct LoadCommand {
    std::string model; ///< empty: the bundled one
    int threads = 0;   ///< 0: as many as the machine has cores
    std::string calibration;
    std::string backend;    ///< auto, cpu or cuda; empty: auto
    std::string hostMemory; ///< pinned, mapped or pageable; empty: pinned
    std::string output;     ///< empty: a new file in the current folder
    std::vector<std::pair<std::string, std::string>> settings;
    double maxSessionMb = 0; ///< 0: no limit
};
struct PromptMessage {
    std::string role; ///< "system", "user", "assistant"
    std::string text;
};
struct PromptCommand {
    std::vector<PromptMessage> messages;
    std::optional<std::string> raw;
    int maxTokens = 256;
    double temperature = 0.8;
    int topK = 40;
    double topP = 0.95;
    double minP = 0.05;
    double repeatPenalty = 1.0;
    std::uint64_t seed = 0;
    std::vector<std::string> stop;
};
struct StopCommand {};
struct SetCommand {
    std::string name;
    std::string value;
};
struct NewSessionCommand {
    std::string output;
};
struct PauseCommand {};
struct ResumeCommand {};
struct RelocateCommand {
    std::string folder;
};
struct QuitCommand {};

using Command = std::variant<HelloCommand, LoadCommand, PromptCommand, StopCommand, SetCommand, NewSessionCommand, PauseCommand,
                             ResumeCommand, RelocateCommand, QuitCommand>;

struct Request {
    std::int64_t id = 0;
    Command command;
};

using Value = std::variant<std::string, std::int64_t, double, bool>;
using Values = std::vector<std::pair<std::string, Value>>;

struct Reply {
    std::optional<std::int64_t> id;
    bool ok = true;
    std::string error; ///< one sentence when not ok
    Values values;
};
struct Notice {
    std::string name;
    Values values;
};
using Message = std::variant<Reply, Notice>;

/// "load", "prompt", ...: what stands in the "command" member.
std::string_view commandName(const Command& command);

/// Without line end. Text that is not UTF-8 is repaired with U+FFFD.
std::string formatRequest(const Request& request);
std::string formatMessage(const Message& message);

/// One line, with or without its end. Unknown members are ignored, unknown commands and wrong types are not.
Request parseRequest(std::string_view line);
Message parseMessage(std::string_view line);

/// The text of a value by name, numbers written out; empty if there is none.
std::string valueText(const Values& values, std::string_view name);

} // namespace moescope::app
