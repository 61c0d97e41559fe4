/* main.c - where the process begins and ends. */
/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli_internal.h"

int main(int argc, char **argv)
{
    return skn_cli_main(argc, argv);
}
