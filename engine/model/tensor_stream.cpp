#include "engine/model/tensor_stream.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

namespace moescope::model {
namespace {

constexpr std::int64_t kPieceBytes = std::int64_t{4} << 20;
constexpr auto kTick = std::chrono::milliseconds(100);

std::vector<RowRange> piecesOf(const GgufPlan& plan) {
    std::vector<RowRange> pieces;
    for (std::size_t index = 0; index < plan.tensors().size(); ++index) {
        const PlannedTensor& tensor = plan.tensors()[index];
        const std::int64_t step = std::max<std::int64_t>(1, kPieceBytes / tensor.rowBytes);
        for (std::int64_t first = 0; first < tensor.rows; first += step)
            pieces.push_back({index, first, std::min(step, tensor.rows - first)});
    }
    return pieces;
}

/// Hands out pieces to workers and keeps the first thing that went wrong. Lives on the stack of streamTensors.
class Stream {
public:
    Stream(GgufWriter& writer, const RowSource& source)
        : m_writer(writer), m_source(source), m_pieces(piecesOf(writer.plan())) {
        for (const PlannedTensor& tensor : writer.plan().tensors())
            m_total += tensor.bytes();
    }

    void work() {
        std::vector<std::byte> buffer;
        try {
            for (auto piece = next(); piece; piece = next()) {
                const PlannedTensor& tensor = m_writer.plan().tensors()[piece->tensor];
                buffer.resize(static_cast<std::size_t>(piece->rows * tensor.rowBytes));
                m_source(*piece, buffer);
                m_writer.write(piece->tensor, piece->first * tensor.rowBytes, buffer);
                const std::scoped_lock lock(m_mutex);
                m_done += piece->rows * tensor.rowBytes;
            }
        } catch (...) {
            stop(std::current_exception());
        }
        const std::scoped_lock lock(m_mutex);
        --m_workers;
        m_changed.notify_one();
    }

    /// True when every byte was written. Rethrows what a worker threw.
    bool watch(int workers, const StreamProgress& progress) {
        std::vector<std::jthread> threads;
        threads.reserve(static_cast<std::size_t>(workers));
        m_workers = workers;
        for (int i = 0; i < workers; ++i)
            threads.emplace_back([this] { work(); });
        std::unique_lock lock(m_mutex);
        while (!m_changed.wait_for(lock, kTick, [this] { return m_workers == 0; })) {
            const std::int64_t done = m_done;
            lock.unlock();
            if (!progress(done, m_total))
                stop(nullptr);
            lock.lock();
        }
        if (m_problem)
            std::rethrow_exception(m_problem);
        return m_done == m_total && progress(m_done, m_total);
    }

private:
    std::optional<RowRange> next() {
        const std::scoped_lock lock(m_mutex);
        return m_next < m_pieces.size() ? std::optional(m_pieces[m_next++]) : std::nullopt;
    }
    void stop(std::exception_ptr problem) {
        const std::scoped_lock lock(m_mutex);
        m_next = m_pieces.size();
        if (problem && !m_problem)
            m_problem = std::move(problem);
    }

    GgufWriter& m_writer;
    const RowSource& m_source;
    std::vector<RowRange> m_pieces;
    std::int64_t m_total = 0;

    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::size_t m_next = 0;
    std::int64_t m_done = 0;
    int m_workers = 0;
    std::exception_ptr m_problem;
};

} // namespace

bool streamTensors(GgufWriter& writer, int threads, const RowSource& source, const StreamProgress& progress) {
    Stream stream(writer, source);
    if (!stream.watch(std::max(1, threads), progress)) {
        writer.discard();
        return false;
    }
    writer.finish();
    return true;
}

} // namespace moescope::model
