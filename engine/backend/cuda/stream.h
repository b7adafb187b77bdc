#pragma once
#include "engine/backend/cuda/gpu_error.h"

#include <utility>

namespace moescope::backend::cuda {

/// A queue of work on the GPU. Moves, does not copy.
class Stream {
public:
    enum class Priority { Low, High };
    explicit Stream(Priority priority = Priority::Low) {
        int least = 0;
        int greatest = 0;
        check(cudaDeviceGetStreamPriorityRange(&least, &greatest), "say which priorities it knows");
        check(cudaStreamCreateWithPriority(&m_stream, cudaStreamNonBlocking, priority == Priority::High ? greatest : least),
              "make a stream");
    }
    ~Stream() {
        if (m_stream != nullptr)
            cudaStreamDestroy(m_stream);
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    cudaStream_t get() const { return m_stream; }

private:
    cudaStream_t m_stream = nullptr;
};

/// A mark in a stream.
class Event {
public:
    explicit Event(unsigned flags = cudaEventDisableTiming) {
        check(cudaEventCreateWithFlags(&m_event, flags), "make an event");
    }
    ~Event() {
        if (m_event != nullptr)
            cudaEventDestroy(m_event);
    }
    Event(Event&& other) noexcept : m_event(std::exchange(other.m_event, nullptr)) {}
    Event& operator=(Event&&) = delete;
    cudaEvent_t get() const { return m_event; }
    void record(const Stream& stream) const { check(cudaEventRecord(m_event, stream.get()), "record an event"); }

private:
    cudaEvent_t m_event = nullptr;
};

} // namespace moescope::backend::cuda
