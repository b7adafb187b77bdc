#include "engine/backend/cuda/pass_graphs.h"

namespace moescope::backend::cuda {
namespace {

constexpr std::size_t kMost = 64; // graphs kept: each holds a few hundred launches

} // namespace

PassGraphs::~PassGraphs() {
    for (const auto& [key, graph] : m_graphs)
        cudaGraphExecDestroy(graph);
}

void PassGraphs::record(Key key, const Stream& stream) {
    check(cudaStreamBeginCapture(stream.get(), cudaStreamCaptureModeThreadLocal), "record a pass");
    m_key = key;
    m_recording = true;
}

void PassGraphs::keep(const Stream& stream) {
    cudaGraph_t graph = nullptr;
    m_recording = false;
    check(cudaStreamEndCapture(stream.get(), &graph), "end the recording of a pass");
    cudaGraphExec_t ready = nullptr;
    const cudaError_t made = cudaGraphInstantiate(&ready, graph, 0);
    cudaGraphDestroy(graph);
    check(made, "prepare a recorded pass");
    if (m_graphs.size() == kMost) {
        cudaGraphExecDestroy(m_graphs.begin()->second);
        m_graphs.erase(m_graphs.begin());
    }
    m_graphs.emplace(m_key, ready);
}

void PassGraphs::abandon(const Stream& stream) noexcept {
    if (!m_recording)
        return;
    m_recording = false;
    cudaGraph_t graph = nullptr;
    cudaStreamEndCapture(stream.get(), &graph);
    if (graph != nullptr)
        cudaGraphDestroy(graph);
    cudaGetLastError();
}

void PassGraphs::run(Key key, const Stream& stream) const {
    check(cudaGraphLaunch(m_graphs.at(key), stream.get()), "start a recorded pass");
}

} // namespace moescope::backend::cuda
