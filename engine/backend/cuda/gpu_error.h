#pragma once
#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string_view>

namespace moescope::backend::cuda {

/// A call that CUDA refused, or a kernel that failed: one sentence with CUDA's own words.
class GpuError : public std::runtime_error {
public:
    GpuError(std::string_view what, cudaError_t error);
    cudaError_t code() const { return m_code; }

private:
    cudaError_t m_code;
};

/// Throws GpuError if the call failed; `what` completes "The GPU could not ...".
void check(cudaError_t error, std::string_view what);
/// After a launch.
void checkLaunch(std::string_view kernel);

} // namespace moescope::backend::cuda
