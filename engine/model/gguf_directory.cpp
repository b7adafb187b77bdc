#include "engine/model/gguf_directory.h"

#include "engine/model/byte_cursor.h"
#include "engine/model/model_error.h"

#include <fmt/format.h>

#include <bit>
#include <utility>

namespace moescope::model {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF files are little-endian and read in place");

constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kSmallestKeyValue = 8 + 1 + 4 + 1;
constexpr std::uint64_t kSmallestTensorEntry = 8 + 1 + 4 + 4 + 8;

/// ggml's types that this version does not compute with, so that a refusal can name them.
constexpr std::pair<std::uint32_t, std::string_view> kUnsupportedTypes[] = {
    {9, "Q8_1"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"}, {18, "IQ3_XXS"}, {19, "IQ1_S"}, {21, "IQ3_S"},
    {22, "IQ2_S"}, {24, "I8"},    {25, "I16"},     {26, "I32"},    {27, "I64"},     {28, "F64"},   {29, "IQ1_M"},
    {34, "TQ1_0"}, {35, "TQ2_0"}, {40, "NVFP4"},   {41, "Q1_0"},   {42, "Q2_0"}};

std::string_view nameOfUnsupportedType(std::uint32_t type) {
    for (const auto& [id, name] : kUnsupportedTypes)
        if (id == type)
            return name;
    return {};
}

class Parser {
public:
    Parser(std::span<const std::byte> bytes, std::string_view file) : m_bytes(bytes), m_cursor(bytes), m_file(file) {}

    GgufDirectory parse() {
        readVersion();
        const auto tensors = wanted(m_cursor.number<std::uint64_t>(), "its header");
        const auto values = wanted(m_cursor.number<std::uint64_t>(), "its header");
        if (values > m_cursor.remaining() / kSmallestKeyValue)
            fail(fmt::format("it claims {} metadata keys, more than the file can hold", values));
        for (std::uint64_t i = 0; i < values; ++i)
            readKeyValue();
        if (tensors > m_cursor.remaining() / kSmallestTensorEntry)
            fail(fmt::format("it claims {} tensors, more than the file can hold", tensors));
        readAlignment();
        for (std::uint64_t i = 0; i < tensors; ++i)
            readTensorEntry();
        placeTensors();
        return std::move(m_directory);
    }

private:
    [[noreturn]] void fail(std::string_view reason) const { refuse(m_file, reason); }

    template <class T>
    T wanted(std::optional<T> value, std::string_view inside) const {
        if (!value)
            fail(fmt::format("the file ends inside {}; it may be an incomplete download", inside));
        return *value;
    }

    void readVersion() {
        const auto magic = m_cursor.number<std::uint32_t>();
        if (!magic || *magic != kGgufMagic)
            fail("it is not a GGUF file");
        const auto version = wanted(m_cursor.number<std::uint32_t>(), "its header");
        if (version != 0 && (version & 0xFFFFU) == 0)
            fail("it was written for big-endian machines");
        if (version == 1)
            fail("GGUF version 1 is outdated; convert the model again");
        if (version != 2 && version != 3)
            fail(fmt::format("GGUF version {} is not known (2 and 3 are)", version));
        m_directory.version = version;
    }

    void readKeyValue() {
        const auto key = wanted(m_cursor.text(), "a metadata key");
        if (key.empty())
            fail("a metadata key is empty");
        const std::string where = "metadata key " + quotedName(key);
        const GgufValue value = readValue(where);
        if (!m_directory.values.emplace(key, value).second)
            fail(where + " appears twice");
    }

    GgufValue readValue(const std::string& where) {
        GgufValue value;
        value.kind = readKind(where);
        if (value.kind == ValueKind::Array) {
            value.array = true;
            value.kind = readKind(where);
            value.count = wanted(m_cursor.number<std::uint64_t>(), where);
            if (value.kind == ValueKind::Array)
                fail(where + " is an array of arrays");
            value.bytes = value.kind == ValueKind::Text ? takeTexts(value.count, where) : takeScalars(value, where);
        } else if (value.kind == ValueKind::Text) {
            value.bytes = std::as_bytes(std::span(wanted(m_cursor.text(), where)));
        } else {
            value.bytes = takeScalars(value, where);
        }
        return value;
    }

    ValueKind readKind(const std::string& where) {
        const auto kind = wanted(m_cursor.number<std::uint32_t>(), where);
        if (kind > static_cast<std::uint32_t>(ValueKind::F64))
            fail(fmt::format("{} has the unknown type {}", where, kind));
        return static_cast<ValueKind>(kind);
    }

    std::span<const std::byte> takeScalars(const GgufValue& value, const std::string& where) {
        const std::uint64_t size = scalarBytes(value.kind);
        if (value.count > m_cursor.remaining() / size)
            wanted(std::optional<int>(), where);
        return *m_cursor.take(value.count * size);
    }

    std::span<const std::byte> takeTexts(std::uint64_t count, const std::string& where) {
        const std::size_t start = m_cursor.position();
        for (std::uint64_t i = 0; i < count; ++i)
            wanted(m_cursor.text(), where);
        return m_bytes.subspan(start, m_cursor.position() - start);
    }

    void readAlignment() {
        const auto found = m_directory.values.find("general.alignment");
        if (found == m_directory.values.end())
            return;
        const GgufValue& value = found->second;
        if (value.array || value.kind != ValueKind::U32)
            fail(fmt::format("metadata key 'general.alignment' is {}, not u32", describe(value)));
        m_alignment = *ByteCursor(value.bytes).number<std::uint32_t>();
        if (!std::has_single_bit(m_alignment) || m_alignment < 8)
            fail(fmt::format("its alignment of {} bytes is not a power of two of at least 8", m_alignment));
    }

    void readTensorEntry() {
        const auto name = wanted(m_cursor.text(), "the tensor table");
        if (name.empty() || name.size() > kLongestTensorName)
            fail(fmt::format("the tensor name {} is {}", quotedName(name), name.empty() ? "empty" : "longer than 63 bytes"));
        const std::string where = "tensor " + quotedName(name);
        TensorView tensor;
        tensor.name = name;
        const auto dims = wanted(m_cursor.number<std::uint32_t>(), "the tensor table");
        if (dims > tensor.ne.size())
            fail(fmt::format("{} has {} dimensions, more than 4", where, dims));
        tensor.dims = static_cast<int>(dims);
        for (std::uint32_t d = 0; d < dims; ++d) {
            tensor.ne[d] = wanted(m_cursor.number<std::int64_t>(), "the tensor table");
            if (tensor.ne[d] <= 0)
                fail(fmt::format("{} has a dimension of {}", where, tensor.ne[d]));
        }
        readTypeAndSize(tensor, where);
        m_offsets.push_back(wanted(m_cursor.number<std::uint64_t>(), "the tensor table"));
        if (!m_directory.tensorIndex.emplace(name, m_directory.tensors.size()).second)
            fail(where + " appears twice");
        m_directory.tensors.push_back(tensor);
    }

    void readTypeAndSize(TensorView& tensor, const std::string& where) {
        const auto type = wanted(m_cursor.number<std::uint32_t>(), "the tensor table");
        const TypeTraits* traits = typeTraits(type);
        if (!traits) {
            const std::string_view known = nameOfUnsupportedType(type);
            if (known.empty())
                fail(fmt::format("{} has the unknown type {}; this version reads {}", where, type, namesOf(tensorTypes())));
            fail(fmt::format("{} of this {} model is stored as {}, but this version reads {}", where, architecture(), known,
                             namesOf(tensorTypes())));
        }
        tensor.type = static_cast<TensorType>(type);
        if (tensor.ne[0] % traits->blockElements != 0)
            fail(fmt::format("{} has rows of {} elements, which {} with its blocks of {} cannot hold", where, tensor.ne[0],
                             traits->name, traits->blockElements));
        std::int64_t bytes = tensor.ne[0] / traits->blockElements;
        bool overflow = __builtin_mul_overflow(bytes, std::int64_t{traits->blockBytes}, &bytes);
        for (std::size_t d = 1; d < tensor.ne.size(); ++d)
            overflow = __builtin_mul_overflow(bytes, tensor.ne[d], &bytes) || overflow;
        if (overflow)
            fail(where + " is larger than any file");
        tensor.bytes = bytes;
    }

    std::string architecture() const {
        const auto found = m_directory.values.find("general.architecture");
        if (found == m_directory.values.end() || found->second.array || found->second.kind != ValueKind::Text)
            return "GGUF";
        const auto bytes = found->second.bytes;
        return quotedName({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }

    void placeTensors() {
        const std::uint64_t end = m_cursor.position();
        m_directory.dataStart = (end + m_alignment - 1) / m_alignment * m_alignment;
        const std::uint64_t available = m_bytes.size() > m_directory.dataStart ? m_bytes.size() - m_directory.dataStart : 0;
        for (std::size_t i = 0; i < m_directory.tensors.size(); ++i) {
            TensorView& tensor = m_directory.tensors[i];
            const std::uint64_t offset = m_offsets[i];
            if (offset % m_alignment != 0)
                fail(fmt::format("tensor {} is not aligned to {} bytes", quotedName(tensor.name), m_alignment));
            if (offset > available || static_cast<std::uint64_t>(tensor.bytes) > available - offset)
                fail(fmt::format("tensor {} reaches past the end of the file; it may be an incomplete download",
                                 quotedName(tensor.name)));
            tensor.data = m_bytes.data() + m_directory.dataStart + offset;
        }
    }

    std::span<const std::byte> m_bytes;
    ByteCursor m_cursor;
    std::string_view m_file;
    std::uint64_t m_alignment = kDefaultAlignment;
    std::vector<std::uint64_t> m_offsets;
    GgufDirectory m_directory;
};

} // namespace

GgufDirectory parseGguf(std::span<const std::byte> bytes, std::string_view fileName) {
    return Parser(bytes, fileName).parse();
}

std::string describe(const GgufValue& value) {
    constexpr std::string_view kNames[] = {"u8",   "i8",   "u16",   "i16", "u32", "i32", "f32",
                                           "bool", "text", "array", "u64", "i64", "f64"};
    const std::string_view name = kNames[static_cast<std::size_t>(value.kind)];
    return value.array ? fmt::format("an array of {}", name) : fmt::format("{}", name);
}

std::size_t scalarBytes(ValueKind kind) {
    constexpr std::size_t kBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return kBytes[static_cast<std::size_t>(kind)];
}

} // namespace moescope::model
