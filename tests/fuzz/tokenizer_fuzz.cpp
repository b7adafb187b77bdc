// Feeds arbitrary vocabularies and texts to tokenizers, chat forms and the splitting of answers.
#include "tests/support/tokenizer_exercise.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    moescope::tests::exerciseTokenizer({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
