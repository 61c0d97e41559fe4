/* fuzz.h - what a fuzz target gives: libFuzzer's name, so that it and replay_main.c call the same. */
#pragma once

#include "base/base.h"

/* Handles one input; aborts when it finds a fault. Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
