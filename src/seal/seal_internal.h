/* seal_internal.h - keys, for those who use them. */
#pragma once

#include "seal/seal.h"

/* The key, SKN_SEAL_KEY_BYTES of it, borrowed from the ring; NULL: there is none. */
const uint8_t *skn_keyring_find(const struct skn_keyring *ring, uint64_t id);
