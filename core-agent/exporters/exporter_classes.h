/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The classes that exporters.c chooses from, each defined in the file of its name. */

#include "exporter.h"

extern const struct exporter_class local_exporter;
extern const struct exporter_class jsonl_exporter;
extern const struct exporter_class table_exporter;
extern const struct exporter_class intake_exporter;
