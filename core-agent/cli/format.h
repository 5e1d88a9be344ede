/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Figures for the eye, few characters each. Pure. */

#include <stddef.h>
#include <stdint.h>

#define FORMAT_SIZE 24

/* "999", "1.5k", "23M": powers of 1000, at most 4 characters. */
void format_count(uint64_t count, char out[FORMAT_SIZE]);

/* "150us", "2.5ms", "31s" */
void format_us(uint64_t us, char out[FORMAT_SIZE]);

/* "250ms", "3.2s", "5m02s", "3h10m", "12d4h" */
void format_ms(uint64_t ms, char out[FORMAT_SIZE]);
