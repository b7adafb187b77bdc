#pragma once
#include "engine/trace/ids.h"

#include <cstddef>
#include <vector>

namespace moescope::policy {

/// One value per expert, dense by layer and expert. Grows when a key is first seen, so policies need not know the model's
/// shape; allocates no more once every expert has been seen. Belongs to its policy; one thread.
template <class Value>
class KeyTable {
public:
    Value& at(trace::ExpertKey key) {
        const auto layer = static_cast<std::size_t>(key.layer.value);
        const auto expert = static_cast<std::size_t>(key.expert.value);
        if (layer >= m_layers.size())
            m_layers.resize(layer + 1);
        if (expert >= m_layers[layer].size())
            m_layers[layer].resize(expert + 1);
        return m_layers[layer][expert];
    }

    template <class Change>
    void forEach(Change change) {
        for (auto& layer : m_layers)
            for (auto& value : layer)
                change(value);
    }

private:
    std::vector<std::vector<Value>> m_layers;
};

} // namespace moescope::policy
