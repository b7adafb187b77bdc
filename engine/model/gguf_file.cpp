#include "engine/model/gguf_file.h"

#include "engine/model/byte_cursor.h"
#include "engine/model/gguf_directory.h"
#include "engine/model/mapped_file.h"
#include "engine/model/model_error.h"
#include "engine/model/split_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace moescope::model {

struct GgufFile::State {
    std::string name;
    std::optional<MappedFile> mapping;
    std::span<const std::byte> bytes;
    GgufDirectory directory;                    ///< with the tensors of all parts
    std::vector<std::unique_ptr<State>> others; ///< the other parts, whose bytes the directory's views point into

    State(std::string fileName, std::span<const std::byte> content)
        : name(std::move(fileName)), bytes(content), directory(parseGguf(bytes, name)) {}
    explicit State(const std::filesystem::path& path)
        : name(path.string()), mapping(path), bytes(mapping->bytes()), directory(parseGguf(bytes, name)) {}

    const GgufValue* value(std::string_view key) const {
        const auto found = directory.values.find(key);
        return found == directory.values.end() ? nullptr : &found->second;
    }
    [[noreturn]] void wrongKind(std::string_view key, const GgufValue& value, std::string_view wanted) const {
        refuse(name, fmt::format("metadata key {} is {}, not {}", quotedName(key), describe(value), wanted));
    }
};

namespace {

std::optional<std::int64_t> nextInteger(ByteCursor& cursor, ValueKind kind) {
    switch (kind) {
    case ValueKind::U8:
        return cursor.number<std::uint8_t>();
    case ValueKind::I8:
        return cursor.number<std::int8_t>();
    case ValueKind::U16:
        return cursor.number<std::uint16_t>();
    case ValueKind::I16:
        return cursor.number<std::int16_t>();
    case ValueKind::U32:
        return cursor.number<std::uint32_t>();
    case ValueKind::I32:
        return cursor.number<std::int32_t>();
    case ValueKind::I64:
        return cursor.number<std::int64_t>();
    case ValueKind::U64: {
        const auto value = cursor.number<std::uint64_t>();
        if (!value || *value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return std::nullopt;
        return static_cast<std::int64_t>(*value);
    }
    default:
        return std::nullopt;
    }
}

std::optional<double> nextReal(ByteCursor& cursor, ValueKind kind) {
    if (kind == ValueKind::F32)
        return cursor.number<float>();
    if (kind == ValueKind::F64)
        return cursor.number<double>();
    const auto integer = nextInteger(cursor, kind);
    return integer ? std::optional(static_cast<double>(*integer)) : std::nullopt;
}

class Fnv1a {
public:
    void add(std::span<const std::byte> bytes) {
        for (const std::byte b : bytes)
            m_state = (m_state ^ std::to_integer<std::uint64_t>(b)) * 0x100000001b3ULL;
    }
    /// A file's header, size and samples of its data.
    void addPart(std::span<const std::byte> bytes, std::uint64_t dataStart) {
        constexpr std::size_t kSamples = 16;
        constexpr std::size_t kSampleBytes = std::size_t{64} * 1024;
        const std::size_t start = std::min<std::size_t>(dataStart, bytes.size());
        add(bytes.first(start));
        const std::uint64_t size = bytes.size();
        add(std::as_bytes(std::span(&size, 1)));
        const auto body = bytes.subspan(start);
        if (body.size() <= kSamples * kSampleBytes)
            return add(body);
        for (std::size_t i = 0; i < kSamples; ++i)
            add(body.subspan((body.size() - kSampleBytes) / (kSamples - 1) * i, kSampleBytes));
    }
    std::uint64_t value() const { return m_state; }

private:
    std::uint64_t m_state = 0xcbf29ce484222325ULL;
};

std::string shapeOf(const TensorView& tensor) {
    std::string text = "{";
    for (int d = 0; d < std::max(1, tensor.dims); ++d)
        text += fmt::format("{}{}", d ? ", " : "", tensor.ne[static_cast<std::size_t>(d)]);
    return text + "}";
}

} // namespace

std::int64_t TensorView::rowBytes() const {
    const TypeTraits& traits = typeTraits(type);
    return ne[0] / traits.blockElements * traits.blockBytes;
}

TensorView TensorView::slice(std::int64_t index) const {
    TensorView matrix = *this;
    matrix.dims = 2;
    matrix.ne = {ne[0], ne[1], 1, 1};
    matrix.bytes = rowBytes() * ne[1];
    matrix.data = data + index * matrix.bytes;
    return matrix;
}

GgufFile::GgufFile(std::unique_ptr<State> state) : m_state(std::move(state)) {}

GgufFile::GgufFile(const std::filesystem::path& path) : GgufFile(std::make_unique<State>(path)) {
    openOtherParts(path);
}

GgufFile::GgufFile(std::span<const std::byte> bytes, std::string name)
    : GgufFile(std::make_unique<State>(std::move(name), bytes)) {
    if (const SplitPart part = splitPartOf(*this); part.count > 1)
        refuse(this->name(),
               fmt::format("it is part {} of {} of a split model, and the others are files", part.number + 1, part.count));
}

void GgufFile::openOtherParts(const std::filesystem::path& first) {
    const SplitPart part = splitPartOf(*this);
    if (part.count == 1)
        return;
    if (part.number != 0) {
        const auto path = pathOfPart(first, part, 0);
        refuse(name(), fmt::format("it is part {} of {} of a split model; open {} instead", part.number + 1, part.count,
                                   path ? quotedName(path->filename().string()) : "the first part"));
    }
    for (int number = 1; number < part.count; ++number) {
        const auto path = pathOfPart(first, part, number);
        if (!path)
            refuse(name(), fmt::format("it is the first of {} parts of a split model, and its name does not end in "
                                       "-00001-of-{:05}.gguf, so the others cannot be found",
                                       part.count, part.count));
        std::error_code ignored;
        if (!std::filesystem::exists(*path, ignored))
            refuse(path->string(),
                   fmt::format("the file is missing; it is part {} of {} of a split model", number + 1, part.count));
        GgufFile other(std::make_unique<State>(*path));
        checkBelongs(splitPartOf(other), {number, part.count, part.tensors}, other.name());
        addPart(std::move(other));
    }
    const auto found = static_cast<std::int64_t>(tensors().size());
    if (part.tensors && *part.tensors != found)
        refuse(name(),
               fmt::format("its {} parts hold {} tensors, and it says that there are {}", part.count, found, *part.tensors));
}

void GgufFile::addPart(GgufFile part) {
    GgufDirectory& all = m_state->directory;
    for (const TensorView& tensor : part.tensors()) {
        if (!all.tensorIndex.emplace(tensor.name, all.tensors.size()).second)
            refuse(part.name(), fmt::format("tensor {} is in an earlier part too", quotedName(tensor.name)));
        all.tensors.push_back(tensor);
    }
    m_state->others.push_back(std::move(part.m_state));
}

GgufFile::~GgufFile() = default;
GgufFile::GgufFile(GgufFile&&) noexcept = default;

const std::string& GgufFile::name() const {
    return m_state->name;
}
const GgufDirectory& GgufFile::directory() const {
    return m_state->directory;
}
int GgufFile::parts() const {
    return 1 + static_cast<int>(m_state->others.size());
}
std::int64_t GgufFile::fileBytes() const {
    auto bytes = static_cast<std::int64_t>(m_state->bytes.size());
    for (const auto& other : m_state->others)
        bytes += static_cast<std::int64_t>(other->bytes.size());
    return bytes;
}
std::span<const TensorView> GgufFile::tensors() const {
    return m_state->directory.tensors;
}

const TensorView* GgufFile::find(std::string_view tensor) const {
    const auto& index = m_state->directory.tensorIndex;
    const auto found = index.find(tensor);
    return found == index.end() ? nullptr : &m_state->directory.tensors[found->second];
}

const TensorView& GgufFile::require(std::string_view tensor, std::initializer_list<std::int64_t> ne) const {
    const TensorView* found = find(tensor);
    if (!found)
        refuse(name(), fmt::format("tensor {} is missing", quotedName(tensor)));
    TensorView wanted;
    wanted.dims = static_cast<int>(ne.size());
    std::copy_n(ne.begin(), std::min(ne.size(), wanted.ne.size()), wanted.ne.begin());
    if (ne.size() > wanted.ne.size() || found->ne != wanted.ne)
        refuse(name(),
               fmt::format("tensor {} has the shape {} instead of {}", quotedName(tensor), shapeOf(*found), shapeOf(wanted)));
    return *found;
}

std::optional<std::int64_t> GgufFile::integer(std::string_view key) const {
    const GgufValue* value = m_state->value(key);
    if (!value)
        return std::nullopt;
    ByteCursor cursor(value->bytes);
    const auto number = value->array ? std::nullopt : nextInteger(cursor, value->kind);
    if (!number)
        m_state->wrongKind(key, *value, "an integer below 2^63");
    return number;
}

std::optional<double> GgufFile::real(std::string_view key) const {
    const GgufValue* value = m_state->value(key);
    if (!value)
        return std::nullopt;
    ByteCursor cursor(value->bytes);
    const auto number = value->array ? std::nullopt : nextReal(cursor, value->kind);
    if (!number)
        m_state->wrongKind(key, *value, "a number");
    return number;
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
    const GgufValue* value = m_state->value(key);
    if (!value)
        return std::nullopt;
    if (value->array || value->kind != ValueKind::Bool)
        m_state->wrongKind(key, *value, "a truth value");
    return value->bytes.front() != std::byte{0};
}

std::optional<std::string_view> GgufFile::text(std::string_view key) const {
    const GgufValue* value = m_state->value(key);
    if (!value)
        return std::nullopt;
    if (value->array || value->kind != ValueKind::Text)
        m_state->wrongKind(key, *value, "a text");
    return std::string_view(reinterpret_cast<const char*>(value->bytes.data()), value->bytes.size());
}

std::optional<std::vector<std::string_view>> GgufFile::texts(std::string_view key) const {
    const GgufValue* value = m_state->value(key);
    if (!value)
        return std::nullopt;
    if (!value->array || value->kind != ValueKind::Text)
        m_state->wrongKind(key, *value, "an array of texts");
    std::vector<std::string_view> all;
    all.reserve(value->count);
    ByteCursor cursor(value->bytes);
    while (const auto text = cursor.text())
        all.push_back(*text);
    return all;
}

std::optional<std::vector<double>> GgufFile::reals(std::string_view key) const {
    const GgufValue* value = m_state->value(key);
    if (!value)
        return std::nullopt;
    std::vector<double> all;
    ByteCursor cursor(value->bytes);
    while (value->array && all.size() < value->count) {
        const auto number = nextReal(cursor, value->kind);
        if (!number)
            break;
        all.push_back(*number);
    }
    if (!value->array || all.size() != value->count)
        m_state->wrongKind(key, *value, "an array of numbers");
    return all;
}

std::optional<std::vector<std::int64_t>> GgufFile::integers(std::string_view key) const {
    const GgufValue* value = m_state->value(key);
    if (!value)
        return std::nullopt;
    std::vector<std::int64_t> all;
    ByteCursor cursor(value->bytes);
    while (value->array && all.size() < value->count) {
        const auto number = nextInteger(cursor, value->kind);
        if (!number)
            break;
        all.push_back(*number);
    }
    if (!value->array || all.size() != value->count)
        m_state->wrongKind(key, *value, "an array of integers");
    return all;
}

std::string GgufFile::hash() const {
    Fnv1a hash;
    hash.addPart(m_state->bytes, m_state->directory.dataStart);
    for (const auto& other : m_state->others)
        hash.addPart(other->bytes, other->directory.dataStart);
    return fmt::format("{:016x}", hash.value());
}

} // namespace moescope::model
