#pragma once
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

namespace moescope::session {

/// Moves the WAL of a growing session into its file, on a thread and a connection of its own: that waits for the disk, and a
/// commit, with the newest token in it, must not. Owned by a SessionWriter; the thread starts with the first request.
class Checkpointer {
public:
    /// `name` stands for the file in messages.
    Checkpointer(std::filesystem::path file, std::string name);
    ~Checkpointer(); ///< waits for a checkpoint that is under way
    Checkpointer(const Checkpointer&) = delete;
    Checkpointer& operator=(const Checkpointer&) = delete;

    /// Returns at once. A failure is silent: the WAL stays, complete and readable, until the next request.
    void request();

private:
    void run();

    std::filesystem::path m_file;
    std::string m_name;
    std::mutex m_lock;
    std::condition_variable m_wake;
    bool m_wanted = false;
    bool m_stop = false;
    std::thread m_thread;
};

} // namespace moescope::session
