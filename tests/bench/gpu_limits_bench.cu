// What this GPU and its link can do at best, printed beside what the engine reaches: time per kernel launch, copies within the
// device and over the link. ctest does not run it.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace {

constexpr std::size_t kBytes = std::size_t{512} << 20U;
constexpr int kRepetitions = 7;

__global__ void nothing() {}

void require(cudaError_t error) {
    if (error == cudaSuccess)
        return;
    std::printf("CUDA: %s\n", cudaGetErrorString(error));
    std::exit(1);
}

/// Median seconds of the work, its end on the device waited for.
double secondsOf(const std::function<void()>& work) {
    std::vector<double> times;
    for (int i = 0; i < kRepetitions; ++i) {
        require(cudaDeviceSynchronize());
        const auto begin = std::chrono::steady_clock::now();
        work();
        require(cudaDeviceSynchronize());
        times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    }
    std::sort(times.begin(), times.end());
    return times[kRepetitions / 2];
}

} // namespace

int main() {
    cudaDeviceProp properties{};
    require(cudaGetDeviceProperties(&properties, 0));
    std::printf("%s, %d multiprocessors, medians of %d\n", properties.name, properties.multiProcessorCount, kRepetitions);
    constexpr int kLaunches = 2000;
    const double launches = secondsOf([] {
        for (int i = 0; i < kLaunches; ++i)
            nothing<<<1, 32>>>();
    });
    std::printf("  launch of an empty kernel, in a row      %8.2f us\n", launches / kLaunches * 1e6);
    const double roundTrip = secondsOf([] {
        for (int i = 0; i < kLaunches; ++i) {
            nothing<<<1, 32>>>();
            require(cudaStreamSynchronize(nullptr));
        }
    });
    std::printf("  launch and wait for it                   %8.2f us\n", roundTrip / kLaunches * 1e6);
    void* device = nullptr;
    void* other = nullptr;
    void* pinned = nullptr;
    require(cudaMalloc(&device, kBytes));
    require(cudaMalloc(&other, kBytes));
    require(cudaHostAlloc(&pinned, kBytes, cudaHostAllocDefault));
    std::vector<char> pageable(kBytes, 1);
    const auto rate = [](const char* what, double factor, const std::function<void()>& work) {
        std::printf("  %-40s %8.1f GB/s\n", what, factor * static_cast<double>(kBytes) / secondsOf(work) * 1e-9);
    };
    rate("copy within the device, read + written", 2,
         [&] { require(cudaMemcpyAsync(other, device, kBytes, cudaMemcpyDeviceToDevice)); });
    rate("pinned host to device, one copy", 1,
         [&] { require(cudaMemcpyAsync(device, pinned, kBytes, cudaMemcpyHostToDevice)); });
    for (const int megabytes : {1, 4}) {
        const std::size_t block = std::size_t(megabytes) << 20U;
        rate(megabytes == 1 ? "pinned host to device, blocks of 1 MiB" : "pinned host to device, blocks of 4 MiB", 1, [&] {
            for (std::size_t at = 0; at < kBytes; at += block)
                require(cudaMemcpyAsync(static_cast<char*>(device) + at, static_cast<char*>(pinned) + at, block,
                                        cudaMemcpyHostToDevice));
        });
    }
    rate("pageable host to device, one copy", 1,
         [&] { require(cudaMemcpyAsync(device, pageable.data(), kBytes, cudaMemcpyHostToDevice)); });
    return 0;
}
