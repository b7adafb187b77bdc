#include "ui/top_bar.h"

#include "ui/elided_label.h"
#include "ui/transport_bar.h"

#include <QFileInfo>
#include <QHBoxLayout>
#include <QMenuBar>

using namespace Qt::StringLiterals;

namespace moescope::ui {

QString modelText(const model::ModelFacts& facts) {
    QString text = QString::fromStdString(facts.name);
    // First, because the end of a long text is cut off.
    if (facts.synthetic)
        text.prepend(TopBar::tr("synthetic weights · "));
    if (!facts.quantisation.empty())
        text += u" · "_s + QString::fromStdString(facts.quantisation);
    text += TopBar::tr(" · %1 × %2 experts, top-%3").arg(facts.layers).arg(facts.experts).arg(facts.topK);
    return text;
}

TopBar::TopBar(SessionFeed& feed, const Theme& theme, QWidget* parent)
    : QFrame(parent), m_feed(feed), m_theme(theme), m_menus(new QMenuBar(this)), m_model(new ElidedLabel(this)),
      m_device(new ElidedLabel(this)), m_dot(new QLabel(u"●"_s, this)), m_session(new ElidedLabel(this)),
      m_transport(new TransportBar(feed, theme, this)) {
    setObjectName(u"topBar"_s);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(16, 6, 12, 6);
    row->setSpacing(8);
    auto* name = new QLabel(tr("Moescope"), this);
    name->setObjectName(u"productName"_s);
    m_menus->setNativeMenuBar(false);
    m_menus->setSizePolicy(QSizePolicy::Minimum, QSizePolicy::Preferred);
    for (ElidedLabel* chip : {m_model, m_device}) {
        chip->setProperty("chip", true);
        chip->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
    }
    m_session->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
    row->addWidget(name);
    row->addSpacing(8);
    row->addWidget(m_menus);
    row->addStretch(1);
    row->addWidget(m_model, 100);
    row->addWidget(m_device, 60);
    row->addWidget(m_dot);
    row->addWidget(m_session, 60);
    row->addStretch(1);
    row->addWidget(m_transport);
    connect(&feed, &SessionFeed::snapshotChanged, this, &TopBar::refresh);
    connect(&theme, &Theme::changed, this, &TopBar::refresh);
    refresh();
}

void TopBar::setLiveSession(const QString& path) {
    m_liveSession = path;
    refresh();
}

void TopBar::refresh() {
    const auto snapshot = m_feed.snapshot();
    const bool any = snapshot->info != nullptr;
    for (QWidget* part : std::initializer_list<QWidget*>{m_model, m_device, m_dot, m_session}) {
        if (part->isHidden() == any)
            part->setVisible(any);
    }
    if (!any)
        return;
    const QString file = QString::fromStdString(snapshot->file);
    const bool recording = !file.isEmpty() && file == m_liveSession;
    m_model->setText(modelText(snapshot->info->model));
    m_device->setText(QString::fromStdString(snapshot->info->machine.device) +
                      (snapshot->summary.emulated ? tr(" · emulated link") : QString()));
    const QString name = QFileInfo(file).fileName();
    m_session->setText(recording ? tr("REC %1").arg(name) : tr("replay %1").arg(name));
    const QColor colour = m_theme.colour(recording ? Theme::Role::Demand : Theme::Role::Accent);
    QPalette palette = m_dot->palette();
    if (palette.color(QPalette::WindowText) != colour) {
        palette.setColor(QPalette::WindowText, colour);
        m_dot->setPalette(palette);
    }
}

} // namespace moescope::ui
