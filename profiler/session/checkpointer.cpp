#include "profiler/session/checkpointer.h"

#include "profiler/session/connection.h"

#include <optional>
#include <utility>

namespace moescope::session {

Checkpointer::Checkpointer(std::filesystem::path file, std::string name) : m_file(std::move(file)), m_name(std::move(name)) {}

Checkpointer::~Checkpointer() {
    {
        const std::lock_guard lock(m_lock);
        m_stop = true;
    }
    m_wake.notify_one();
    if (m_thread.joinable())
        m_thread.join();
}

void Checkpointer::request() {
    if (!m_thread.joinable())
        m_thread = std::thread(&Checkpointer::run, this);
    {
        const std::lock_guard lock(m_lock);
        m_wanted = true;
    }
    m_wake.notify_one();
}

void Checkpointer::run() {
    std::optional<Connection> connection;
    std::unique_lock lock(m_lock);
    for (;;) {
        m_wake.wait(lock, [this] { return m_wanted || m_stop; });
        if (m_stop)
            return;
        m_wanted = false;
        lock.unlock();
        try {
            if (!connection) {
                connection.emplace(m_file, Connection::Mode::Write, m_name);
                connection->integer("PRAGMA user_version"); // a connection that never read does not know of the WAL
            }
            connection->checkpoint();
        } catch (const StoreError&) {
            connection.reset(); // out of handles or of memory: the next request tries again
        }
        lock.lock();
    }
}

} // namespace moescope::session
