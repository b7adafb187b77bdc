#pragma once
#include "app/run.h"

#include <string>
#include <vector>

namespace moescope::app {

/// Settings that change when a number of tokens has been answered: "40:gate-threshold=0.01". Engine's thread.
class ScheduledSettings {
public:
    /// Throws UsageError with one sentence when an entry cannot be read.
    explicit ScheduledSettings(const std::vector<std::string>& entries);
    /// Throws std::invalid_argument when a value is not allowed at all.
    void check(runtime::Settings settings) const;
    /// Posts what is due. Does not throw: what the model refuses is kept as problem().
    void apply(int tokens, Run& run) noexcept;
    const std::string& problem() const { return m_problem; }

private:
    struct Entry {
        int token = 0;
        std::string name;
        std::string value;
    };
    std::vector<Entry> m_entries; ///< by token
    std::size_t m_next = 0;
    std::string m_problem;
};

} // namespace moescope::app
