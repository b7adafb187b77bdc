// Feeds arbitrary bytes to everything that reads a model file before it runs.
#include "tests/support/gguf_exercise.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    moescope::tests::exerciseGguf(std::as_bytes(std::span(bytes, size)));
    return 0;
}
