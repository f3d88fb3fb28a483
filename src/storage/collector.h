// What a checkpoint collects from the workers.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "storage/store.h"

namespace godwit {

// Small rows are encoded where they are collected; entries, of which there are many, only name their records
// and are encoded by the checkpoint's own thread.
struct Collector {
  CheckpointRows rows;
  std::vector<std::function<void(CheckpointRows&)>> later;

  CheckpointRows finish() {
    for (const auto& encode : later) encode(rows);
    later.clear();
    return std::move(rows);
  }
};

}  // namespace godwit
