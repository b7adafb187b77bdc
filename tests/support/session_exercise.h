#pragma once
#include "profiler/session/session_reader.h"

#include <filesystem>
#include <stdexcept>
#include <string>

namespace moescope::test {

/// Opens a session that may hold anything and asks it everything a window would ask. Returns the sentence with which that
/// ended, or verify()'s first complaint after the file's name, or nothing. Anything else than a sentence is a defect.
inline std::string exerciseSession(const std::filesystem::path& path) {
    std::string problem;
    const auto attempt = [&problem](auto&& work) {
        try {
            work();
        } catch (const std::runtime_error& error) {
            if (problem.empty())
                problem = error.what();
        }
    };
    attempt([&] {
        session::SessionReader reader(path);
        attempt([&] { reader.refresh(); });
        attempt([&] {
            while (reader.next()) {
            }
        });
        const std::int64_t last = reader.lastSeq();
        const trace::TimeNs end = reader.lastTime();
        attempt([&] { reader.read(1, last); });
        attempt([&] { reader.seek(last / 2), reader.seqAt(end / 2); });
        for (int lane = 0; lane < 7; ++lane)
            for (trace::TimeNs resolution : {trace::TimeNs{1}, end / 50 + 1})
                attempt([&] { reader.lane({static_cast<session::Lane>(lane), 0, end, resolution}); });
        attempt([&] { reader.linkBytes(0, end, 20); });
        attempt([&] { reader.residencyAt(last / 2), reader.residencyAt(last); });
        attempt([&] {
            const auto complaints = reader.verify();
            if (!complaints.empty())
                throw std::runtime_error(path.filename().string() + ": " + complaints.front());
        });
    });
    return problem;
}

} // namespace moescope::test
