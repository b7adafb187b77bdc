#pragma once
// What `quality` prints.
#include "app/quality.h"

#include <string>

namespace moescope::app {

/// One measured setting of a meter.
struct QualityView {
    const QualityMeter& meter;
    const runtime::Settings& settings;
    const QualityResult& result;
};

std::string qualityJson(const QualityView& view);
/// For people, with the loss placed on the scale of quantisation losses as far as the calibration knows them.
std::string qualityText(const QualityView& view);

} // namespace moescope::app
