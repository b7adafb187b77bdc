#include "engine/model/gguf_plan.h"

#include "engine/model/model_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace moescope::model {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kVersion = 3;

void append(Bytes& out, std::span<const std::byte> bytes) {
    const std::size_t at = out.size();
    out.resize(at + bytes.size());
    if (!bytes.empty())
        std::memcpy(out.data() + at, bytes.data(), bytes.size());
}

template <class Number>
void append(Bytes& out, Number value) {
    append(out, std::as_bytes(std::span(&value, 1)));
}

void appendText(Bytes& out, std::string_view text) {
    append(out, static_cast<std::uint64_t>(text.size()));
    append(out, std::as_bytes(std::span(text)));
}

std::int64_t padded(std::int64_t bytes) {
    return (bytes + GgufPlan::kAlignment - 1) / GgufPlan::kAlignment * GgufPlan::kAlignment;
}

Bytes arrayStart(ValueKind kind, std::uint64_t count) {
    Bytes content;
    append(content, ValueKind::Array);
    append(content, kind);
    append(content, count);
    return content;
}

} // namespace

GgufPlan& GgufPlan::place(std::string_view key, Bytes content) {
    if (key.empty())
        throw std::invalid_argument("A metadata key of a model file cannot be empty.");
    const auto found = std::find_if(m_values.begin(), m_values.end(), [&](const Entry& entry) { return entry.key == key; });
    if (found != m_values.end())
        found->content = std::move(content);
    else
        m_values.push_back({std::string(key), std::move(content)});
    return *this;
}

GgufPlan& GgufPlan::put(std::string_view key, ValueKind kind, std::span<const std::byte> value) {
    Bytes content;
    append(content, kind);
    append(content, value);
    return place(key, std::move(content));
}

GgufPlan& GgufPlan::putArray(std::string_view key, ValueKind kind, std::uint64_t count, std::span<const std::byte> values) {
    Bytes content = arrayStart(kind, count);
    append(content, values);
    return place(key, std::move(content));
}

GgufPlan& GgufPlan::set(std::string_view key, std::string_view value) {
    Bytes content;
    append(content, ValueKind::Text);
    appendText(content, value);
    return place(key, std::move(content));
}

GgufPlan& GgufPlan::set(std::string_view key, bool value) {
    const auto byte = static_cast<std::byte>(value);
    return put(key, ValueKind::Bool, std::span(&byte, 1));
}

GgufPlan& GgufPlan::set(std::string_view key, const std::vector<std::string>& values) {
    Bytes content = arrayStart(ValueKind::Text, values.size());
    for (const std::string& value : values)
        appendText(content, value);
    return place(key, std::move(content));
}

GgufPlan& GgufPlan::set(std::string_view key, const GgufValue& value) {
    if (value.array)
        return putArray(key, value.kind, value.count, value.bytes);
    if (value.kind == ValueKind::Text)
        return set(key, std::string_view(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()));
    return put(key, value.kind, value.bytes);
}

GgufPlan& GgufPlan::copyMetadata(const GgufFile& file) {
    const auto& values = file.directory().values;
    std::vector<std::string_view> keys;
    for (const auto& [key, value] : values)
        keys.push_back(key);
    // The views point into the file, so their addresses are its order.
    std::sort(keys.begin(), keys.end(), [](std::string_view a, std::string_view b) { return a.data() < b.data(); });
    for (const std::string_view key : keys)
        if (key != "general.alignment" && !key.starts_with("split."))
            set(key, values.at(key));
    return *this;
}

GgufPlan& GgufPlan::addTensor(std::string_view name, TensorType type, std::vector<std::int64_t> ne) {
    if (name.empty() || name.size() > kLongestTensorName)
        throw std::invalid_argument(
            fmt::format("The tensor name {} is not 1 to {} bytes long.", quotedName(name), kLongestTensorName));
    if (std::any_of(m_tensors.begin(), m_tensors.end(), [&](const PlannedTensor& tensor) { return tensor.name == name; }))
        throw std::invalid_argument(fmt::format("There is already a tensor {}.", quotedName(name)));
    if (ne.empty() || ne.size() > 4 || std::any_of(ne.begin(), ne.end(), [](std::int64_t n) { return n < 1; }))
        throw std::invalid_argument(fmt::format("The tensor {} has no shape that a model file can hold.", quotedName(name)));
    const TypeTraits& traits = typeTraits(type);
    if (ne[0] % traits.blockElements != 0)
        throw std::invalid_argument(fmt::format("Rows of {} elements of the tensor {} are no whole number of {} blocks.", ne[0],
                                                quotedName(name), traits.name));
    PlannedTensor tensor{std::string(name), type, std::move(ne), dataBytes(), 0, 1};
    tensor.rowBytes = tensor.ne[0] / traits.blockElements * traits.blockBytes;
    for (std::size_t d = 1; d < tensor.ne.size(); ++d)
        tensor.rows *= tensor.ne[d];
    m_tensors.push_back(std::move(tensor));
    return *this;
}

Bytes GgufPlan::header() const {
    Bytes out;
    append(out, kGgufMagic);
    append(out, kVersion);
    append(out, static_cast<std::uint64_t>(m_tensors.size()));
    append(out, static_cast<std::uint64_t>(m_values.size()));
    for (const Entry& entry : m_values) {
        appendText(out, entry.key);
        append(out, std::span<const std::byte>(entry.content));
    }
    for (const PlannedTensor& tensor : m_tensors) {
        appendText(out, tensor.name);
        append(out, static_cast<std::uint32_t>(tensor.ne.size()));
        for (const std::int64_t n : tensor.ne)
            append(out, n);
        append(out, tensor.type);
        append(out, tensor.offset);
    }
    out.resize(static_cast<std::size_t>(padded(static_cast<std::int64_t>(out.size()))));
    return out;
}

std::int64_t GgufPlan::dataBytes() const {
    return m_tensors.empty() ? 0 : padded(m_tensors.back().offset + m_tensors.back().bytes());
}

std::int64_t GgufPlan::headerBytes() const {
    std::size_t bytes = 24;
    for (const Entry& entry : m_values)
        bytes += 8 + entry.key.size() + entry.content.size();
    for (const PlannedTensor& tensor : m_tensors)
        bytes += 8 + tensor.name.size() + 4 + 8 * tensor.ne.size() + 4 + 8;
    return padded(static_cast<std::int64_t>(bytes));
}

std::int64_t GgufPlan::fileBytes() const {
    return headerBytes() + dataBytes();
}

} // namespace moescope::model
