// Writes the vocabularies and texts that tokenizer_fuzz starts from into the folder named on the command line.
#include "tests/support/tokenizer_seeds.h"

#include <filesystem>
#include <fstream>

int main(int argc, char** argv) {
    if (argc != 2)
        return 2;
    const std::filesystem::path folder = argv[1];
    std::filesystem::create_directories(folder);
    for (const auto& [name, bytes] : moescope::tests::tokenizerSeeds())
        std::ofstream(folder / (name + ".bin"), std::ios::binary) << bytes;
}
