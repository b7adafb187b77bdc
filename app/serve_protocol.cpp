#include "app/serve_protocol.h"

#include <array>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace moescope::app {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, std::variant_size_v<Command>> kNames{
    "hello", "load", "prompt", "stop", "set", "new_session", "pause", "resume", "relocate", "quit"};

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json parsed(std::string_view line) {
    if (line.size() > kMaxLineBytes)
        throw ProtocolError(fmt::format("The line is longer than {} bytes.", kMaxLineBytes));
    Json json = Json::parse(line.begin(), line.end(), nullptr, false);
    if (json.is_discarded() || !json.is_object())
        throw ProtocolError("The line is not a JSON object.");
    return json;
}

/// Members of one command, with their types checked.
class Arguments {
public:
    Arguments(const Json& json, std::string_view command, std::int64_t id) : m_json(json), m_command(command), m_id(id) {}

    const Json* find(const char* name) const {
        const auto at = m_json.find(name);
        return at == m_json.end() || at->is_null() ? nullptr : &*at;
    }
    std::string text(const char* name, bool needed = false) const {
        const Json* value = find(name);
        if (!value && !needed)
            return {};
        if (!value || !value->is_string())
            fail(name, "a text");
        return value->get<std::string>();
    }
    double number(const char* name, double otherwise) const {
        const Json* value = find(name);
        if (!value)
            return otherwise;
        if (!value->is_number())
            fail(name, "a number");
        return value->get<double>();
    }
    int whole(const char* name, int otherwise) const {
        const Json* value = find(name);
        if (!value)
            return otherwise;
        const double number = value->is_number_integer() ? value->get<double>() : std::numeric_limits<double>::quiet_NaN();
        if (!(number >= 0 && number <= std::numeric_limits<int>::max()))
            fail(name, "a whole number, 0 or more");
        return value->get<int>();
    }
    std::uint64_t seed(const char* name) const {
        const Json* value = find(name);
        if (!value)
            return 0;
        if (!value->is_number_unsigned())
            fail(name, "a whole number, 0 or more");
        return value->get<std::uint64_t>();
    }
    std::vector<std::string> texts(const char* name) const {
        std::vector<std::string> out;
        const Json* value = find(name);
        if (!value)
            return out;
        if (!value->is_array())
            fail(name, "a list of texts");
        for (const Json& item : *value) {
            if (!item.is_string())
                fail(name, "a list of texts");
            out.push_back(item.get<std::string>());
        }
        return out;
    }
    [[noreturn]] void fail(const char* name, const char* wanted) const {
        throw ProtocolError(fmt::format("The command '{}' wants \"{}\" to be {}.", m_command, name, wanted), m_id);
    }

private:
    const Json& m_json;
    std::string_view m_command;
    std::int64_t m_id;
};

/// Setting values may come as texts, numbers or booleans.
std::string settingText(const Json& value) {
    return value.is_string() ? value.get<std::string>() : dumped(value);
}

LoadCommand loadFrom(const Arguments& from) {
    LoadCommand load;
    load.model = from.text("model");
    load.threads = from.whole("threads", 0);
    load.calibration = from.text("calibration");
    load.backend = from.text("backend");
    load.hostMemory = from.text("host_memory");
    load.output = from.text("output");
    load.maxSessionMb = from.number("max_session_mb", 0);
    if (const Json* settings = from.find("settings")) {
        if (!settings->is_object())
            from.fail("settings", "an object of names and values");
        for (const auto& [name, value] : settings->items()) {
            if (!value.is_primitive())
                from.fail("settings", "an object of names and values");
            load.settings.emplace_back(name, settingText(value));
        }
    }
    return load;
}

PromptCommand promptFrom(const Arguments& from) {
    PromptCommand prompt;
    if (const Json* messages = from.find("messages")) {
        if (!messages->is_array())
            from.fail("messages", "a list of {role,text}");
        for (const Json& message : *messages) {
            const bool sound = message.is_object() && message.contains("role") && message["role"].is_string() &&
                               message.contains("text") && message["text"].is_string();
            if (!sound)
                from.fail("messages", "a list of {role,text}");
            const auto role = message["role"].get<std::string>();
            if (role != "system" && role != "user" && role != "assistant")
                from.fail("role", "system, user or assistant");
            prompt.messages.push_back({role, message["text"].get<std::string>()});
        }
    }
    if (from.find("raw"))
        prompt.raw = from.text("raw");
    if (!prompt.raw && prompt.messages.empty())
        from.fail("messages", "a list of {role,text}, or \"raw\" to be a text");
    prompt.maxTokens = from.whole("max_tokens", prompt.maxTokens);
    prompt.temperature = from.number("temperature", prompt.temperature);
    prompt.topK = from.whole("top_k", prompt.topK);
    prompt.topP = from.number("top_p", prompt.topP);
    prompt.minP = from.number("min_p", prompt.minP);
    prompt.repeatPenalty = from.number("repeat_penalty", prompt.repeatPenalty);
    prompt.seed = from.seed("seed");
    prompt.stop = from.texts("stop");
    return prompt;
}

SetCommand setFrom(const Arguments& from) {
    const Json* value = from.find("value");
    if (!value || !value->is_primitive())
        from.fail("value", "a text or a number");
    return {from.text("name", true), settingText(*value)};
}

Command commandFrom(std::string_view name, const Arguments& from, std::int64_t id) {
    if (name == "hello")
        return HelloCommand{};
    if (name == "load")
        return loadFrom(from);
    if (name == "prompt")
        return promptFrom(from);
    if (name == "stop")
        return StopCommand{};
    if (name == "set")
        return setFrom(from);
    if (name == "new_session")
        return NewSessionCommand{from.text("output")};
    if (name == "pause")
        return PauseCommand{};
    if (name == "resume")
        return ResumeCommand{};
    if (name == "relocate")
        return RelocateCommand{from.text("folder", true)};
    if (name == "quit")
        return QuitCommand{};
    throw ProtocolError(fmt::format("There is no command '{}'; there are {}.", name, fmt::join(kNames, ", ")), id);
}

struct PutArguments {
    Json& json;
    void operator()(const LoadCommand& c) const {
        json["model"] = c.model;
        json["threads"] = c.threads;
        json["calibration"] = c.calibration;
        json["backend"] = c.backend;
        json["host_memory"] = c.hostMemory;
        json["output"] = c.output;
        json["max_session_mb"] = c.maxSessionMb;
        json["settings"] = Json::object();
        for (const auto& [name, value] : c.settings)
            json["settings"][name] = value;
    }
    void operator()(const PromptCommand& c) const {
        if (c.raw)
            json["raw"] = *c.raw;
        json["messages"] = Json::array();
        for (const PromptMessage& message : c.messages)
            json["messages"].push_back({{"role", message.role}, {"text", message.text}});
        json["max_tokens"] = c.maxTokens;
        json["temperature"] = c.temperature;
        json["top_k"] = c.topK;
        json["top_p"] = c.topP;
        json["min_p"] = c.minP;
        json["repeat_penalty"] = c.repeatPenalty;
        json["seed"] = c.seed;
        json["stop"] = c.stop;
    }
    void operator()(const SetCommand& c) const {
        json["name"] = c.name;
        json["value"] = c.value;
    }
    void operator()(const NewSessionCommand& c) const { json["output"] = c.output; }
    void operator()(const RelocateCommand& c) const { json["folder"] = c.folder; }
    void operator()(const auto&) const {}
};

void putValues(const Values& values, Json& json) {
    for (const auto& [name, value] : values)
        std::visit([&, &key = name](const auto& v) { json[key] = v; }, value);
}

/// Everything but the given members; nested members are left out.
Values valuesOf(const Json& json, std::initializer_list<std::string_view> without) {
    Values values;
    for (const auto& [name, value] : json.items()) {
        if (std::find(without.begin(), without.end(), name) != without.end())
            continue;
        if (value.is_string())
            values.emplace_back(name, value.get<std::string>());
        else if (value.is_boolean())
            values.emplace_back(name, value.get<bool>());
        else if (value.is_number_integer())
            values.emplace_back(name, value.get<std::int64_t>());
        else if (value.is_number())
            values.emplace_back(name, value.get<double>());
    }
    return values;
}

} // namespace

std::string_view commandName(const Command& command) {
    return kNames[command.index()];
}

std::string formatRequest(const Request& request) {
    Json json{{"id", request.id}, {"command", commandName(request.command)}};
    std::visit(PutArguments{json}, request.command);
    return dumped(json);
}

std::string formatMessage(const Message& message) {
    Json json = Json::object();
    if (const auto* notice = std::get_if<Notice>(&message)) {
        json["notice"] = notice->name;
        putValues(notice->values, json);
        return dumped(json);
    }
    const auto& reply = std::get<Reply>(message);
    json["id"] = reply.id ? Json(*reply.id) : Json();
    json["ok"] = reply.ok;
    if (!reply.ok)
        json["error"] = reply.error;
    putValues(reply.values, json);
    return dumped(json);
}

Request parseRequest(std::string_view line) {
    const Json json = parsed(line);
    const auto id = json.find("id");
    if (id == json.end() || !id->is_number_integer())
        throw ProtocolError("The command has no \"id\" that is a whole number.");
    const auto number = id->get<std::int64_t>();
    const auto command = json.find("command");
    if (command == json.end() || !command->is_string())
        throw ProtocolError("The line has no \"command\" that is a text.", number);
    const auto name = command->get<std::string>();
    return {number, commandFrom(name, Arguments(json, name, number), number)};
}

Message parseMessage(std::string_view line) {
    const Json json = parsed(line);
    if (const auto notice = json.find("notice"); notice != json.end() && notice->is_string())
        return Notice{notice->get<std::string>(), valuesOf(json, {"notice"})};
    const auto ok = json.find("ok");
    if (ok == json.end() || !ok->is_boolean())
        throw ProtocolError("The line is neither a reply nor a notice.");
    Reply reply;
    reply.ok = ok->get<bool>();
    if (const auto id = json.find("id"); id != json.end() && id->is_number_integer())
        reply.id = id->get<std::int64_t>();
    if (const auto error = json.find("error"); error != json.end() && error->is_string())
        reply.error = error->get<std::string>();
    reply.values = valuesOf(json, {"id", "ok", "error"});
    return reply;
}

std::string valueText(const Values& values, std::string_view name) {
    for (const auto& [key, value] : values)
        if (key == name)
            return std::visit(
                [](const auto& v) {
                    if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::string>)
                        return v;
                    else
                        return fmt::format("{}", v);
                },
                value);
    return {};
}

} // namespace moescope::app
