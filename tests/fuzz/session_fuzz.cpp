// Opens a damaged session and asks it everything a window would ask. Input that begins as an SQLite file does is taken as it
// is; any other is a list of changes to a small sound session, four bytes each: where (three bytes) and what. So the empty
// input is the seed, and every byte of a short input matters.
//
//     TMPDIR=/dev/shm session_fuzz -len_control=0 -max_len=64 -max_total_time=60
#include "profiler/session/session_writer.h"
#include "tests/support/session_exercise.h"
#include "tests/support/synthetic_run.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace {

using namespace moescope;

/// A folder for the file under test, and the sound session's bytes.
class Workshop {
public:
    Workshop() {
        std::string pattern = (std::filesystem::temp_directory_path() / "moescope-fuzz-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr)
            std::abort();
        m_folder = pattern;
        {
            test::SyntheticRun run({2, 4, 2, 3, true});
            session::SessionWriter writer(file(), run.info());
            const session::Batch batch = run.batch(1, 1, 200);
            writer.write(batch);
            writer.write(run.batch(2, batch.records.back().seq + 1, 100));
            writer.finish(run.now(), 0);
        }
        std::ifstream in(file(), std::ios::binary);
        m_sound.assign(std::istreambuf_iterator<char>(in), {});
        if (!test::exerciseSession(file()).empty())
            std::abort();
    }
    ~Workshop() { std::filesystem::remove_all(m_folder); }
    Workshop(const Workshop&) = delete;
    Workshop& operator=(const Workshop&) = delete;

    std::filesystem::path file() const { return m_folder / "seed.moescope"; }
    const std::string& sound() const { return m_sound; }
    void put(const std::string& bytes) const { std::ofstream(file(), std::ios::binary) << bytes; }

private:
    std::filesystem::path m_folder;
    std::string m_sound;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
    static const Workshop workshop;
    std::string bytes(reinterpret_cast<const char*>(input), size);
    if (!bytes.starts_with("SQLite format 3")) {
        bytes = workshop.sound();
        for (std::size_t i = 0; i + 4 <= size; i += 4) {
            const std::size_t at =
                input[i] | static_cast<std::size_t>(input[i + 1]) << 8 | static_cast<std::size_t>(input[i + 2]) << 16;
            bytes[at % bytes.size()] = static_cast<char>(input[i + 3]);
        }
    }
    workshop.put(bytes);
    test::exerciseSession(workshop.file());
    return 0;
}
