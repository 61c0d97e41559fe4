/* programs.c - the domain types that a node has: runs, and in a test build those of src/dev. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "dev/dev.h"
#include "flow/flow.h"
#include "node/programs_internal.h"

const struct skn_program *const engine_programs[] = {&skn_flow_program,
#ifdef SKN_TEST_BUILD
                                                     &skn_dev_counter,
                                                     &skn_dev_echo,
                                                     &skn_dev_flood,
                                                     &skn_dev_hog,
                                                     &skn_dev_ledger,
                                                     &skn_dev_vault,
                                                     &skn_dev_shelf,
                                                     &skn_dev_album,
#endif
                                                     NULL};
