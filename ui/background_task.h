#pragma once
#include <QThread>
#include <memory>
#include <optional>
#include <utility>

namespace moescope::ui {

/// Runs `work` on a thread of its own and hands its result to `done` on the receiver's thread; not if the receiver is gone by
/// then. For what takes longer than a frame and happens now and then.
template <class Work, class Done>
void inBackground(QObject& receiver, Work work, Done done) {
    using Result = decltype(work());
    auto result = std::make_shared<std::optional<Result>>();
    QThread* thread = QThread::create([result, work = std::move(work)] { result->emplace(work()); });
    QObject::connect(thread, &QThread::finished, &receiver, [result, done = std::move(done)] {
        if (result->has_value())
            done(std::move(**result));
    });
    QObject::connect(thread, &QThread::finished, thread, &QObject::deleteLater);
    thread->start(QThread::LowPriority);
}

} // namespace moescope::ui
