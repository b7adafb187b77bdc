// What one thread makes of weights in memory: bytes of the file's format per second that each product takes in with one token
// (decoding), beside a plain read of as much memory, and with 32 tokens (a prompt). Prints the conditions. ctest does not run
// it; nor is it meant for a busy machine.
//   product_bench [MiB per matrix]
#include "engine/backend/cpu/int8_kernels.h"
#include "engine/backend/cpu/memory_region.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

namespace {

using namespace moescope;

constexpr int kColumns = 2048;
constexpr int kRepetitions = 9;

/// Processor time of this thread: what a busy machine leaves comparable.
double seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Work>
double best(const Work& work) {
    double least = 1e9;
    for (int i = 0; i < kRepetitions; ++i) {
        const double begin = seconds();
        work();
        least = std::min(least, seconds() - begin);
    }
    return least;
}

std::vector<std::byte> randomBytes(std::size_t count) {
    std::vector<std::byte> bytes(count);
    std::mt19937_64 random(1);
    for (std::byte& byte : bytes)
        byte = static_cast<std::byte>(random() & 0x3F); // no infinite scales
    return bytes;
}

/// GB/s of a loop that does nothing but add up what it reads.
double readRate(std::size_t bytes) {
    const std::vector<std::uint64_t> words(bytes / 8, 3);
    volatile std::uint64_t sink = 0;
    return 1e-9 * static_cast<double>(bytes) /
           best([&] { sink = std::accumulate(words.begin(), words.end(), std::uint64_t{0}); });
}

class Bench {
public:
    Bench(model::TensorType type, std::size_t bytes) : m_type(type) {
        const model::TypeTraits& traits = model::typeTraits(type);
        m_rowBytes = std::int64_t{kColumns} / traits.blockElements * traits.blockBytes;
        const std::size_t stride = backend::groupBytes(type, kColumns);
        const auto groups = static_cast<int>(bytes / stride);
        m_matrix = {type, groups * backend::kGroupRows, kColumns, stride, nullptr};
        m_region = backend::MemoryRegion(stride * static_cast<std::size_t>(groups));
        m_matrix.data = m_region.data();
        const auto group = randomBytes(static_cast<std::size_t>(m_rowBytes) * backend::kGroupRows);
        m_packSeconds = best([&] {
            for (int at = 0; at < groups; ++at)
                backend::packGroup(type, group.data(), m_rowBytes, backend::kGroupRows, kColumns,
                                   m_region.data() + static_cast<std::size_t>(at) * stride);
        });
    }

    /// GB/s of file bytes; the fast tier's own are more where it stores a format wider.
    double rate(backend::GroupProduct product, int tokens) const {
        backend::Activations activations(tokens, kColumns);
        std::vector<backend::ActivationRow> rows;
        std::vector<std::vector<float>> outs(static_cast<std::size_t>(tokens),
                                             std::vector<float>(static_cast<std::size_t>(m_matrix.rows)));
        std::vector<float*> targets;
        for (int token = 0; token < tokens; ++token) {
            for (int column = 0; column < kColumns; ++column)
                activations.values(token)[column] = static_cast<float>((column * 37 + token) % 101 - 50);
            activations.quantise(token, 0, kColumns);
            rows.push_back(activations.row(token));
            targets.push_back(outs[static_cast<std::size_t>(token)].data());
        }
        return 1e-9 * fileBytes() / best([&] { product(m_matrix, 0, m_matrix.groups(), rows.data(), tokens, targets.data()); });
    }
    double packRate() const { return 1e-9 * fileBytes() / m_packSeconds; }
    double widening() const { return static_cast<double>(m_region.size()) / fileBytes(); }
    std::string_view name() const { return model::typeTraits(m_type).name; }

private:
    double fileBytes() const { return static_cast<double>(m_rowBytes) * m_matrix.rows; }

    model::TensorType m_type;
    std::int64_t m_rowBytes = 0;
    backend::PackedMatrix m_matrix;
    backend::MemoryRegion m_region;
    double m_packSeconds = 0;
};

} // namespace

int main(int argc, char** argv) {
    const auto bytes = static_cast<std::size_t>(argc > 1 ? std::atoi(argv[1]) : 64) << 20U;
    double load = 0;
    getloadavg(&load, 1);
    std::printf("%u cores, load %.1f; one thread, its processor time, best of %d; matrices of %zu MiB, rows of %d\n",
                std::thread::hardware_concurrency(), load, kRepetitions, bytes >> 20U, kColumns);
    std::printf("plain read %.1f GB/s\n", readRate(bytes));
    std::printf("%-8s %-13s %14s %14s %14s %9s\n", "format", "kernels", "decode GB/s", "prompt G/s", "pack GB/s", "memory");
    for (const model::TensorType type : model::tensorTypes()) {
        const Bench bench(type, bytes);
        for (const backend::Int8Kernels& kernels : backend::int8Variants().first(backend::int8Variants().size() - 1)) {
            const backend::GroupProduct product = backend::productOf(kernels, type);
            // Per second of a prompt's 32 tokens, weights are taken in 32 times.
            std::printf("%-8s %-13s %14.2f %14.1f %14.2f %8.2fx\n", bench.name().data(), kernels.name.data(),
                        bench.rate(product, 1), 32 * bench.rate(product, 32), bench.packRate(), bench.widening());
            if (backend::layoutOf(type) == backend::Layout::Floats)
                break;
        }
    }
    return 0;
}
