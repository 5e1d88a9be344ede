/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Where the intake is. */

/*
 * The URL to post connections to: below `base` (the setting process_dd_url), or
 * when that is empty at https://process.<site>. `*ret_url` is the caller's to
 * free. 0, -EPROTONOSUPPORT (any scheme but https), -EINVAL (not a URL, or one
 * with a user, a query or a fragment), -ENOMEM.
 */
int endpoint_url(const char *base, const char *site, char **ret_url);
